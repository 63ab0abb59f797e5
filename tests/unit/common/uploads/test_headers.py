"""Headers and names of uploads."""

from collections.abc import AsyncIterator

import pytest
from starlette.datastructures import Headers

from limner_common.errors import Invalid, TooLarge
from limner_common.uploads.feed import BodyFeed
from limner_common.uploads.headers import UploadStep, upload_length, upload_metadata, upload_step
from limner_common.uploads.names import base_name, free_name, object_extension


@pytest.mark.parametrize(
    ("headers", "step"),
    [
        ({"Upload-Start": ""}, UploadStep.START),
        ({"Upload-Start": "", "Upload-Finish": ""}, UploadStep.FINISH),
        ({"Upload-Length": "5"}, UploadStep.CREATE),
        ({"Upload-Multiple": ""}, UploadStep.MULTIPLE),
        ({}, UploadStep.ONE_SHOT),
    ],
)
def test_presence_of_headers_tells_the_step(headers: dict[str, str], step: UploadStep) -> None:
    assert upload_step(Headers(headers)) is step


def test_metadata_are_pairs_with_base64_values() -> None:
    assert upload_metadata({"upload-metadata": "filename bcO8LnBuZw==,filetype aW1hZ2U=,empty"}) == {
        "filename": "mü.png",
        "filetype": "image",
        "empty": "",
    }


def test_bad_metadata_are_invalid() -> None:
    with pytest.raises(Invalid):
        upload_metadata({"upload-metadata": "filename ???"})


@pytest.mark.parametrize("value", ["", "-1", "x", "9" * 30])
def test_a_length_that_is_no_number_is_invalid(value: str) -> None:
    with pytest.raises(Invalid):
        upload_length({"upload-length": value}, max_bytes=10)


def test_a_length_above_the_limit_is_too_large() -> None:
    with pytest.raises(TooLarge):
        upload_length({"upload-length": "11"}, max_bytes=10)


@pytest.mark.parametrize(("name", "base"), [("/home/u/a.jpg", "a.jpg"), ("C:\\x\\b.png", "b.png"), ("c", "c")])
def test_the_base_name_of_a_path_remains(name: str, base: str) -> None:
    assert base_name(name) == base


@pytest.mark.parametrize("name", ["", "/", "..", "a/..", "x\n", "a" * 300])
def test_names_that_are_none_are_invalid(name: str) -> None:
    with pytest.raises(Invalid):
        base_name(name)


def test_a_taken_name_gets_a_number_before_its_extension() -> None:
    assert free_name("d/a.jpg", {"d/a.jpg", "d/a_1.jpg"}) == "d/a_2.jpg"
    assert free_name("b", {"b"}) == "b_1"


@pytest.mark.parametrize(("name", "extension"), [("a.JPG", ".jpg"), ("a.b c", ""), ("a", ""), ("a.ü", "")])
def test_only_plain_extensions_reach_keys(name: str, extension: str) -> None:
    assert object_extension(name) == extension


async def broken() -> AsyncIterator[bytes]:
    yield b"abcd"
    yield b""
    yield b"ef"
    raise ConnectionError


async def test_a_broken_body_ends_where_it_broke() -> None:
    feed = BodyFeed(broken(), limit_bytes=10)
    pieces = []
    while await feed.has_more():
        pieces.append(b"".join([block async for block in feed.piece(3)]))
    assert pieces == [b"abc", b"def"]


async def test_a_body_beyond_its_limit_is_too_large() -> None:
    feed = BodyFeed(broken(), limit_bytes=5)
    with pytest.raises(TooLarge):
        while await feed.has_more():
            async for _ in feed.piece(100):
                pass
