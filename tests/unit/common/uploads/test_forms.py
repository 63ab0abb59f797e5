"""Forms read as they arrive."""

from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request

from limner_common.errors import Invalid
from limner_common.uploads import FileData, FileEnd, FileStart, FormField, FormFields, form_events

BODY = (
    b'--X\r\nContent-Disposition: form-data; name="image_quality"\r\n\r\n70\r\n'
    b'--X\r\nContent-Disposition: form-data; name="client_files[0]"; filename="/home/u/m\xc3\xbcller %22x%22.png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x00\r\n--data\x00\r\n"
    b"--X--\r\n"
)


def make_request(body: bytes, content_type: str, block: int) -> Request:
    pieces = [body[i : i + block] for i in range(0, len(body), block)]

    async def receive() -> dict[str, object]:
        piece = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())], "path": "/"}
    return Request(scope, receive)


async def collect(events: AsyncIterator[object]) -> list[object]:
    found: list[object] = []
    async for event in events:
        if isinstance(event, FileData) and found and isinstance(found[-1], FileData):
            found[-1] = FileData(found[-1].data + event.data)
        else:
            found.append(event)
    return found


@pytest.mark.parametrize("block", [1, 7, 4096])
async def test_fields_and_files_come_whatever_the_blocks(block: int) -> None:
    events = await collect(form_events(make_request(BODY, "multipart/form-data; boundary=X", block)))
    assert events == [
        FormField("image_quality", "70"),
        FileStart("client_files[0]", '/home/u/müller "x".png'),
        FileData(b"\x00\r\n--data\x00"),
        FileEnd(),
    ]


async def test_a_form_cut_short_is_invalid() -> None:
    with pytest.raises(Invalid, match="cut short"):
        await collect(form_events(make_request(BODY[:-10], "multipart/form-data; boundary=X", 50)))


async def test_a_body_that_is_no_form_is_invalid() -> None:
    with pytest.raises(Invalid, match="form"):
        await collect(form_events(make_request(b"{}", "application/json", 50)))


async def test_urlencoded_forms_are_read_too() -> None:
    events = await collect(form_events(make_request(b"a=1&b=x%20y", "application/x-www-form-urlencoded", 50)))
    assert events == [FormField("a", "1"), FormField("b", "x y")]


def test_indexed_and_repeated_names_are_lists() -> None:
    fields = FormFields()
    for name, value in [("f[1]", "b"), ("f[0]", "a"), ("q", "70"), ("r", "1"), ("r", "2")]:
        fields.add(name, value)
    assert fields.values() == {"f": ["a", "b"], "q": "70", "r": ["1", "2"]}
