import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_api.lists.paging import PageRequest, envelope, read_page
from limner_common.errors import NotFound

TASKS = "http://localhost:8080/api/tasks"


@pytest.mark.parametrize(
    ("page", "page_size", "expected"),
    [
        pytest.param(None, None, PageRequest(1, 10), id="defaults"),
        pytest.param("2", "3", PageRequest(2, 3), id="both"),
        pytest.param("", "", PageRequest(1, 10), id="empty"),
        pytest.param("1", "all", PageRequest(1, None), id="all"),
        pytest.param("1", "0", PageRequest(1, 10), id="size-zero"),
        pytest.param("1", "-5", PageRequest(1, 10), id="size-negative"),
        pytest.param("1", "many", PageRequest(1, 10), id="size-garbage"),
        pytest.param("1", "2.5", PageRequest(1, 10), id="size-fraction"),
        pytest.param("1", "9" * 50, PageRequest(1, 10), id="size-huge"),
        pytest.param("007", "1000", PageRequest(7, 1000), id="leading-zeros"),
    ],
)
def test_page_and_size_are_read_leniently(page, page_size, expected):
    assert read_page(page, page_size) == expected


@pytest.mark.parametrize("page", ["0", "-1", "abc", "1.5", "٣", "9" * 5000, "1e3"])
def test_a_page_that_is_no_positive_number_does_not_exist(page):
    with pytest.raises(NotFound, match=r"^Invalid page\.$"):
        read_page(page, None)


@pytest.mark.parametrize(
    ("request_", "count", "window"),
    [
        pytest.param(PageRequest(1, 10), 0, (0, 0), id="empty-list"),
        pytest.param(PageRequest(1, 10), 25, (0, 10), id="first"),
        pytest.param(PageRequest(3, 10), 25, (20, 5), id="last"),
        pytest.param(PageRequest(1, None), 25, (0, 25), id="all"),
        pytest.param(PageRequest(1, None), 0, (0, 0), id="all-of-none"),
    ],
)
def test_a_page_is_a_window_of_rows(request_, count, window):
    assert request_.window(count) == window


@pytest.mark.parametrize(
    ("request_", "count"),
    [(PageRequest(2, 10), 0), (PageRequest(4, 10), 30), (PageRequest(2, None), 5), (PageRequest(10**17, 10), 30)],
)
def test_pages_beyond_the_end_do_not_exist(request_, count):
    with pytest.raises(NotFound, match=r"^Invalid page\.$"):
        request_.window(count)


#: Query of the request, rows in all, and what was answered for next and previous.
LINKS = [
    pytest.param("page_size=3", 37, "page=2&page_size=3", None, id="first-page"),
    pytest.param("page_size=3&page=2", 37, "page=3&page_size=3", "page_size=3", id="second-page"),
    pytest.param("", 5, None, None, id="one-page"),
    pytest.param("sort=mode,-name&page_size=2", 37, "page=2&page_size=2&sort=mode%2C-name", None, id="escaped"),
    pytest.param("org=&page_size=1", 45, "org=&page=2&page_size=1", None, id="empty-value-kept"),
    pytest.param("colour=red&page_size=1", 37, "colour=red&page=2&page_size=1", None, id="unknown-kept"),
    pytest.param("page=2", 11, None, "", id="back-to-no-query"),
    pytest.param("page_size=all", 5000, None, None, id="all"),
    pytest.param(
        "page_size=1&filter=%7B%22%3E%3D%22%3A%20%5B%7B%22var%22%3A%20%22id%22%7D%2C%201%5D%7D",
        37,
        "filter=%7B%22%3E%3D%22%3A+%5B%7B%22var%22%3A+%22id%22%7D%2C+1%5D%7D&page=2&page_size=1",
        None,
        id="filter",
    ),
]


@pytest.mark.parametrize(("query", "count", "next_query", "previous_query"), LINKS)
def test_links_name_the_neighbouring_pages(query, count, next_query, previous_query):
    url = f"{TASKS}?{query}" if query else TASKS
    given_ = dict(pair.partition("=")[::2] for pair in query.split("&"))
    answer = envelope(url, read_page(given_.get("page"), given_.get("page_size")), count, ["row"])
    expected_next = None if next_query is None else f"{TASKS}?{next_query}"
    expected_previous = None if previous_query is None else f"{TASKS}?{previous_query}".rstrip("?")
    assert answer == {"count": count, "next": expected_next, "previous": expected_previous, "results": ["row"]}


@given(st.integers(0, 200), st.integers(1, 50))
def test_pages_cover_every_row_once(count, size):
    covered: list[int] = []
    number = 1
    while True:
        request = PageRequest(number, size)
        offset, limit = request.window(count)
        covered.extend(range(offset, offset + limit))
        if envelope(TASKS, request, count, [])["next"] is None:
            break
        number += 1
    assert covered == list(range(count))
