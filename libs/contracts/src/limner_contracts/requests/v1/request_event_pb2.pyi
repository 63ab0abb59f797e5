import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from limner_contracts.common.v1 import event_meta_pb2 as _event_meta_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RequestEvent(_message.Message):
    __slots__ = ("meta", "request_id", "queued", "started", "progressed", "finished", "failed", "cancelled")
    META_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESSED_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    meta: _event_meta_pb2.EventMeta
    request_id: str
    queued: RequestQueued
    started: RequestStarted
    progressed: RequestProgressed
    finished: RequestFinished
    failed: RequestFailed
    cancelled: RequestCancelled
    def __init__(self, meta: _Optional[_Union[_event_meta_pb2.EventMeta, _Mapping]] = ..., request_id: _Optional[str] = ..., queued: _Optional[_Union[RequestQueued, _Mapping]] = ..., started: _Optional[_Union[RequestStarted, _Mapping]] = ..., progressed: _Optional[_Union[RequestProgressed, _Mapping]] = ..., finished: _Optional[_Union[RequestFinished, _Mapping]] = ..., failed: _Optional[_Union[RequestFailed, _Mapping]] = ..., cancelled: _Optional[_Union[RequestCancelled, _Mapping]] = ...) -> None: ...

class RequestQueued(_message.Message):
    __slots__ = ("type", "target", "project_id", "task_id", "job_id", "organization_id", "format", "service")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    type: str
    target: str
    project_id: int
    task_id: int
    job_id: int
    organization_id: int
    format: str
    service: str
    def __init__(self, type: _Optional[str] = ..., target: _Optional[str] = ..., project_id: _Optional[int] = ..., task_id: _Optional[int] = ..., job_id: _Optional[int] = ..., organization_id: _Optional[int] = ..., format: _Optional[str] = ..., service: _Optional[str] = ...) -> None: ...

class RequestStarted(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RequestProgressed(_message.Message):
    __slots__ = ("progress", "message")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    progress: float
    message: str
    def __init__(self, progress: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...

class RequestFinished(_message.Message):
    __slots__ = ("result_path", "result_id", "expires_at")
    RESULT_PATH_FIELD_NUMBER: _ClassVar[int]
    RESULT_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    result_path: str
    result_id: int
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, result_path: _Optional[str] = ..., result_id: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RequestFailed(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class RequestCancelled(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
