import pytest

from limner_api.access.contexts import NO_CONTEXT, SANDBOX, ContextKind, OrgContext, OrgReference, read_reference, resolve
from limner_api.access.principals import OrgRole
from limner_common.errors import Invalid, NotFound

NAMED = ContextKind.ORGANIZATION


@pytest.mark.parametrize(
    ("header", "org", "org_id", "expected"),
    [
        pytest.param(None, None, None, OrgReference(ContextKind.NONE), id="nothing-said"),
        pytest.param("", None, None, OrgReference(ContextKind.SANDBOX), id="empty-header"),
        pytest.param(None, "", None, OrgReference(ContextKind.SANDBOX), id="empty-org"),
        pytest.param(None, None, "", OrgReference(ContextKind.SANDBOX), id="empty-org-id"),
        pytest.param("lab", None, None, OrgReference(NAMED, slug="lab"), id="header"),
        pytest.param(None, "lab", None, OrgReference(NAMED, slug="lab"), id="org"),
        pytest.param("lab", "lab", None, OrgReference(NAMED, slug="lab"), id="both-alike"),
        pytest.param("", "", None, OrgReference(ContextKind.SANDBOX), id="both-empty"),
        pytest.param(None, None, "12", OrgReference(NAMED, id=12), id="org-id"),
    ],
)
def test_the_three_ways_to_name_an_organization(header, org, org_id, expected):
    assert read_reference(header=header, org=org, org_id=org_id) == expected


@pytest.mark.parametrize(
    ("header", "org", "org_id", "words"),
    [
        pytest.param(None, "lab", "1", '"org_id" query parameter', id="org-and-id"),
        pytest.param("lab", None, "1", '"org_id" query parameter', id="header-and-id"),
        pytest.param("", None, "", '"org_id" query parameter', id="empty-header-and-id"),
        pytest.param("lab", "other", None, "different values", id="org-and-header-differ"),
        pytest.param("lab", "", None, "different values", id="org-empty-header-not"),
    ],
)
def test_contradictions_are_invalid(header, org, org_id, words):
    with pytest.raises(Invalid, match=words):
        read_reference(header=header, org=org, org_id=org_id)


@pytest.mark.parametrize("org_id", ["abc", "-1", "1.5", "١", "9" * 40])
def test_an_id_that_is_no_number_is_invalid(org_id):
    with pytest.raises(Invalid) as caught:
        read_reference(header=None, org=None, org_id=org_id)
    assert caught.value.fields == {"org_id": ["A valid integer is required."]}


def test_an_id_beyond_all_rows_is_not_found():
    with pytest.raises(NotFound, match="99999999999 organization does not exist"):
        read_reference(header=None, org=None, org_id="99999999999")


def test_contexts_without_an_organization_resolve_to_themselves():
    assert resolve(OrgReference(ContextKind.NONE), None, None) == NO_CONTEXT
    assert resolve(OrgReference(ContextKind.SANDBOX), None, None) == SANDBOX


def test_a_known_organization_comes_with_the_callers_role():
    reference = OrgReference(NAMED, slug="lab")
    assert resolve(reference, 4, OrgRole.WORKER) == OrgContext(NAMED, 4, OrgRole.WORKER)
    assert resolve(reference, 4, None) == OrgContext(NAMED, 4, None)


@pytest.mark.parametrize(
    ("reference", "name"), [(OrgReference(NAMED, slug="nowhere"), "nowhere"), (OrgReference(NAMED, id=5), "5")]
)
def test_an_unknown_organization_is_not_found(reference, name):
    with pytest.raises(NotFound, match=rf"^{name} organization does not exist\.$"):
        resolve(reference, None, None)
