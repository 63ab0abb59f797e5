"""What goes with an organization when it is deleted: each feature that keeps things for organizations is named here."""

from limner_api.organizations.service import Cleanup
from limner_api.projects.service import delete_resources_of_organization

CLEANUPS: tuple[Cleanup, ...] = (delete_resources_of_organization,)
