from limner_contracts.common.v1 import event_meta_pb2 as _event_meta_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProjectEvent(_message.Message):
    __slots__ = ("meta", "project_id", "organization_id", "facts_version", "created", "updated", "deleted", "labels_changed")
    META_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    FACTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    LABELS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    meta: _event_meta_pb2.EventMeta
    project_id: int
    organization_id: int
    facts_version: int
    created: ProjectCreated
    updated: ProjectUpdated
    deleted: ProjectDeleted
    labels_changed: ProjectLabelsChanged
    def __init__(self, meta: _Optional[_Union[_event_meta_pb2.EventMeta, _Mapping]] = ..., project_id: _Optional[int] = ..., organization_id: _Optional[int] = ..., facts_version: _Optional[int] = ..., created: _Optional[_Union[ProjectCreated, _Mapping]] = ..., updated: _Optional[_Union[ProjectUpdated, _Mapping]] = ..., deleted: _Optional[_Union[ProjectDeleted, _Mapping]] = ..., labels_changed: _Optional[_Union[ProjectLabelsChanged, _Mapping]] = ...) -> None: ...

class ProjectCreated(_message.Message):
    __slots__ = ("name", "owner_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    owner_id: int
    def __init__(self, name: _Optional[str] = ..., owner_id: _Optional[int] = ...) -> None: ...

class ProjectUpdated(_message.Message):
    __slots__ = ("changed_fields",)
    CHANGED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    changed_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, changed_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class ProjectDeleted(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ProjectLabelsChanged(_message.Message):
    __slots__ = ("deleted_label_ids",)
    DELETED_LABEL_IDS_FIELD_NUMBER: _ClassVar[int]
    deleted_label_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, deleted_label_ids: _Optional[_Iterable[int]] = ...) -> None: ...
