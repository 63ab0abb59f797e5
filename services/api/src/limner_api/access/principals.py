"""Who asks, and what the policies need to know about the object he asks for.

Source: the access specification, sections 1 and 2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Privilege(IntEnum):
    """What a user's groups are worth; a larger value includes the smaller ones."""

    NONE = 0
    WORKER = 1
    USER = 2
    BUSINESS = 3
    ADMIN = 4


class OrgRole(IntEnum):
    """Role of an active member; a larger value includes the smaller ones."""

    WORKER = 1
    SUPERVISOR = 2
    MAINTAINER = 3
    OWNER = 4

    @classmethod
    def named(cls, name: str) -> "OrgRole":
        """Return the role of that lower-case name.

        Raises:
            ValueError: There is no such role.
        """
        try:
            return cls[name.upper()]
        except KeyError as error:
            raise ValueError(f"{name!r} is not a role") from error

    @property
    def label(self) -> str:
        """The role's name on the wire."""
        return self.name.lower()


class Relation(StrEnum):
    """How the caller stands to the object, or to one it belongs to.

    The relations of an object are its own and those of its parents: a job's are its assignee's and all of its task's and
    project's.
    """

    PROJECT_OWNER = "project_owner"
    PROJECT_ASSIGNEE = "project_assignee"
    TASK_OWNER = "task_owner"
    TASK_ASSIGNEE = "task_assignee"
    JOB_ASSIGNEE = "job_assignee"
    ISSUE_OWNER = "issue_owner"
    ISSUE_ASSIGNEE = "issue_assignee"
    COMMENT_OWNER = "comment_owner"
    OWNER = "owner"
    """Owner of a thing outside that tree: a cloud storage, webhook, access token or background request."""
    SELF = "self"
    """The object is the caller's own account or membership."""
    FELLOW_MEMBER = "fellow_member"
    """The object is an account in an organization the caller is in."""
    INVITER = "inviter"
    INVITEE = "invitee"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, as authentication found him.

    Attributes:
        user_id: His account, or None when nobody is signed in.
        username: His name, "" when nobody is signed in.
        privilege: What his groups are worth, from ``privilege_of``.
        groups: Names of his groups.
        is_superuser: The account's flag; access is decided by ``privilege`` alone.
        read_only_token: He came with a token that may only read.
    """

    user_id: int | None
    username: str = ""
    privilege: Privilege = Privilege.NONE
    groups: frozenset[str] = frozenset()
    is_superuser: bool = False
    read_only_token: bool = False

    @property
    def is_signed_in(self) -> bool:
        """Whether we know who asks."""
        return self.user_id is not None

    @property
    def is_admin(self) -> bool:
        """Whether everything is allowed to him."""
        return self.is_signed_in and self.privilege is Privilege.ADMIN


#: Nobody in particular.
ANONYMOUS = Principal(user_id=None)


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What a policy looks at besides the caller and the action.

    Attributes:
        organization_id: Organization of the object, or of the context for creations and lists; None in the sandbox.
        role: The caller's role as an active member of that organization, or None.
        relations: How the caller stands to the object.
        target_role: Present role of the membership that is to be changed or removed.
        new_role: Role that a membership or invitation is to give.
    """

    organization_id: int | None = None
    role: OrgRole | None = None
    relations: frozenset[Relation] = frozenset()
    target_role: OrgRole | None = None
    new_role: OrgRole | None = None


def privilege_of(groups: Iterable[str], *, is_superuser: bool = False, is_staff: bool = False) -> Privilege:
    """Return the strongest privilege of a user's groups; superusers that are staff count as administrators.

    Unknown groups are worth nothing.
    """
    if is_superuser and is_staff:
        return Privilege.ADMIN
    return max((_BY_GROUP.get(group, Privilege.NONE) for group in groups), default=Privilege.NONE)


_BY_GROUP = {privilege.name.lower(): privilege for privilege in Privilege if privilege is not Privilege.NONE}
