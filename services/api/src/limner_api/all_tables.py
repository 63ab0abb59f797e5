"""The service's metadata with the tables of all features in it. Each feature that has tables is named here."""

from limner_api.access_tokens import tables as access_tokens
from limner_api.identity import tables as identity
from limner_api.invitations import tables as invitations
from limner_api.jobs import tables as jobs
from limner_api.labels import tables as labels
from limner_api.memberships import tables as memberships
from limner_api.organizations import tables as organizations
from limner_api.projects import tables as projects
from limner_api.requests import tables as requests
from limner_api.tables import metadata
from limner_api.tasks import tables as tasks
from limner_api.users import tables as users

FEATURES = (
    users,
    identity,
    access_tokens,
    organizations,
    memberships,
    invitations,
    projects,
    labels,
    tasks,
    jobs,
    requests,
)

__all__ = ["FEATURES", "metadata"]
