"""Every shape in which data are sent."""

import pytest

from tests.integration.media.studio import BASE_URL, TASK, USER, Studio, encoded, tus_metadata
from tests.support.pictures import picture

PATH = f"/api/tasks/{TASK}/data/"
A, B, C = (encoded(picture(number)) for number in range(3))


async def test_header_flow_with_groups_of_files(studio: Studio) -> None:
    start = await studio.task.post(PATH, headers={"Upload-Start": "", "Content-Type": "application/json"})
    assert (start.status_code, start.content) == (202, b"")
    group = [("client_files[0]", ("/home/u/b.png", B)), ("client_files[1]", ("/home/u/a.png", A))]
    multiple = await studio.task.post(PATH, headers={"Upload-Multiple": ""}, data={"image_quality": "70"}, files=group)
    assert (multiple.status_code, multiple.content) == (200, b"")
    body = {"image_quality": 55, "sorting_method": "lexicographical", "use_cache": False}
    finish = await studio.task.post(PATH, headers={"Upload-Finish": ""}, json=body)
    assert finish.status_code == 202
    assert finish.json()["rq_id"] in finish.headers["x-limner-request"]
    await studio.work()
    meta = await studio.meta()
    assert [frame["name"] for frame in meta["frames"]] == ["a.png", "b.png"]
    assert (meta["size"], meta["image_quality"]) == (2, 55)


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
async def test_one_shot_multipart_with_or_without_slash(studio: Studio, path: str) -> None:
    files = [("client_files[0]", ("sub/a.png", A)), ("client_files[1]", ("b.png", B))]
    data = {"image_quality": "70", "use_zip_chunks": "True", "start_frame": "1"}
    answer = await studio.task.post(path, data=data, files=files)
    assert answer.status_code == 202
    await studio.work()
    assert await studio.names() == ["sub/a.png"]


async def test_finish_may_be_a_form_with_files(studio: Studio) -> None:
    files = [("client_files[0]", ("a.png", A))]
    answer = await studio.task.post(PATH, headers={"Upload-Finish": "true"}, data={"image_quality": "70"}, files=files)
    assert answer.status_code == 202
    await studio.work()
    assert await studio.names() == ["a.png"]


async def test_resumable_upload(studio: Studio) -> None:
    create = await studio.task.post(
        PATH, headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(A)), "Upload-Metadata": tus_metadata("a.png")}
    )
    assert create.status_code == 201
    location = create.headers["location"]
    assert location.startswith(f"{BASE_URL}{PATH}{USER}_")
    assert create.headers["upload-filename"] == "a.png"
    assert create.headers["tus-resumable"] == "1.0.0"
    address = location.removeprefix(BASE_URL)
    half = len(A) // 2
    first = await studio.task.patch(address, headers={"Upload-Offset": "0"}, content=A[:half])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(half))
    head = await studio.task.head(address)
    assert (head.status_code, head.headers["upload-offset"], head.headers["upload-length"]) == (200, str(half), str(len(A)))
    wrong = await studio.task.patch(address, headers={"Upload-Offset": "1"}, content=A[1:])
    assert (wrong.status_code, wrong.headers["upload-offset"]) == (409, str(half))
    beyond = await studio.task.patch(address, headers={"Upload-Offset": str(half)}, content=A)
    assert beyond.status_code == 413
    last = await studio.task.patch(address, headers={"Upload-Offset": str(half)}, content=A[half:])
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(A)))
    assert len(studio.stored()) == 1
    await studio.create_json({"image_quality": 70})
    assert (await studio.get("", type="frame", number=0, quality="original")).content == A


async def test_a_cut_connection_keeps_what_arrived(studio: Studio) -> None:
    create = await studio.task.post(PATH, headers={"Upload-Length": str(len(A)), "Upload-Metadata": tus_metadata("a.png")})
    address = create.headers["location"].removeprefix(BASE_URL)

    async def cut() -> object:
        yield A[:100]
        raise ConnectionResetError

    await studio.task.patch(address, headers={"Upload-Offset": "0"}, content=cut())
    head = await studio.task.head(address)
    assert head.headers["upload-offset"] == "100"
    rest = await studio.task.patch(address, headers={"Upload-Offset": "100"}, content=A[100:])
    assert rest.headers["upload-offset"] == str(len(A))
    await studio.create_json({"image_quality": 70})
    assert (await studio.get("", type="frame", number=0, quality="original")).content == A


async def test_large_bodies_are_made_safe_part_by_part(studio: Studio) -> None:
    studio.container.uploads._part_bytes = 100
    create = await studio.task.post(PATH, headers={"Upload-Length": str(len(A)), "Upload-Metadata": tus_metadata("a.png")})
    address = create.headers["location"].removeprefix(BASE_URL)
    done = await studio.task.patch(address, headers={"Upload-Offset": "0"}, content=A)
    assert done.headers["upload-offset"] == str(len(A))
    await studio.create_json({"image_quality": 70})
    assert (await studio.get("", type="frame", number=0, quality="original")).content == A


async def test_taken_names_get_numbers(studio: Studio) -> None:
    names = []
    for data in (A, B, C):
        create = await studio.task.post(
            PATH, headers={"Upload-Length": str(len(data)), "Upload-Metadata": tus_metadata("d/x.png")}
        )
        names.append(create.headers["upload-filename"])
        address = create.headers["location"].removeprefix(BASE_URL)
        await studio.task.patch(address, headers={"Upload-Offset": "0"}, content=data)
    assert names == ["d/x.png", "d/x_1.png", "d/x_2.png"]
    group = [("client_files[0]", ("/q/y.png", A)), ("client_files[1]", ("/r/y.png", B))]
    await studio.task.post(PATH, headers={"Upload-Multiple": ""}, files=group)
    await studio.create_json({})
    assert await studio.names() == ["d/x.png", "d/x_1.png", "d/x_2.png", "y.png", "y_1.png"]


async def test_an_empty_file_is_one_empty_patch(studio: Studio) -> None:
    create = await studio.task.post(PATH, headers={"Upload-Length": "0", "Upload-Metadata": tus_metadata("note.txt")})
    address = create.headers["location"].removeprefix(BASE_URL)
    patch = await studio.task.patch(address, headers={"Upload-Offset": "0"}, content=b"")
    assert (patch.status_code, patch.headers["upload-offset"]) == (204, "0")
    await studio.create_json({})
    assert "not supported" in await studio.failed()


async def test_options_tell_the_protocol(studio: Studio) -> None:
    answer = await studio.task.options(PATH)
    assert (answer.status_code, answer.headers["tus-version"]) == (204, "1.0.0")


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_client_that_asks_for_an_upload_that_is_gone_is_answered_in_its_protocol(
    studio: Studio, is_announced: bool
) -> None:
    headers = {"Tus-Resumable": "1.0.0"} if is_announced else {}
    create = await studio.task.post(PATH, headers={"Upload-Length": "5", "Upload-Metadata": tus_metadata("a.png")})
    address = create.headers["location"].removeprefix(BASE_URL)
    await studio.task.post(PATH, headers={"Upload-Start": ""})  # whoever starts anew lets go of what was there
    for path in (address, f"{PATH}{USER}_unknown"):
        gone = await studio.task.head(path, headers=headers)
        assert (gone.status_code, gone.headers["tus-resumable"], gone.content) == (404, "1.0.0", b"")
        assert gone.headers["cache-control"] == "no-store"
        assert "upload-offset" not in gone.headers


async def test_every_error_of_the_upload_protocol_says_which_version_is_spoken(studio: Studio) -> None:
    tus = {"Tus-Resumable": "1.0.0", "Upload-Metadata": tus_metadata("a.png")}
    answers = [
        await studio.task.patch(f"{PATH}{USER}_unknown", headers={**tus, "Upload-Offset": "0"}, content=b"x"),
        await studio.task.post(PATH, headers={**tus, "Upload-Length": "many"}),
        await studio.task.post(PATH, headers={**tus, "Upload-Length": str(1 << 50)}),
        await studio.client(TASK + 1).head(f"{PATH}{USER}_unknown", headers=tus),
    ]
    assert [answer.status_code for answer in answers] == [404, 400, 413, 403]
    assert {answer.headers["tus-resumable"] for answer in answers} == {"1.0.0"}
    plain = await studio.task.post(PATH, headers={"Upload-Length": "many"})
    assert (plain.status_code, "tus-resumable" in plain.headers) == (400, False)


async def test_uploads_of_others_are_not_touched(studio: Studio) -> None:
    create = await studio.task.post(PATH, headers={"Upload-Length": "5", "Upload-Metadata": tus_metadata("a.png")})
    address = create.headers["location"].removeprefix(BASE_URL)
    other = studio.client(user_id=USER + 1)
    assert (await other.head(address)).status_code == 403
    assert (await studio.task.head(f"{PATH}{USER}_unknown")).status_code == 404
    foreign = studio.client(TASK + 1)
    assert (await foreign.head(address.replace(f"/{TASK}/", f"/{TASK + 1}/"))).status_code == 404
    assert (await foreign.head(address)).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "x"}, 400),
        ({"Upload-Length": str(26 * 1024**3)}, 413),
        ({"Upload-Length": "5", "Upload-Metadata": tus_metadata("../../etc/passwd")}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "filename ???"}, 400),
        ({"Upload-Length": "5"}, 400),
    ],
)
async def test_bad_creations_are_refused(studio: Studio, headers: dict[str, str], status: int) -> None:
    if "Upload-Metadata" not in headers and status != 400:
        headers = {**headers, "Upload-Metadata": tus_metadata("a.png")}
    assert (await studio.task.post(PATH, headers=headers)).status_code == status
    assert await studio.count("uploads") == 0


async def test_unfinished_files_are_named_at_the_finish(studio: Studio) -> None:
    await studio.task.post(PATH, headers={"Upload-Length": "5", "Upload-Metadata": tus_metadata("a.png")})
    answer = await studio.task.post(PATH, headers={"Upload-Finish": ""}, json={})
    assert answer.status_code == 400
    assert "a.png" in answer.text


async def test_a_new_start_forgets_what_was_left(studio: Studio) -> None:
    await studio.task.post(PATH, headers={"Upload-Multiple": ""}, files=[("client_files[0]", ("old.png", A))])
    await studio.task.post(PATH, headers={"Upload-Start": ""})
    assert studio.stored() == []
    assert await studio.count("uploads") == 0


async def test_data_are_taken_once(studio: Studio) -> None:
    await studio.create([("a.png", A)])
    for headers in ({}, {"Upload-Start": ""}, {"Upload-Length": "5"}, {"Upload-Finish": ""}):
        answer = await studio.task.post(PATH, headers=headers, json={"server_files": ["x"]})
        assert answer.status_code == 400, headers
    assert await studio.names() == ["a.png"]


async def test_one_ingest_at_a_time(studio: Studio) -> None:
    assert (await studio.send([("a.png", A)])).status_code == 202
    assert (await studio.send([("b.png", B)])).status_code == 409
    await studio.work()
    assert await studio.names() == ["a.png"]


async def test_a_form_cut_short_leaves_nothing(studio: Studio) -> None:
    body = b'--X\r\nContent-Disposition: form-data; name="client_files[0]"; filename="a.png"\r\n\r\n' + A
    headers = {"Upload-Multiple": "", "Content-Type": "multipart/form-data; boundary=X"}
    assert (await studio.task.post(PATH, headers=headers, content=body)).status_code == 400
    assert studio.stored() == []
    assert await studio.count("uploads") == 0


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"image_quality": "200"}, "image_quality"),
        ({"image_quality": "x"}, "image_quality"),
        ({"frame_filter": "every=2"}, "frame_filter"),
        ({"start_frame": "5", "stop_frame": "2"}, "non_field_errors"),
        ({"sorting_method": "by size"}, "sorting_method"),
        ({"chunk_size": "0"}, "chunk_size"),
        ({"cloud_storage_id": "4"}, "cloud_storage_id"),
        ({"validation_params": "{}"}, "validation_params"),
        ({"use_cache": "perhaps"}, "use_cache"),
    ],
)
async def test_bad_parameters_are_told_by_field(studio: Studio, params: dict[str, str], field: str) -> None:
    answer = await studio.send([("a.png", A)], **params)
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert studio.stored() == []


async def test_the_request_is_announced_but_not_its_end(studio: Studio) -> None:
    request_id = (await studio.send([("a.png", A)])).json()["rq_id"]
    await studio.work()
    events = await studio.events()
    facts = [event.WhichOneof("fact") for event in events]
    assert facts[0] == "queued"
    assert "started" in facts
    assert "finished" not in facts
    ready = next(event for event in events if event.WhichOneof("fact") == "ready").ready
    assert (ready.size, ready.request_id, ready.mode, ready.chunk_size) == (1, request_id, "annotation", 72)
