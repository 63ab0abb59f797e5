"""From a protobuf event to a message on its way to the bus."""

from typing import Any, Protocol
from uuid import UUID

from limner_common.db.uow import OutgoingMessage
from limner_common.ids import new_uuid
from limner_common.observe.context import kept


class Subject(Protocol):
    """Whoever causes a fact: the bearer of a grant, or the caller himself."""

    @property
    def user_id(self) -> int | None:
        """Id of his account; None when it is no person."""

    @property
    def username(self) -> str:
        """His name at the time."""


def new_message(topic: str, key: object, event: Any, *, producer: str, grant: Subject | None = None) -> OutgoingMessage:
    """Fill an event's ``meta`` and wrap it for ``UnitOfWork.record``; its headers say what request it came of.

    Args:
        topic: Topic as in ``proto/topics.yaml``.
        key: Id of the aggregate whose order matters.
        event: Protobuf event with a ``meta`` field of type ``EventMeta``.
        producer: Service that records the fact.
        grant: Whoever caused it, when it was a person: a grant or a principal.
    """
    event_id = new_uuid()
    event.meta.event_id = str(event_id)
    event.meta.occurred_at.GetCurrentTime()
    event.meta.producer = producer
    if grant is not None and grant.user_id is not None:
        event.meta.subject_user_id = grant.user_id
        event.meta.subject_username = grant.username
    return OutgoingMessage(event_id, topic, str(key), event.SerializeToString(), kept())


def event_uuid(event: Any) -> UUID:
    """Return the id of a decoded event."""
    return UUID(event.meta.event_id)
