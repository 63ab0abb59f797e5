"""Facts about annotations that others hear of."""

from limner_annotations.revisions.states import Author, ChangeKind, JobState
from limner_common.db.uow import OutgoingMessage
from limner_common.events import new_message
from limner_common.grants import Grant
from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent

TOPIC = "limner.annotations.job.v1"
_PRODUCER = "annotations"


def annotations_saved(
    state: JobState, kind: ChangeKind, author: Author, *, created: int, updated: int, deleted: int
) -> OutgoingMessage:
    """Return the fact that a job's revision was written."""
    event = JobAnnotationsEvent(job_id=state.job_id, task_id=state.task_id)
    saved = event.saved
    saved.revision, saved.kind = state.revision, kind
    saved.created, saved.updated, saved.deleted = created, updated, deleted
    grant = Grant(issuer=_PRODUCER, action="", user_id=author.user_id, username=author.username)
    return new_message(TOPIC, state.job_id, event, producer=_PRODUCER, grant=grant)
