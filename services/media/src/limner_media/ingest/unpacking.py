"""Archives and documents replaced by the files they hold."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from limner_common.ids import new_uuid
from limner_media.core.archives import Member
from limner_media.core.kinds import MediaKind, MediaSet
from limner_media.ingest.expanding import Listing, expand_archive, expand_pdf
from limner_media.ingest.params import DataParams
from limner_media.ingest.workshop import Workshop
from limner_media.sources.pieces import Piece, member_of, whole_file


async def unpack(shop: Workshop, pieces: Mapping[str, Piece], media: MediaSet, params: DataParams) -> dict[str, Piece]:
    """Return the files of a task by name, with an archive or document replaced by what it holds.

    Members of zips and plain tars are read in place later; only compressed tars and documents make new objects.

    Raises:
        MediaError: The archive or document cannot be read, or breaks a limit.
    """
    if media.kind not in (MediaKind.ZIP, MediaKind.ARCHIVE, MediaKind.PDF):
        return dict(pieces)
    source = pieces[media.media[0]]
    scratch = shop.scratch / new_uuid().hex
    try:
        if media.kind is MediaKind.PDF:
            members = await _pages(shop, source, params, scratch)
            source = await _keep(shop, source, scratch)
        else:
            listing = await _listing(shop, source, media.kind, scratch)
            members = listing.members
            if listing.is_unpacked:
                source = await _keep(shop, source, scratch)
    finally:
        await shop.threads.run(partial(scratch.unlink, missing_ok=True))
    return {member.name: member_of(source, member) for member in members}


async def _pages(shop: Workshop, source: Piece, params: DataParams, scratch: Path) -> list[Member]:
    await shop.report(0.02, "Pages are being rendered")
    max_pages = None if params.stop_frame is None else params.stop_frame + 1
    return await shop.pool.run(expand_pdf, shop.sources.located(source), max_pages, scratch)


async def _listing(shop: Workshop, source: Piece, kind: MediaKind, scratch: Path) -> Listing:
    located = shop.sources.located(source)
    if kind is MediaKind.ZIP:
        return await shop.threads.run(expand_archive, located, shop.limits, scratch)
    await shop.report(0.02, "The archive is being unpacked")
    return await shop.pool.run(expand_archive, located, shop.limits, scratch)


async def _keep(shop: Workshop, source: Piece, scratch: Path) -> Piece:
    """Move what was unpacked into the store."""
    key = f"{shop.key_folder}{new_uuid().hex}"
    info = await shop.sources.objects.put_file(key, scratch, move=True)
    return whole_file(source.name, key, info.size_bytes)
