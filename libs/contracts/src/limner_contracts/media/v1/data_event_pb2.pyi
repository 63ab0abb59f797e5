from limner_contracts.common.v1 import event_meta_pb2 as _event_meta_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DataEvent(_message.Message):
    __slots__ = ("meta", "task_id", "ready", "frames_changed")
    META_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    FRAMES_CHANGED_FIELD_NUMBER: _ClassVar[int]
    meta: _event_meta_pb2.EventMeta
    task_id: int
    ready: DataReady
    frames_changed: DataFramesChanged
    def __init__(self, meta: _Optional[_Union[_event_meta_pb2.EventMeta, _Mapping]] = ..., task_id: _Optional[int] = ..., ready: _Optional[_Union[DataReady, _Mapping]] = ..., frames_changed: _Optional[_Union[DataFramesChanged, _Mapping]] = ...) -> None: ...

class DataReady(_message.Message):
    __slots__ = ("size", "mode", "dimension", "media_type", "chunk_size", "image_quality", "original_chunk_type", "compressed_chunk_type", "start_frame", "stop_frame", "step", "job_sizes", "request_id")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    CHUNK_SIZE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_QUALITY_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_CHUNK_TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPRESSED_CHUNK_TYPE_FIELD_NUMBER: _ClassVar[int]
    START_FRAME_FIELD_NUMBER: _ClassVar[int]
    STOP_FRAME_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    JOB_SIZES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    size: int
    mode: str
    dimension: str
    media_type: str
    chunk_size: int
    image_quality: int
    original_chunk_type: str
    compressed_chunk_type: str
    start_frame: int
    stop_frame: int
    step: int
    job_sizes: _containers.RepeatedScalarFieldContainer[int]
    request_id: str
    def __init__(self, size: _Optional[int] = ..., mode: _Optional[str] = ..., dimension: _Optional[str] = ..., media_type: _Optional[str] = ..., chunk_size: _Optional[int] = ..., image_quality: _Optional[int] = ..., original_chunk_type: _Optional[str] = ..., compressed_chunk_type: _Optional[str] = ..., start_frame: _Optional[int] = ..., stop_frame: _Optional[int] = ..., step: _Optional[int] = ..., job_sizes: _Optional[_Iterable[int]] = ..., request_id: _Optional[str] = ...) -> None: ...

class DataFramesChanged(_message.Message):
    __slots__ = ("deleted_count",)
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    deleted_count: int
    def __init__(self, deleted_count: _Optional[int] = ...) -> None: ...
