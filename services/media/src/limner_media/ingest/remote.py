"""Files that are fetched from addresses users name."""

import asyncio
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from limner_common.egress import EgressClient, EgressLimits, EgressRequest
from limner_common.objects.port import ObjectStore
from limner_common.uploads.names import object_extension
from limner_media.core.errors import MediaError
from limner_media.core.names import AbsolutePaths, normalize_name
from limner_media.sources.pieces import Piece, whole_file

_DEADLINE_SECONDS = 6 * 3600.0


def remote_names(urls: Sequence[str]) -> list[str]:
    """Return the file names of addresses: the last component of each path.

    Raises:
        MediaError: An address is none, has no file name, or two have the same.
    """
    names: dict[str, str] = {}
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise MediaError("only http and https addresses can be fetched", file=url)
        name = normalize_name(unquote(parts.path).rstrip("/").rpartition("/")[2], absolute=AbsolutePaths.BASE_NAME)
        if name in names:
            raise MediaError(f"two remote files are both called {name}", file=url)
        names[name] = url
    return list(names)


async def fetch_files(
    egress: EgressClient,
    objects: ObjectStore,
    urls: Sequence[str],
    *,
    folder: str,
    max_bytes: int,
    at_once: int,
) -> list[Piece]:
    """Fetch addresses into the object store, some at a time; the first failure ends all.

    Args:
        egress: The way out.
        objects: Where to.
        urls: Addresses with different file names.
        folder: Folder of keys, ending on a slash.
        max_bytes: Largest file.
        at_once: Files fetched at the same time.

    Raises:
        MediaError: An address is none, or two have the same file name.
        DomainError: An address may not be reached, does not answer, or holds too much.
    """
    slots = asyncio.Semaphore(at_once)
    limits = EgressLimits(max_bytes=max_bytes, timeout_seconds=_DEADLINE_SECONDS)

    async def fetch(number: int, name: str, url: str) -> Piece:
        key = f"{folder}{number:06d}{object_extension(name)}"
        async with slots, egress.stream(EgressRequest(url), limits=limits) as response:
            response.require_success()
            info = await objects.put_stream(key, response)
            return whole_file(name, key, info.size_bytes)

    names = remote_names(urls)
    tasks = [
        asyncio.create_task(fetch(number, name, url)) for number, (name, url) in enumerate(zip(names, urls, strict=True))
    ]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
