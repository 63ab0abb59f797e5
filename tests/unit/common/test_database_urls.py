import pytest

from limner_common.db.connecting import check_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:5432/d",
        "postgres://h/d",
        "postgresql+asyncpg://u@h/d?sslmode=require",
        "postgresql:///d",
        "postgresql://postgres@/d?host=/tmp/socket",
        "postgresql://u:p@one:1,two:2/d",
        "postgresql://u:p%2F%40@[::1]:5/d",
    ],
)
def test_urls_of_databases(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret/more@h:1/d",
        "postgresql://u:s3cret#more@h:1/d",
        "postgresql://u:s3cret?more@h:1/d",
        "postgresql://u:s3cret@[h:1/d",
        "postgresql://u:s3cret@h:port/d",
        "postgresql://u:s3cret@h:99999/d",
        "postgres//u:s3cret@h/d",
        "mysql://u:s3cret@h/d",
        "s3cret",
        "",
    ],
)
def test_what_is_no_url_of_a_database_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="of the form postgresql://user:password@host:5432/database") as refused:
        check_url(url)
    assert "s3cret" not in str(refused.value)
