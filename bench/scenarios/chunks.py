"""Chunks: cut for the first time, and kept."""

import random
from functools import partial
from pathlib import Path

from bench import limits
from bench.bare import bare_server
from bench.data import LABELS, VIDEO_FRAMES
from bench.harness import Bench
from bench.measures import Row, at_least, at_most, seconds_of

_CHUNK = 36
_PHOTO_CHUNK = 60
_WARM_CHUNK = 20
_COLD_ROUNDS = 8
_PARALLEL_CHUNKS = 24
_PHOTO_ROUNDS = 4
_WARM_SECONDS = 3.0


def run(bench: Bench) -> None:
    """Measure chunks of a video and of photos."""
    for gop in (12, 250):
        _cold_video(bench, gop)
    _cold_photos(bench)
    _warm(bench)


def _cold_video(bench: Bench, gop: int) -> None:
    video = bench.media.video(gop)
    task_id = bench.client.new_data_task(f"film {gop}", LABELS, [video], chunk_size=_CHUNK)
    count = VIDEO_FRAMES // _CHUNK
    # The product works ahead on the next chunk: every second one is asked for, once it is quiet again.
    alone = list(range(1, count, 2))
    random.Random(3).shuffle(alone)
    ours, plain = [], []
    with bench.memory.usage() as usage:
        for number in alone[:_COLD_ROUNDS]:
            bench.quiet()
            ours.append(seconds_of(partial(bench.client.send, "GET", _path(task_id, number))))
            bench.quiet()
            plain.append(seconds_of(partial(limits.cut_chunk, video, number * _CHUNK, _CHUNK)))
    limit_name = "seek, decode, encode in process"
    name = f"cold {_CHUNK}-frame 1080p chunk, key frame every {gop}"
    bench.add(Row(f"{name}, 1 client", "s", ours, at_most(1.4), limit_name, plain), usage)
    bench.client.remove_task(task_id)
    _cold_video_parallel(bench, name, video, [1 / seconds for seconds in plain])


def _cold_video_parallel(bench: Bench, name: str, video: Path, limit_rates: list[float]) -> None:
    task_id = bench.client.new_data_task("film", LABELS, [video], chunk_size=_CHUNK)
    bench.quiet()
    paths = [_path(task_id, number) for number in range(_PARALLEL_CHUNKS)]
    with bench.memory.usage() as usage:
        load = bench.load(paths, clients=8, count=_PARALLEL_CHUNKS)
    limit_name = "the same, one after the other"
    bench.add(Row(f"{name}, 8 clients", "1/s", [load.rate], at_least(0.8), limit_name, limit_rates), usage)
    bench.client.remove_task(task_id)


def _cold_photos(bench: Bench) -> None:
    photos = bench.media.photos()
    task_id = bench.client.new_data_task("photos", LABELS, photos, chunk_size=_PHOTO_CHUNK)
    rates, limit_rates = [], []
    with bench.memory.usage() as usage:
        for number in range(0, 2 * _PHOTO_ROUNDS, 2):
            bench.quiet()
            rates.append(_PHOTO_CHUNK / seconds_of(partial(bench.client.send, "GET", _path(task_id, number))))
            bench.quiet()
            limit_rates.append(limits.recode_on_all_cores(photos[number * 30 : number * 30 + _PHOTO_CHUNK]))
    limit_name = "decode and encode on all cores"
    what = f"cold {_PHOTO_CHUNK}-photo chunk, compressed: photos"
    bench.add(Row(what, "1/s", rates, at_least(0.8), limit_name, limit_rates), usage)
    bench.client.remove_task(task_id)


def _warm(bench: Bench) -> None:
    photos = bench.media.photos(_WARM_CHUNK * 2)
    task_id = bench.client.new_data_task("warm", LABELS, photos, chunk_size=_WARM_CHUNK)
    path = _path(task_id, 0, "original")
    size = len(bench.client.send("GET", path).body)
    bench.quiet()
    with bare_server("bytes", str(size)) as port:
        for clients in (1, 8):
            ours, plain, bandwidth = [], [], []
            with bench.memory.usage() as usage:
                for _ in range(3):
                    bare = bench.load(["/"], clients=clients, seconds=_WARM_SECONDS, port=port)
                    load = bench.load([path], clients=clients, seconds=_WARM_SECONDS)
                    plain.append(bare.rate)
                    ours.append(load.rate)
                    bandwidth.append(load.body_bytes / load.seconds / 1e9)
            what = f"warm chunk of {size / 1e6:.0f} MB, {clients} client{'s' if clients > 1 else ''}"
            limit_name = "the same bytes from a bare ASGI app"
            notes = {"gigabytes_per_second": bandwidth}
            bench.add(Row(what, "1/s", ours, at_least(0.5), limit_name, plain, notes=notes), usage)
    bench.client.remove_task(task_id)


def _path(task_id: int, number: int, quality: str = "compressed") -> str:
    return f"/api/tasks/{task_id}/data?type=chunk&number={number}&quality={quality}"
