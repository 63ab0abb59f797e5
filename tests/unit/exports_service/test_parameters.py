"""Parameters of queries."""

import pytest

from limner_common.errors import Invalid, NotAllowed
from limner_exports.formats import FormatSpec
from limner_exports.parameters import check_format, export_format, import_format, read_flag, refuse_cloud_storage


@pytest.mark.parametrize(
    ("text", "expected"), [("True", True), ("true", True), ("1", True), ("False", False), ("false", False), ("0", False)]
)
def test_flags_come_in_all_spellings(text: str, expected: bool) -> None:
    assert read_flag({"flag": text}, "flag", default=not expected) is expected


def test_a_flag_that_is_not_sent_has_its_default() -> None:
    assert read_flag({}, "flag", default=True) is True


def test_a_flag_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid):
        read_flag({"flag": "maybe"}, "flag", default=True)


@pytest.mark.parametrize("query", [{"location": "cloud_storage"}, {"cloud_storage_id": "1"}, {"location": "moon"}])
def test_cloud_storages_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        refuse_cloud_storage(query)


def test_local_files_are_fine() -> None:
    refuse_cloud_storage({"location": "local"})
    refuse_cloud_storage({})


def test_formats_are_found_by_direction() -> None:
    assert export_format({"format": "CVAT for images 1.1"}, "2d").display_name == "CVAT for images 1.1"
    assert import_format({"format": "CVAT for images 1.1"}, "2d").display_name == "CVAT 1.1"
    with pytest.raises(Invalid, match="Unknown format"):
        export_format({"format": "CVAT 1.1"}, "2d")
    with pytest.raises(Invalid, match="'NOPE 9'"):
        import_format({"format": "NOPE 9"}, "2d")
    with pytest.raises(Invalid, match="not specified"):
        import_format({}, "2d")


def test_a_format_is_for_its_dimension() -> None:
    spec = FormatSpec(name="X", version="1", dimension="3d")
    assert check_format(spec, "3d") is spec
    assert check_format(spec, "") is spec
    with pytest.raises(Invalid, match="3d"):
        check_format(spec, "2d")


def test_a_format_that_is_off_is_not_allowed() -> None:
    with pytest.raises(NotAllowed):
        check_format(FormatSpec(name="X", version="1", enabled=False), "2d")
