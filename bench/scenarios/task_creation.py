"""From the end of an upload to a task that is ready, and to the first frame."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench import limits
from bench.data import LABELS, PHOTO_COUNT
from bench.harness import Bench
from bench.measures import Row, at_most, seconds_of

_PHOTO_ROUNDS = 3
_VIDEO_ROUNDS = 4
_FRAMES_PER_TASK = 5


def run(bench: Bench) -> None:
    """Measure 500 photos and two videos."""
    _photos(bench)
    for gop in (12, 250):
        _video(bench, gop)


def _photos(bench: Bench) -> None:
    photos = bench.media.photos()
    readies: list[float] = []
    firsts: list[float] = []
    frames: list[float] = []
    with bench.memory.usage() as usage:
        for _ in range(_PHOTO_ROUNDS):
            task_id, seconds = _ready(bench, photos)
            readies.append(seconds)
            first, *others = _frame_times(bench, task_id)
            firsts.append(first)
            frames += others
            bench.client.remove_task(task_id)
    headers = [limits.read_headers(photos) for _ in range(5)]
    total = sum(photo.stat().st_size for photo in photos) / 1e6
    what = f"{PHOTO_COUNT} photos ({total:.0f} MB): end of upload → ready"
    row = Row(what, "s", readies, at_most(3, plus=0.2), "reading 500 headers with Pillow", headers)
    bench.add(row, usage)
    recoding = [seconds_of(partial(limits.recode, photo)) for photo in photos[:20]]
    bench.add(Row("ready → first frame of these in hand, compressed", "s", firsts, at_most(3), "recoding one", recoding))
    bench.add(Row("another frame, not asked for before", "s", frames, at_most(3), "recoding one", recoding))


def _video(bench: Bench, gop: int) -> None:
    video = bench.media.video(gop)
    readies = []
    with bench.memory.usage() as usage:
        for _ in range(_VIDEO_ROUNDS):
            task_id, seconds = _ready(bench, [video])
            readies.append(seconds)
            bench.client.remove_task(task_id)
    demuxing = [limits.demux(video) for _ in range(5)]
    what = f"1080p 60 s video, key frame every {gop}: end of upload → ready"
    bench.add(Row(what, "s", readies, at_most(3, plus=0.5), "demuxing all packets", demuxing), usage)


def _ready(bench: Bench, files: Sequence[Path]) -> tuple[int, float]:
    """Upload files to a new task and return it, with the seconds from the end of the upload until it is ready."""
    client = bench.client
    task_id = client.new_task("made", LABELS)
    client.upload(task_id, files)
    bench.quiet()
    started = time.perf_counter()
    client.finish(client.start_data(task_id))
    return task_id, time.perf_counter() - started


def _frame_times(bench: Bench, task_id: int) -> list[float]:
    paths = [f"/api/tasks/{task_id}/data?type=frame&number={n * 97}&quality=compressed" for n in range(_FRAMES_PER_TASK)]
    return [seconds_of(partial(bench.client.send, "GET", path)) for path in paths]
