"""Reading XML of unknown origin element by element.

Document types are refused, so there are no entities to expand and nothing to fetch.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import FormatError

if TYPE_CHECKING:
    from lxml import etree

_PROLOG_BYTES = 1 << 16


def iter_elements(archive: SafeArchive, member: str, tags: Sequence[str]) -> "Iterator[etree._Element]":
    """Yield the elements of the given names as they end; each is emptied after its turn, so keep nothing of it.

    Raises:
        FormatError: The member is not well-formed XML, has a document type, or is damaged.
    """
    from lxml import etree

    _look_for_document_type(archive, member)
    with archive.open(member) as file:
        context = etree.iterparse(
            file, events=("end",), tag=tuple(tags), resolve_entities=False, no_network=True, load_dtd=False
        )
        try:
            for _, element in context:
                _refuse_document_type(element, member)
                yield element
                _forget(element)
            _refuse_document_type(context.root, member)
        except etree.XMLSyntaxError as error:
            # Its text alone: as a string it would tell under which name the file is kept here.
            raise FormatError(f"not well-formed XML ({error.msg})", member) from error


def _look_for_document_type(archive: SafeArchive, member: str) -> None:
    """Refuse before parsing what ``docinfo`` would show only after it."""
    with archive.open(member) as file:
        if b"<!DOCTYPE" in file.read(_PROLOG_BYTES):
            raise FormatError("a document type is not allowed", member)


def _refuse_document_type(element: "etree._Element", member: str) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise FormatError("a document type is not allowed", member)


def _forget(element: "etree._Element") -> None:
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
