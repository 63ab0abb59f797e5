from limner_contracts.common.v1 import event_meta_pb2 as _event_meta_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaskEvent(_message.Message):
    __slots__ = ("meta", "task_id", "project_id", "organization_id", "facts_version", "created", "updated", "deleted", "jobs_created", "labels_changed", "labels_mapped")
    META_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    FACTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    JOBS_CREATED_FIELD_NUMBER: _ClassVar[int]
    LABELS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    LABELS_MAPPED_FIELD_NUMBER: _ClassVar[int]
    meta: _event_meta_pb2.EventMeta
    task_id: int
    project_id: int
    organization_id: int
    facts_version: int
    created: TaskCreated
    updated: TaskUpdated
    deleted: TaskDeleted
    jobs_created: TaskJobsCreated
    labels_changed: TaskLabelsChanged
    labels_mapped: TaskLabelsMapped
    def __init__(self, meta: _Optional[_Union[_event_meta_pb2.EventMeta, _Mapping]] = ..., task_id: _Optional[int] = ..., project_id: _Optional[int] = ..., organization_id: _Optional[int] = ..., facts_version: _Optional[int] = ..., created: _Optional[_Union[TaskCreated, _Mapping]] = ..., updated: _Optional[_Union[TaskUpdated, _Mapping]] = ..., deleted: _Optional[_Union[TaskDeleted, _Mapping]] = ..., jobs_created: _Optional[_Union[TaskJobsCreated, _Mapping]] = ..., labels_changed: _Optional[_Union[TaskLabelsChanged, _Mapping]] = ..., labels_mapped: _Optional[_Union[TaskLabelsMapped, _Mapping]] = ...) -> None: ...

class TaskCreated(_message.Message):
    __slots__ = ("name", "owner_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    owner_id: int
    def __init__(self, name: _Optional[str] = ..., owner_id: _Optional[int] = ...) -> None: ...

class TaskUpdated(_message.Message):
    __slots__ = ("changed_fields",)
    CHANGED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    changed_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, changed_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class TaskDeleted(_message.Message):
    __slots__ = ("job_ids",)
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, job_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class TaskJobsCreated(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[TaskJob]
    def __init__(self, jobs: _Optional[_Iterable[_Union[TaskJob, _Mapping]]] = ...) -> None: ...

class TaskJob(_message.Message):
    __slots__ = ("job_id", "start_frame", "stop_frame", "type")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    START_FRAME_FIELD_NUMBER: _ClassVar[int]
    STOP_FRAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    start_frame: int
    stop_frame: int
    type: str
    def __init__(self, job_id: _Optional[int] = ..., start_frame: _Optional[int] = ..., stop_frame: _Optional[int] = ..., type: _Optional[str] = ...) -> None: ...

class TaskLabelsChanged(_message.Message):
    __slots__ = ("deleted_label_ids",)
    DELETED_LABEL_IDS_FIELD_NUMBER: _ClassVar[int]
    deleted_label_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, deleted_label_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class TaskLabelsMapped(_message.Message):
    __slots__ = ("label_ids", "attribute_ids")
    class LabelIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    class AttributeIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    LABEL_IDS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_IDS_FIELD_NUMBER: _ClassVar[int]
    label_ids: _containers.ScalarMap[int, int]
    attribute_ids: _containers.ScalarMap[int, int]
    def __init__(self, label_ids: _Optional[_Mapping[int, int]] = ..., attribute_ids: _Optional[_Mapping[int, int]] = ...) -> None: ...
