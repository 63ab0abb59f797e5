"""The lists as existing clients know them, written from the public API's description."""

import pytest
import sqlalchemy as sa

from limner_api.lists import resources
from limner_api.lists.fields import Kind
from limner_api.lists.resources import ListSpec

LISTS = {name: value for name, value in vars(resources).items() if isinstance(value, ListSpec)}

#: List: search fields, and parameters of its own.
KNOWN = {
    "PROJECTS": ("assignee name owner", "assignee name owner status"),
    "TASKS": (
        "assignee name owner project_name subset tracker_link",
        "assignee dimension media_type mode name owner project_id project_name status subset tracker_link validation_mode",
    ),
    "JOBS": (
        "assignee project_name task_name",
        "assignee dimension media_type mode parent_job_id project_id project_name stage state task_id task_name type",
    ),
    "LABELS": ("name parent", "color job_id name parent parent_id project_id task_id type"),
    "USERS": ("first_name last_name username", "first_name is_active last_name username"),
    "ORGANIZATIONS": ("name owner slug", "name owner slug"),
    "MEMBERSHIPS": ("user", "role user"),
    "INVITATIONS": ("owner", "accepted owner user_id"),
    "ISSUES": ("assignee owner", "assignee frame_id job_id owner resolved task_id"),
    "COMMENTS": ("owner", "frame_id issue_id job_id owner"),
    "REQUESTS": ("", "action format job_id org org_id project_id status subresource target task_id"),
    "ACCESS_TOKENS": ("name", "name read_only"),
    "WEBHOOKS": ("description owner target_url", "owner project_id target_url type"),
    "CLOUD_STORAGES": ("description name owner resource", "credentials_type name owner provider_type resource"),
}


def test_every_list_is_known():
    assert set(LISTS) == set(KNOWN)


@pytest.mark.parametrize("name", sorted(LISTS))
def test_search_fields_and_parameters_are_those_of_the_public_api(name):
    search, simple = KNOWN[name]
    assert sorted(LISTS[name].search) == search.split()
    assert sorted(LISTS[name].simple) == simple.split()


@pytest.mark.parametrize("name", sorted(LISTS))
def test_definitions_agree_with_themselves(name):
    spec = LISTS[name]
    known = set(spec.fields)
    assert spec.filter <= known and spec.simple <= known and spec.sort <= known
    assert all(spec.fields[field].kind is Kind.TEXT for field in spec.search)
    assert spec.default_sort.removeprefix("-") in spec.sort
    for field in spec.fields.values():
        assert field.choices is None or set(field.aliases.values()) <= field.choices


@pytest.mark.parametrize(
    ("name", "not_sortable", "not_filterable"),
    [
        ("INVITATIONS", {"id"}, {"created_date"}),
        ("LABELS", {"job_id", "task_id", "project_id"}, {"job_id", "task_id", "project_id"}),
        (
            "REQUESTS",
            {"target", "subresource", "format", "project_id", "task_id", "job_id", "org", "org_id"},
            {"created_date"},
        ),
        ("TASKS", set(), set()),
    ],
)
def test_what_cannot_be_sorted_or_filtered(name, not_sortable, not_filterable):
    spec = LISTS[name]
    assert set(spec.fields) - spec.sort == not_sortable
    assert set(spec.fields) - spec.filter == not_filterable


def test_maps_join_names_to_the_columns_of_a_repository():
    spec = resources.MEMBERSHIPS
    columns = {name: sa.column(name) for name in spec.fields}
    assert set(spec.filter_map(columns)) == spec.filter
    assert set(spec.simple_map(columns)) == spec.simple
    assert set(spec.sort_columns(columns)) == spec.sort
    assert [column.name for column in spec.search_columns(columns)] == ["user"]
    assert spec.filter_map(columns)["id"].spec is resources.NUMBER


def test_a_repository_that_lacks_a_column_fails_at_once():
    with pytest.raises(KeyError, match="role"):
        resources.MEMBERSHIPS.filter_map({"id": sa.column("id"), "user": sa.column("user")})
