from limner_contracts.common.v1 import event_meta_pb2 as _event_meta_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobAnnotationsEvent(_message.Message):
    __slots__ = ("meta", "job_id", "task_id", "saved")
    META_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SAVED_FIELD_NUMBER: _ClassVar[int]
    meta: _event_meta_pb2.EventMeta
    job_id: int
    task_id: int
    saved: AnnotationsSaved
    def __init__(self, meta: _Optional[_Union[_event_meta_pb2.EventMeta, _Mapping]] = ..., job_id: _Optional[int] = ..., task_id: _Optional[int] = ..., saved: _Optional[_Union[AnnotationsSaved, _Mapping]] = ...) -> None: ...

class AnnotationsSaved(_message.Message):
    __slots__ = ("revision", "kind", "created", "updated", "deleted")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    kind: str
    created: int
    updated: int
    deleted: int
    def __init__(self, revision: _Optional[int] = ..., kind: _Optional[str] = ..., created: _Optional[int] = ..., updated: _Optional[int] = ..., deleted: _Optional[int] = ...) -> None: ...
