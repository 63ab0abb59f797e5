"""From what was sent or named to files that can be read."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from limner_common.egress import EgressClient
from limner_common.uploads import Upload
from limner_common.uploads.names import object_extension
from limner_media.core.archives import ArchiveLimits, list_members
from limner_media.core.errors import MediaError
from limner_media.core.names import is_junk, normalize_name
from limner_media.ingest.params import DataParams
from limner_media.ingest.planning import upload_order
from limner_media.ingest.remote import fetch_files
from limner_media.ingest.share import share_files
from limner_media.sources.locating import Sources
from limner_media.sources.pieces import LocatedPiece, Piece, member_of, whole_file
from limner_media.sources.reading import KeptOpen


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that another service left in the store: its object and the name it is to have."""

    name: str
    key: str


class StoredArchive(msgspec.Struct, frozen=True, kw_only=True):
    """Members of a zip or tar that another service left in the store.

    Attributes:
        key: Its object.
        members: Frame name by member name; all members under their own names when None.
    """

    key: str
    members: dict[str, str] | None = None


class StoredSource(msgspec.Struct, frozen=True, kw_only=True):
    """Files that lie in the store already; they are copied inside it, so the sender may remove his."""

    files: list[StoredFile] = []
    archive: StoredArchive | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files of a task.

    Attributes:
        pieces: In the order given, each name once.
    """

    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class GatheringLimits:
    """How much may be fetched: bytes of one remote file, and how many at a time."""

    max_remote_bytes: int
    remote_downloads: int


class Gathering:
    """Brings the files of one ingest together.

    Args:
        sources: Store and share.
        egress: The way to remote files.
        folder: Folder of keys for what is copied or fetched, ending on a slash.
        limits: How much may be fetched.
    """

    def __init__(self, sources: Sources, egress: EgressClient, folder: str, limits: GatheringLimits) -> None:
        self._sources = sources
        self._egress = egress
        self._folder = folder
        self._limits = limits

    async def gather(self, uploads: Sequence[Upload], params: DataParams, stored: StoredSource | None) -> Gathered:
        """Return the files.

        Raises:
            MediaError: A file is not there, or two have the same name.
            DomainError: A remote file cannot be fetched.
        """
        by_name = {upload.name: whole_file(upload.name, upload.key, upload.length_bytes) for upload in uploads}
        pieces = [by_name[name] for name in upload_order(list(by_name), params)]
        if params.server_files or params.filename_pattern is not None:
            shared = await share_files(self._sources.share, params)
            pieces += await self._copied(shared) if params.copy_data else shared
        if params.remote_files:
            pieces += await self._fetched(params.remote_files)
        if stored is not None:
            pieces += await self._stored(stored)
        pieces = [piece for piece in pieces if not is_junk(piece.name)]
        _refuse_same_names(pieces)
        return Gathered(pieces)

    async def _fetched(self, urls: Sequence[str]) -> list[Piece]:
        return await fetch_files(
            self._egress,
            self._sources.objects,
            urls,
            folder=f"{self._folder}remote/",
            max_bytes=self._limits.max_remote_bytes,
            at_once=self._limits.remote_downloads,
        )

    async def _copied(self, shared: Sequence[Piece]) -> list[Piece]:
        copies = []
        for number, piece in enumerate(shared):
            key = f"{self._folder}share/{number:06d}{object_extension(piece.name)}"
            async with self._sources.open(piece) as body:
                info = await self._sources.objects.put_stream(key, body)
            copies.append(whole_file(piece.name, key, info.size_bytes))
        return copies

    async def _stored(self, stored: StoredSource) -> list[Piece]:
        objects = self._sources.objects
        pieces = []
        for number, file in enumerate(stored.files):
            key = f"{self._folder}stored/{number:06d}{object_extension(file.name)}"
            info = await objects.copy(file.key, key)
            pieces.append(whole_file(normalize_name(file.name), key, info.size_bytes))
        if stored.archive is not None:
            key = f"{self._folder}stored/archive{object_extension(stored.archive.key)}"
            info = await objects.copy(stored.archive.key, key)
            pieces += _members(stored.archive, self._sources.located(whole_file("archive", key, info.size_bytes)))
        return pieces


def _members(archive: StoredArchive, located: LocatedPiece) -> list[Piece]:
    with KeptOpen() as files:
        members = list_members(files.open(located.location), file=located.piece.name, limits=ArchiveLimits())
    pieces = {member.name: member_of(located.piece, member) for member in members}
    if archive.members is None:
        return list(pieces.values())
    if missing := [name for name in archive.members if name not in pieces]:
        raise MediaError("the archive holds no such file", file=missing[0])
    return [msgspec.structs.replace(pieces[old], name=normalize_name(new)) for old, new in archive.members.items()]


def _refuse_same_names(pieces: Sequence[Piece]) -> None:
    seen: set[str] = set()
    for piece in pieces:
        if piece.name in seen:
            raise MediaError("two of the files have the same name", file=piece.name)
        seen.add(piece.name)
