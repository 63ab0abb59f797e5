"""What is known of an upload, and what can go wrong with one."""

from dataclasses import dataclass

from limner_common.errors import Conflict


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way or arrived.

    Attributes:
        id: ``<user id>_<uuid4>``, as in TUS addresses.
        scope: Where it gathers with the files it came with.
        user_id: Who sends it.
        name: Name in its scope, unique there; renamed ``_1``, ``_2`` … when the name was taken.
        length_bytes: Declared length.
        offset_bytes: How many bytes have arrived and are safe.
        key: Object of the whole file once ``is_complete``.
        is_complete: All bytes are in the object ``key``.
        position: Ascends in the order in which files of a scope were announced.
    """

    id: str
    scope: str
    user_id: int
    name: str
    length_bytes: int
    offset_bytes: int
    key: str
    is_complete: bool
    position: int


class WrongOffset(Conflict):
    """A piece was sent for another offset than the one the file stands at; ``offset_bytes`` says which that is."""

    def __init__(self, offset_bytes: int) -> None:
        super().__init__(f"The file stands at offset {offset_bytes}.", code="wrong_offset")
        self.offset_bytes = offset_bytes
