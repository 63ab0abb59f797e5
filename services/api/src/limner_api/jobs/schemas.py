"""Bodies of the routes under ``/api/jobs``."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator

from limner_api.bodies import Id
from limner_api.jobs.rules import TYPE_ALIASES, Stage, State


def _canonical_type(value: object) -> object:
    return str(TYPE_ALIASES.get(value, value)) if isinstance(value, str) else value


class JobCreate(BaseModel):
    """A new job. Jobs of the type annotation are made with their task's data."""

    type: Annotated[Literal["annotation", "ground_truth", "replica"], BeforeValidator(_canonical_type)]
    task_id: Id


class JobUpdate(BaseModel):
    """What can be changed of a job; what is not sent stays."""

    assignee: Id | None = None
    stage: Stage = Stage.ANNOTATION
    state: State = State.NEW
