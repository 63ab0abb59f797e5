"""The tables against the access specification, row by row; expectations are written from the text, not from the tables."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_api.access.catalog_policies import AssetAction, GuideAction, JobAction, LabelAction, ProjectAction, TaskAction
from limner_api.access.organization_policies import InvitationAction, MembershipAction, OrganizationAction, UserAction
from limner_api.access.platform_policies import (
    AccessTokenAction,
    CloudStorageAction,
    RequestAction,
    ServerAction,
    WebhookAction,
)
from limner_api.access.policies import POLICY, decide, is_reading, require
from limner_api.access.principals import ANONYMOUS, ObjectFacts, OrgRole, Principal, Privilege, Relation, privilege_of
from limner_api.access.review_policies import (
    AnalyticsAction,
    CommentAction,
    EventAction,
    IssueAction,
    LambdaAction,
    QualityAction,
)
from limner_api.access.rules import Action, Place
from limner_common.errors import Forbidden, Unauthenticated

NONE, WORKER, USER, BUSINESS, ADMIN = Privilege
P_OWNER, P_ASSIGNEE = Relation.PROJECT_OWNER, Relation.PROJECT_ASSIGNEE
T_OWNER, T_ASSIGNEE = Relation.TASK_OWNER, Relation.TASK_ASSIGNEE
J_ASSIGNEE, I_OWNER, I_ASSIGNEE = Relation.JOB_ASSIGNEE, Relation.ISSUE_OWNER, Relation.ISSUE_ASSIGNEE
C_OWNER, OWNER, SELF, FELLOW = Relation.COMMENT_OWNER, Relation.OWNER, Relation.SELF, Relation.FELLOW_MEMBER
INVITER, INVITEE = Relation.INVITER, Relation.INVITEE

#: Places: the sandbox, an organization the caller is no member of, and one where he has a role.
SANDBOX, OUTSIDE = "sandbox", "outside"
MEMBER, SUPERVISOR, MAINTAINER, ORG_OWNER = OrgRole


def caller(privilege: Privilege, *, read_only: bool = False) -> Principal:
    return Principal(user_id=7, username="ann", privilege=privilege, read_only_token=read_only)


def facts(place: str | OrgRole, *relations: Relation, **roles: OrgRole) -> ObjectFacts:
    inside = place != SANDBOX
    return ObjectFacts(
        organization_id=3 if inside else None,
        role=place if isinstance(place, OrgRole) else None,
        relations=frozenset(relations),
        **roles,
    )


def may(action: Action, privilege: Privilege, place: str | OrgRole, *relations: Relation, **roles: OrgRole) -> bool:
    return decide(caller(privilege), action, facts(place, *relations, **roles))


PROJECT_ROWS: list[Any] = [
    # create, import backup: user / user+supervisor
    (ProjectAction.CREATE, WORKER, SANDBOX, [], False),
    (ProjectAction.CREATE, USER, SANDBOX, [], True),
    (ProjectAction.CREATE, USER, MEMBER, [], False),
    (ProjectAction.CREATE, USER, SUPERVISOR, [], True),
    (ProjectAction.CREATE, WORKER, ORG_OWNER, [], False),
    (ProjectAction.CREATE, BUSINESS, OUTSIDE, [], False),
    (ProjectAction.IMPORT_BACKUP, USER, SUPERVISOR, [], True),
    # list: any / any member
    (ProjectAction.LIST, NONE, SANDBOX, [], True),
    (ProjectAction.LIST, NONE, MEMBER, [], True),
    (ProjectAction.LIST, BUSINESS, OUTSIDE, [], False),
    # view: owner, assignee: any / member; others user+maintainer
    (ProjectAction.VIEW, NONE, SANDBOX, [P_ASSIGNEE], True),
    (ProjectAction.VIEW, BUSINESS, SANDBOX, [], False),
    (ProjectAction.VIEW, NONE, MEMBER, [P_OWNER], True),
    (ProjectAction.VIEW, USER, OUTSIDE, [P_OWNER], False),
    (ProjectAction.VIEW, USER, SUPERVISOR, [], False),
    (ProjectAction.VIEW, USER, MAINTAINER, [], True),
    (ProjectAction.VIEW, WORKER, MAINTAINER, [], False),
    # update description: owner, assignee: worker / worker+worker; others user+maintainer
    (ProjectAction.UPDATE_DESCRIPTION, NONE, SANDBOX, [P_OWNER], False),
    (ProjectAction.UPDATE_DESCRIPTION, WORKER, SANDBOX, [P_ASSIGNEE], True),
    (ProjectAction.UPDATE_DESCRIPTION, WORKER, MEMBER, [P_ASSIGNEE], True),
    (ProjectAction.IMPORT_DATASET, WORKER, MEMBER, [P_ASSIGNEE], True),
    # update assignee: owner; others, also the assignee: user+maintainer
    (ProjectAction.UPDATE_ASSIGNEE, WORKER, SANDBOX, [P_OWNER], True),
    (ProjectAction.UPDATE_ASSIGNEE, BUSINESS, SANDBOX, [P_ASSIGNEE], False),
    (ProjectAction.UPDATE_ASSIGNEE, USER, SUPERVISOR, [P_ASSIGNEE], False),
    (ProjectAction.UPDATE_ASSIGNEE, USER, MAINTAINER, [P_ASSIGNEE], True),
    # update owner: admin only / owner worker+maintainer; others user+maintainer
    (ProjectAction.UPDATE_OWNER, BUSINESS, SANDBOX, [P_OWNER], False),
    (ProjectAction.UPDATE_OWNER, ADMIN, SANDBOX, [], True),
    (ProjectAction.UPDATE_OWNER, WORKER, SUPERVISOR, [P_OWNER], False),
    (ProjectAction.UPDATE_OWNER, WORKER, MAINTAINER, [P_OWNER], True),
    (ProjectAction.UPDATE_OWNER, WORKER, MAINTAINER, [], False),
    (ProjectAction.UPDATE_OWNER, USER, MAINTAINER, [], True),
    # transfer, delete: owner: worker / worker+worker; others user+maintainer
    (ProjectAction.DELETE, WORKER, SANDBOX, [P_OWNER], True),
    (ProjectAction.DELETE, USER, MEMBER, [P_ASSIGNEE], False),
    (ProjectAction.UPDATE_ORGANIZATION, WORKER, MEMBER, [P_OWNER], True),
    # exports: as view
    (ProjectAction.EXPORT_DATASET, NONE, SANDBOX, [P_OWNER], True),
    (ProjectAction.EXPORT_BACKUP, NONE, MEMBER, [P_ASSIGNEE], True),
    (ProjectAction.EXPORT_ANNOTATIONS, WORKER, OUTSIDE, [P_OWNER], False),
]

TASK_ROWS: list[Any] = [
    (TaskAction.CREATE, USER, SANDBOX, [], True),
    (TaskAction.CREATE, USER, MEMBER, [], False),
    # create in project: project staff user / user+worker; others user+supervisor
    (TaskAction.CREATE_IN_PROJECT, USER, SANDBOX, [], False),
    (TaskAction.CREATE_IN_PROJECT, WORKER, SANDBOX, [P_OWNER], False),
    (TaskAction.CREATE_IN_PROJECT, USER, SANDBOX, [P_ASSIGNEE], True),
    (TaskAction.CREATE_IN_PROJECT, USER, MEMBER, [P_OWNER], True),
    (TaskAction.CREATE_IN_PROJECT, USER, MEMBER, [], False),
    (TaskAction.CREATE_IN_PROJECT, USER, SUPERVISOR, [], True),
    # view and exports
    (TaskAction.VIEW, NONE, SANDBOX, [P_ASSIGNEE], True),
    (TaskAction.VIEW, NONE, SANDBOX, [T_ASSIGNEE], True),
    (TaskAction.VIEW, BUSINESS, SANDBOX, [J_ASSIGNEE], False),
    (TaskAction.VIEW_DATA, NONE, MEMBER, [T_OWNER], True),
    (TaskAction.VIEW_METADATA, USER, SUPERVISOR, [], False),
    (TaskAction.VIEW_ANNOTATIONS, USER, MAINTAINER, [], True),
    (TaskAction.EXPORT_BACKUP, NONE, MEMBER, [T_ASSIGNEE], True),
    (TaskAction.EXPORT_DATASET, WORKER, OUTSIDE, [T_ASSIGNEE], False),
    # description, metadata, upload, annotations: staff worker / worker+worker
    (TaskAction.UPDATE_DESCRIPTION, WORKER, SANDBOX, [T_ASSIGNEE], True),
    (TaskAction.UPDATE_DESCRIPTION, NONE, SANDBOX, [T_OWNER], False),
    (TaskAction.UPLOAD_DATA, WORKER, MEMBER, [P_ASSIGNEE], True),
    (TaskAction.UPDATE_METADATA, WORKER, MAINTAINER, [], False),
    (TaskAction.IMPORT_ANNOTATIONS, USER, MAINTAINER, [], True),
    # owner, assignee, project, organization, delete: managers, so not the task's assignee
    (TaskAction.DELETE, WORKER, SANDBOX, [P_ASSIGNEE], True),
    (TaskAction.DELETE, BUSINESS, SANDBOX, [T_ASSIGNEE], False),
    (TaskAction.UPDATE_ASSIGNEE, USER, SUPERVISOR, [T_ASSIGNEE], False),
    (TaskAction.UPDATE_ASSIGNEE, USER, MAINTAINER, [T_ASSIGNEE], True),
    (TaskAction.UPDATE_OWNER, WORKER, MEMBER, [T_OWNER], True),
    (TaskAction.UPDATE_PROJECT, WORKER, MEMBER, [P_OWNER], True),
    (TaskAction.UPDATE_ORGANIZATION, WORKER, SUPERVISOR, [], False),
]

JOB_ROWS: list[Any] = [
    (JobAction.VIEW, NONE, SANDBOX, [J_ASSIGNEE], True),
    (JobAction.VIEW, NONE, SANDBOX, [], False),
    (JobAction.VIEW_DATA, NONE, MEMBER, [J_ASSIGNEE], True),
    (JobAction.EXPORT_DATASET, NONE, MEMBER, [J_ASSIGNEE], True),
    (JobAction.VIEW, USER, MAINTAINER, [], True),
    (JobAction.UPDATE_STATE, WORKER, SANDBOX, [J_ASSIGNEE], True),
    (JobAction.UPDATE_STATE, NONE, SANDBOX, [J_ASSIGNEE], False),
    (JobAction.UPDATE_ANNOTATIONS, WORKER, MEMBER, [T_ASSIGNEE], True),
    (JobAction.IMPORT_ANNOTATIONS, WORKER, MEMBER, [J_ASSIGNEE], True),
    # stage, assignee: task staff, not the job's assignee
    (JobAction.UPDATE_STAGE, BUSINESS, SANDBOX, [J_ASSIGNEE], False),
    (JobAction.UPDATE_STAGE, WORKER, SANDBOX, [T_ASSIGNEE], True),
    (JobAction.UPDATE_ASSIGNEE, WORKER, MEMBER, [P_ASSIGNEE], True),
    (JobAction.UPDATE_ASSIGNEE, USER, MAINTAINER, [J_ASSIGNEE], True),
    # ground truth: managers user / user+supervisor; any user+maintainer
    (JobAction.CREATE, WORKER, SANDBOX, [T_OWNER], False),
    (JobAction.CREATE, USER, SANDBOX, [T_OWNER], True),
    (JobAction.CREATE, USER, MEMBER, [T_OWNER], False),
    (JobAction.DELETE, USER, SUPERVISOR, [T_ASSIGNEE], True),
    (JobAction.DELETE, USER, SUPERVISOR, [], False),
    (JobAction.DELETE, USER, MAINTAINER, [], True),
    # crowd: exactly worker, assignee, no member
    (JobAction.VIEW, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (JobAction.VIEW_DATA, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (JobAction.VIEW_METADATA, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (JobAction.VIEW_ANNOTATIONS, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (JobAction.UPDATE_STATE, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (JobAction.UPDATE_ANNOTATIONS, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (JobAction.UPDATE_METADATA, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (JobAction.EXPORT_ANNOTATIONS, WORKER, OUTSIDE, [J_ASSIGNEE], False),
    (JobAction.EXPORT_DATASET, WORKER, OUTSIDE, [J_ASSIGNEE], False),
    (JobAction.IMPORT_ANNOTATIONS, WORKER, OUTSIDE, [J_ASSIGNEE], False),
    (JobAction.UPDATE_STAGE, WORKER, OUTSIDE, [J_ASSIGNEE], False),
    (JobAction.VIEW, USER, OUTSIDE, [J_ASSIGNEE], False),
    (JobAction.VIEW, NONE, OUTSIDE, [J_ASSIGNEE], False),
    (JobAction.VIEW, WORKER, OUTSIDE, [T_ASSIGNEE], False),
]

REVIEW_ROWS: list[Any] = [
    (IssueAction.CREATE, WORKER, SANDBOX, [J_ASSIGNEE], True),
    (IssueAction.CREATE, WORKER, SANDBOX, [I_OWNER], False),
    (IssueAction.CREATE, WORKER, MEMBER, [T_OWNER], True),
    (IssueAction.VIEW, NONE, SANDBOX, [I_ASSIGNEE], True),
    (IssueAction.VIEW, NONE, MEMBER, [I_OWNER], True),
    (IssueAction.VIEW, USER, SUPERVISOR, [], False),
    (IssueAction.UPDATE, WORKER, MEMBER, [I_ASSIGNEE], True),
    (IssueAction.UPDATE, NONE, MEMBER, [I_ASSIGNEE], False),
    (IssueAction.DELETE, WORKER, SANDBOX, [J_ASSIGNEE], False),
    (IssueAction.DELETE, WORKER, SANDBOX, [I_ASSIGNEE], False),
    (IssueAction.DELETE, WORKER, SANDBOX, [I_OWNER], True),
    (IssueAction.DELETE, WORKER, MEMBER, [T_ASSIGNEE], True),
    (IssueAction.DELETE, USER, MAINTAINER, [], True),
    (CommentAction.CREATE, WORKER, MEMBER, [I_ASSIGNEE], True),
    (CommentAction.VIEW, NONE, SANDBOX, [C_OWNER], True),
    (CommentAction.UPDATE, WORKER, SANDBOX, [C_OWNER], True),
    (CommentAction.UPDATE, WORKER, SANDBOX, [I_OWNER], False),
    (CommentAction.DELETE, WORKER, MEMBER, [P_OWNER], True),
    (CommentAction.DELETE, USER, MAINTAINER, [], True),
    # labels: parent's view; parent's update description
    (LabelAction.VIEW, NONE, SANDBOX, [P_ASSIGNEE], True),
    (LabelAction.VIEW, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (LabelAction.UPDATE, WORKER, SANDBOX, [J_ASSIGNEE], False),
    (LabelAction.DELETE, WORKER, MEMBER, [T_ASSIGNEE], True),
    (LabelAction.CREATE, WORKER, MEMBER, [P_ASSIGNEE], True),
    # guides and assets
    (GuideAction.VIEW, WORKER, SANDBOX, [J_ASSIGNEE], True),
    (GuideAction.VIEW, NONE, SANDBOX, [T_OWNER], False),
    (GuideAction.VIEW, WORKER, MEMBER, [P_ASSIGNEE], True),
    (GuideAction.UPDATE, WORKER, SANDBOX, [T_OWNER], False),
    (GuideAction.UPDATE, USER, SANDBOX, [T_ASSIGNEE], True),
    (GuideAction.UPDATE, USER, MEMBER, [J_ASSIGNEE], False),
    (GuideAction.CREATE, USER, MEMBER, [P_OWNER], True),
    (AssetAction.VIEW, WORKER, SANDBOX, [], False),
    (AssetAction.VIEW_PUBLIC, NONE, OUTSIDE, [], True),
    (AssetAction.CREATE, USER, SANDBOX, [P_OWNER], True),
    # quality goes through the task
    (QualityAction.VIEW, NONE, SANDBOX, [T_ASSIGNEE], True),
    (QualityAction.VIEW, NONE, SANDBOX, [J_ASSIGNEE], False),
    (QualityAction.CREATE_REPORT, NONE, SANDBOX, [T_OWNER], False),
    (QualityAction.UPDATE_SETTINGS, WORKER, MEMBER, [T_ASSIGNEE], True),
    # models
    (LambdaAction.LIST, NONE, OUTSIDE, [], True),
    (LambdaAction.CALL_ONLINE, NONE, SANDBOX, [T_OWNER], False),
    (LambdaAction.CALL_ONLINE, WORKER, SANDBOX, [T_OWNER], True),
    (LambdaAction.CALL_ONLINE, BUSINESS, SANDBOX, [], False),
    (LambdaAction.CALL_ONLINE, WORKER, OUTSIDE, [J_ASSIGNEE], True),
    (LambdaAction.CREATE_REQUEST, WORKER, MEMBER, [T_ASSIGNEE], True),
    # analytics and events
    (AnalyticsAction.VIEW_PAGE, BUSINESS, SANDBOX, [], False),
    (AnalyticsAction.VIEW_PAGE, ADMIN, SANDBOX, [], True),
    (AnalyticsAction.VIEW_PUBLIC_PAGE, BUSINESS, SANDBOX, [], True),
    (AnalyticsAction.VIEW_PUBLIC_PAGE, USER, SANDBOX, [], False),
    (AnalyticsAction.CREATE_REPORT, WORKER, SANDBOX, [T_OWNER], False),
    (AnalyticsAction.CREATE_REPORT, USER, SANDBOX, [T_OWNER], True),
    (AnalyticsAction.VIEW_REPORT, WORKER, SANDBOX, [T_OWNER], True),
    (EventAction.SEND, NONE, OUTSIDE, [], True),
    (EventAction.DUMP, NONE, SANDBOX, [], False),
    (EventAction.DUMP, WORKER, MEMBER, [], True),
    (EventAction.DUMP, WORKER, OUTSIDE, [], False),
]

PLATFORM_ROWS: list[Any] = [
    (CloudStorageAction.CREATE, USER, SANDBOX, [], True),
    (CloudStorageAction.CREATE, USER, SUPERVISOR, [], False),
    (CloudStorageAction.CREATE, USER, MAINTAINER, [], True),
    (CloudStorageAction.VIEW, NONE, SANDBOX, [OWNER], True),
    (CloudStorageAction.VIEW_CONTENT, USER, SUPERVISOR, [], True),
    (CloudStorageAction.VIEW_CONTENT, USER, MEMBER, [], False),
    (CloudStorageAction.VIEW_STATUS, NONE, MEMBER, [OWNER], True),
    (CloudStorageAction.UPDATE, USER, SUPERVISOR, [], False),
    (CloudStorageAction.DELETE, WORKER, MEMBER, [OWNER], True),
    (WebhookAction.CREATE_PROJECT, WORKER, SANDBOX, [P_OWNER], True),
    (WebhookAction.CREATE_PROJECT, BUSINESS, SANDBOX, [P_ASSIGNEE], False),
    (WebhookAction.VIEW_PROJECT, WORKER, MEMBER, [OWNER], True),
    (WebhookAction.UPDATE_PROJECT, WORKER, MAINTAINER, [], True),
    (WebhookAction.DELETE_PROJECT, WORKER, SUPERVISOR, [], False),
    (WebhookAction.CREATE_ORGANIZATION, WORKER, MAINTAINER, [], True),
    (WebhookAction.UPDATE_ORGANIZATION, BUSINESS, SUPERVISOR, [OWNER], False),
    (WebhookAction.CREATE_SERVER, BUSINESS, SANDBOX, [OWNER], False),
    (WebhookAction.CREATE_SERVER, ADMIN, SANDBOX, [], True),
    (ServerAction.VIEW, NONE, SANDBOX, [], True),
    (ServerAction.LIST_SHARE, WORKER, SANDBOX, [], False),
    (ServerAction.LIST_SHARE, USER, OUTSIDE, [], True),
    (ServerAction.VIEW_METRICS, BUSINESS, SANDBOX, [], False),
    (ServerAction.VIEW_METRICS, ADMIN, SANDBOX, [], True),
    (RequestAction.VIEW, NONE, SANDBOX, [OWNER], True),
    (RequestAction.VIEW, BUSINESS, SANDBOX, [], False),
    (RequestAction.CANCEL, ADMIN, SANDBOX, [], True),
    (AccessTokenAction.CREATE, NONE, SANDBOX, [], True),
    (AccessTokenAction.DELETE, BUSINESS, SANDBOX, [], False),
    (AccessTokenAction.UPDATE, NONE, SANDBOX, [OWNER], True),
    (OrganizationAction.CREATE, WORKER, SANDBOX, [], False),
    (OrganizationAction.CREATE, USER, SANDBOX, [], True),
    (OrganizationAction.VIEW, NONE, MEMBER, [], True),
    (OrganizationAction.VIEW, BUSINESS, OUTSIDE, [], False),
    (OrganizationAction.VIEW, ADMIN, OUTSIDE, [], True),
    (OrganizationAction.UPDATE, WORKER, MAINTAINER, [], True),
    (OrganizationAction.UPDATE, WORKER, SUPERVISOR, [], False),
    (OrganizationAction.DELETE, WORKER, MAINTAINER, [], False),
    (OrganizationAction.DELETE, WORKER, ORG_OWNER, [], True),
    (MembershipAction.LIST, NONE, SANDBOX, [], True),
    (MembershipAction.LIST, NONE, MEMBER, [], True),
    (MembershipAction.VIEW, NONE, OUTSIDE, [], False),
    (InvitationAction.VIEW, NONE, OUTSIDE, [INVITEE], True),
    (InvitationAction.VIEW, NONE, MEMBER, [INVITER], True),
    (InvitationAction.VIEW, USER, SUPERVISOR, [], False),
    (InvitationAction.VIEW, USER, MAINTAINER, [], True),
    (InvitationAction.RESEND, WORKER, MEMBER, [INVITER], True),
    (InvitationAction.RESEND, NONE, MEMBER, [INVITER], False),
    (InvitationAction.DELETE, USER, MAINTAINER, [], True),
    (InvitationAction.DELETE, BUSINESS, OUTSIDE, [INVITEE], False),
    (InvitationAction.ACCEPT, NONE, OUTSIDE, [INVITEE], True),
    (InvitationAction.ACCEPT, BUSINESS, MAINTAINER, [INVITER], False),
    (InvitationAction.DECLINE, NONE, OUTSIDE, [INVITEE], True),
    (UserAction.VIEW, NONE, SANDBOX, [SELF], True),
    (UserAction.VIEW, NONE, SANDBOX, [FELLOW], True),
    (UserAction.VIEW, BUSINESS, SANDBOX, [], False),
    (UserAction.UPDATE, NONE, SANDBOX, [SELF], True),
    (UserAction.UPDATE, BUSINESS, SANDBOX, [FELLOW], False),
    (UserAction.UPDATE_FLAGS, BUSINESS, SANDBOX, [SELF], False),
    (UserAction.UPDATE_FLAGS, ADMIN, SANDBOX, [], True),
]

ROWS = [*PROJECT_ROWS, *TASK_ROWS, *JOB_ROWS, *REVIEW_ROWS, *PLATFORM_ROWS]


def row_id(row: Any) -> str:
    action, privilege, place, relations, expected = row
    who = "+".join(relations) or "others"
    return f"{action}-{privilege.name}-{getattr(place, 'name', place)}-{who}-{'yes' if expected else 'no'}".lower()


@pytest.mark.parametrize(("action", "privilege", "place", "relations", "expected"), ROWS, ids=map(row_id, ROWS))
def test_each_row_of_the_specification_decides(action, privilege, place, relations, expected):
    assert may(action, privilege, place, *relations) is expected


ROLE_CHANGES = [
    # acting role, target's role, new role, allowed
    (ORG_OWNER, MEMBER, MAINTAINER, True),
    (ORG_OWNER, MAINTAINER, MEMBER, True),
    (ORG_OWNER, MAINTAINER, ORG_OWNER, False),
    (ORG_OWNER, ORG_OWNER, MEMBER, False),
    (MAINTAINER, MEMBER, SUPERVISOR, True),
    (MAINTAINER, SUPERVISOR, MEMBER, True),
    (MAINTAINER, MEMBER, MAINTAINER, False),
    (MAINTAINER, MAINTAINER, MEMBER, False),
    (MAINTAINER, ORG_OWNER, MEMBER, False),
    (SUPERVISOR, MEMBER, SUPERVISOR, False),
]


@pytest.mark.parametrize(
    ("acting", "target", "new", "expected"),
    ROLE_CHANGES,
    ids=[f"{a.label}-makes-{t.label}-a-{n.label}" for a, t, n, _ in ROLE_CHANGES],
)
def test_roles_are_changed_by_those_above(acting, target, new, expected):
    assert may(MembershipAction.UPDATE_ROLE, USER, acting, target_role=target, new_role=new) is expected
    assert not may(MembershipAction.UPDATE_ROLE, WORKER, acting, target_role=target, new_role=new)


REMOVALS = [
    (ORG_OWNER, MAINTAINER, [], True),
    (ORG_OWNER, ORG_OWNER, [SELF], False),
    (MAINTAINER, SUPERVISOR, [], True),
    (MAINTAINER, MAINTAINER, [], False),
    (MAINTAINER, MAINTAINER, [SELF], True),
    (MEMBER, MEMBER, [SELF], True),
    (MEMBER, MEMBER, [], False),
]


@pytest.mark.parametrize(("acting", "target", "relations", "expected"), REMOVALS)
def test_members_are_removed_by_those_above_and_leave_by_themselves(acting, target, relations, expected):
    assert may(MembershipAction.DELETE, USER, acting, *relations, target_role=target) is expected


@pytest.mark.parametrize(
    ("acting", "new", "expected"),
    [
        (ORG_OWNER, MAINTAINER, True),
        (ORG_OWNER, ORG_OWNER, False),
        (MAINTAINER, SUPERVISOR, True),
        (MAINTAINER, MAINTAINER, False),
        (SUPERVISOR, MEMBER, False),
    ],
)
def test_invitations_give_roles_below_the_inviter(acting, new, expected):
    assert may(InvitationAction.CREATE, USER, acting, new_role=new) is expected


ALL_ACTIONS = sorted(POLICY)
PRIVILEGES = st.sampled_from(Privilege)
PLACES = st.sampled_from([SANDBOX, OUTSIDE, *OrgRole])
RELATIONS = st.frozensets(st.sampled_from(Relation), max_size=4)
ROLES = st.none() | st.sampled_from(OrgRole)


def every_action() -> set[Action]:
    return {member for kind in Action.__subclasses__() for member in kind}


def test_every_action_has_an_entry():
    assert every_action() == set(POLICY)


def test_no_two_actions_share_a_name():
    assert len({str(action) for action in every_action()}) == sum(len(kind) for kind in Action.__subclasses__())


def test_an_action_without_an_entry_is_refused_even_to_administrators():
    class Unlisted(Action):
        SOMETHING = "thing:do"

    assert not decide(caller(ADMIN), Unlisted.SOMETHING)


@pytest.mark.parametrize("action", ALL_ACTIONS)
def test_administrators_may_do_everything_everywhere(action):
    for place in (SANDBOX, OUTSIDE, MEMBER):
        assert may(action, ADMIN, place)


PUBLIC = {ServerAction.ABOUT, ServerAction.SCHEMA, UserAction.REGISTER, UserAction.LOGIN}


@pytest.mark.parametrize("action", ALL_ACTIONS)
def test_nobody_signed_in_may_only_what_is_public(action):
    everything = frozenset(Relation)
    for place in (SANDBOX, OUTSIDE, ORG_OWNER):
        assert decide(ANONYMOUS, action, facts(place, *everything)) is (action in PUBLIC)


@given(st.sampled_from(ALL_ACTIONS), PRIVILEGES, PLACES, RELATIONS, RELATIONS, ROLES, ROLES)
def test_more_relations_never_take_a_right_away(action, privilege, place, relations, more, target, new):
    roles = {"target_role": target, "new_role": new}
    if may(action, privilege, place, *relations, **roles):
        assert may(action, privilege, place, *relations, *more, **roles)


@given(st.sampled_from(ALL_ACTIONS), PRIVILEGES, PRIVILEGES, PLACES, RELATIONS, ROLES, ROLES)
def test_more_privilege_never_takes_a_right_away_from_members(action, one, other, place, relations, target, new):
    # Crowd workers are the one exception: outside of their organizations exactly the worker privilege counts.
    weaker, stronger = sorted((one, other))
    if place == OUTSIDE and Relation.JOB_ASSIGNEE in relations:
        return
    roles = {"target_role": target, "new_role": new}
    if may(action, weaker, place, *relations, **roles):
        assert may(action, stronger, place, *relations, **roles)


@given(st.sampled_from(ALL_ACTIONS), PRIVILEGES, st.sampled_from(OrgRole), st.sampled_from(OrgRole), RELATIONS, ROLES, ROLES)
def test_a_higher_role_never_takes_a_right_away(action, privilege, one, other, relations, target, new):
    lower, higher = sorted((one, other))
    roles = {"target_role": target, "new_role": new}
    if may(action, privilege, lower, *relations, **roles):
        assert may(action, privilege, higher, *relations, **roles)


@given(st.sampled_from(ALL_ACTIONS), PRIVILEGES, RELATIONS)
def test_becoming_a_member_never_takes_a_right_away(action, privilege, relations):
    if may(action, privilege, OUTSIDE, *relations):
        assert may(action, privilege, MEMBER, *relations)


def test_the_exact_privilege_of_crowd_workers_is_only_used_for_jobs():
    outside = {action for action, rules in POLICY.items() if any(rule.place is Place.OUTSIDE for rule in rules)}
    assert {action.split(":")[0] for action in outside} == {"job", "label", "lambda", "analytics"}


READ_ONLY = [
    (TaskAction.VIEW, True),
    (TaskAction.LIST, True),
    (TaskAction.EXPORT_DATASET, True),
    (TaskAction.UPDATE_DESCRIPTION, False),
    (TaskAction.UPLOAD_DATA, False),
    (TaskAction.DELETE, False),
    (LambdaAction.CALL_ONLINE, False),
    (AccessTokenAction.CREATE, False),
    (AccessTokenAction.VIEW_USED, True),
    (ServerAction.ABOUT, True),
]


@pytest.mark.parametrize(("action", "expected"), READ_ONLY)
def test_a_read_only_token_reads_and_no_more(action, expected):
    for privilege in (USER, ADMIN):
        found = decide(caller(privilege, read_only=True), action, facts(SANDBOX, T_OWNER))
        assert found is expected
    assert is_reading(action) is expected


def test_refusals_tell_strangers_from_users():
    with pytest.raises(Unauthenticated):
        require(ANONYMOUS, TaskAction.LIST)
    with pytest.raises(Forbidden, match="You do not have permission"):
        require(caller(WORKER), TaskAction.CREATE)
    with pytest.raises(Forbidden) as refused:
        require(caller(ADMIN, read_only=True), TaskAction.CREATE)
    assert refused.value.code == "token_is_read_only"
    require(caller(USER), TaskAction.CREATE)


@pytest.mark.parametrize(
    ("groups", "is_superuser", "is_staff", "expected"),
    [
        ([], False, False, NONE),
        (["worker"], False, False, WORKER),
        (["worker", "business", "user"], False, False, BUSINESS),
        (["unknown"], False, False, NONE),
        (["none"], False, False, NONE),
        (["user"], True, True, ADMIN),
        (["user"], True, False, USER),
        (["admin"], False, False, ADMIN),
    ],
)
def test_the_strongest_group_counts(groups, is_superuser, is_staff, expected):
    assert privilege_of(groups, is_superuser=is_superuser, is_staff=is_staff) is expected


def test_every_combination_is_answered_without_an_error():
    for action, privilege, place in itertools.product(ALL_ACTIONS, Privilege, (SANDBOX, OUTSIDE, *OrgRole)):
        assert may(action, privilege, place) in (True, False)


@pytest.mark.parametrize(("name", "role"), [("worker", MEMBER), ("owner", ORG_OWNER)])
def test_roles_are_named_in_lower_case(name, role):
    assert OrgRole.named(name) is role
    assert role.label == name


def test_an_unknown_role_is_refused():
    with pytest.raises(ValueError, match="king"):
        OrgRole.named("king")
