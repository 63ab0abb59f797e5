from limner_contracts.common.v1 import event_meta_pb2 as _event_meta_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobEvent(_message.Message):
    __slots__ = ("meta", "job_id", "task_id", "project_id", "organization_id", "updated", "deleted")
    META_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    meta: _event_meta_pb2.EventMeta
    job_id: int
    task_id: int
    project_id: int
    organization_id: int
    updated: JobUpdated
    deleted: JobDeleted
    def __init__(self, meta: _Optional[_Union[_event_meta_pb2.EventMeta, _Mapping]] = ..., job_id: _Optional[int] = ..., task_id: _Optional[int] = ..., project_id: _Optional[int] = ..., organization_id: _Optional[int] = ..., updated: _Optional[_Union[JobUpdated, _Mapping]] = ..., deleted: _Optional[_Union[JobDeleted, _Mapping]] = ...) -> None: ...

class JobUpdated(_message.Message):
    __slots__ = ("changed_fields", "stage", "state", "assignee_id")
    CHANGED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ASSIGNEE_ID_FIELD_NUMBER: _ClassVar[int]
    changed_fields: _containers.RepeatedScalarFieldContainer[str]
    stage: str
    state: str
    assignee_id: int
    def __init__(self, changed_fields: _Optional[_Iterable[str]] = ..., stage: _Optional[str] = ..., state: _Optional[str] = ..., assignee_id: _Optional[int] = ...) -> None: ...

class JobDeleted(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
