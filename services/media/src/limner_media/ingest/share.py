"""Files of the share that data are made of."""

from collections.abc import Sequence
from contextlib import suppress

from limner_common.objects.keys import InvalidKey
from limner_common.objects.port import ObjectMissing, ObjectStore
from limner_media.core.errors import MediaError
from limner_media.core.kinds import is_manifest, kind_of
from limner_media.core.manifests import ImageManifest, read_manifest
from limner_media.core.names import AbsolutePaths, is_junk, normalize_name
from limner_media.core.selection import exclude_files, filter_by_pattern
from limner_media.ingest.params import DataParams
from limner_media.sources.pieces import Piece, whole_file


async def share_files(share: ObjectStore, params: DataParams) -> list[Piece]:
    """Return the files of the share that the parameters mean, folders expanded, each once.

    A pattern selects among the images of a manifest when one is named, else among the whole share.

    Raises:
        MediaError: A path is not there, holds nothing, or leaves the share.
    """
    found: dict[str, int] = {}
    for name in params.server_files:
        found |= await _expand(share, name)
    if params.filename_pattern is not None:
        found |= await _matching(share, [*found], params)
    kept = exclude_files(found, params.server_files_exclude) if params.server_files_exclude else list(found)
    return [whole_file(name, name, found[name], is_share=True) for name in kept]


async def _expand(share: ObjectStore, name: str) -> dict[str, int]:
    path = normalize_name(name, absolute=AbsolutePaths.STRIP) if name.strip("/") else ""
    try:
        if path and not name.endswith("/"):
            with suppress(ObjectMissing):
                return {path: (await share.stat(path)).size_bytes}
        found = await _below(share, f"{path}/" if path else "")
    except InvalidKey as error:
        raise MediaError(str(error), file=name) from error
    if not found:
        raise MediaError("there is no such file or folder in the share", file=name)
    return found


async def _below(share: ObjectStore, prefix: str) -> dict[str, int]:
    """Files below a folder that may be media or manifests; what the folder holds beside them is not asked for."""
    return {
        info.key: info.size_bytes
        async for info in share.list(prefix)
        if not is_junk(info.key) and (kind_of(info.key) is not None or is_manifest(info.key))
    }


async def _matching(share: ObjectStore, named: Sequence[str], params: DataParams) -> dict[str, int]:
    assert params.filename_pattern is not None
    manifests = [name for name in named if is_manifest(name)]
    if not named:
        every = await _below(share, "")
        return {name: every[name] for name in filter_by_pattern(every, params.filename_pattern)}
    if len(manifests) != 1:
        raise MediaError("a file name pattern needs a manifest among the server files, or no server files at all")
    manifest = read_manifest(await share.get_bytes(manifests[0]), file=manifests[0])
    if not isinstance(manifest, ImageManifest):
        raise MediaError("a file name pattern needs a manifest of images", file=manifests[0])
    folder = manifests[0].rpartition("/")[0]
    listed = [f"{folder}/{item.name}" if folder else item.name for item in manifest.images]
    found: dict[str, int] = {}
    for name in filter_by_pattern(listed, params.filename_pattern):
        found |= await _expand(share, name)
    return found
