"""Numbered pages and the envelope of lists.

``page`` counts from 1. ``page_size=all`` asks for everything; a size that is no positive number means the default.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from limner_common.errors import NotFound

DEFAULT_PAGE_SIZE = 10
_POSITIVE = re.compile(r"0*[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which rows are asked for.

    Attributes:
        number: Page, from 1.
        size: Rows of a page, or None for all rows on one page.
    """

    number: int = 1
    size: int | None = DEFAULT_PAGE_SIZE

    def window(self, count: int) -> tuple[int, int]:
        """Return offset and limit of the page in a list of ``count`` rows.

        Raises:
            NotFound: The page lies beyond the end; page 1 never does.
        """
        size = count if self.size is None else self.size
        offset = (self.number - 1) * size
        if self.number > 1 and offset >= count:
            raise invalid_page()
        return offset, min(size, count - offset)


def read_page(page: str | None, page_size: str | None, *, default_size: int = DEFAULT_PAGE_SIZE) -> PageRequest:
    """Read ``page`` and ``page_size``, None when absent.

    Raises:
        NotFound: The page is no positive number.
    """
    if page and not _POSITIVE.fullmatch(page.strip()):
        raise invalid_page()
    number = int(page) if page else 1
    size_text = (page_size or "").strip()
    if size_text == "all":
        return PageRequest(number, None)
    return PageRequest(number, int(size_text) if _POSITIVE.fullmatch(size_text) else default_size)


def envelope(url: str, request: PageRequest, count: int, results: Sequence[Any]) -> dict[str, Any]:
    """Return a list's answer.

    Args:
        url: The request's absolute URL as the client sees it, with its query.
        request: The page it asked for.
        count: Rows of all pages.
        results: Rows of this page.
    """
    offset, limit = request.window(count)
    has_next = offset + limit < count
    return {
        "count": count,
        "next": _at_page(url, request.number + 1) if has_next else None,
        "previous": _at_page(url, request.number - 1) if request.number > 1 else None,
        "results": list(results),
    }


def invalid_page() -> NotFound:
    """Return the error of a page that does not exist."""
    return NotFound("Invalid page.", code="page_invalid")


def _at_page(url: str, number: int) -> str:
    """Return the URL of a page; the first one needs no parameter. Sorted parameters give equal lists one URL."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "page"]
    if number > 1:
        query.append(("page", str(number)))
    return urlunsplit(parts._replace(query=urlencode(sorted(query, key=lambda pair: pair[0]))))
