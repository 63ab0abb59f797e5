"""Dataset formats: reading and writing annotation archives, without database and network.

``engine`` is the way in; ``base``, ``items`` and ``specs`` hold the types, ``registry`` the formats by name.
"""

from limner_exports.formats.archive import ArchiveLimits, SafeArchive
from limner_exports.formats.base import (
    ExportContext,
    ExportFrame,
    ExportTrack,
    FormatError,
    FrameMedia,
    ImportErrors,
    JobInfo,
    Person,
    ProjectInfo,
    Report,
    ScopeKind,
    SegmentInfo,
    TaskInfo,
    UnknownFormat,
)
from limner_exports.formats.engine import read_dataset, scan_dataset, write_dataset
from limner_exports.formats.items import DatasetSummary, ImportBatch, ImportMedia, ReadOptions
from limner_exports.formats.matching import TargetFrame, TargetFrames
from limner_exports.formats.registry import FORMATS, find_exporter, find_importer, format_list
from limner_exports.formats.scope import TaskPlace, project_layout
from limner_exports.formats.specs import FormatSpec
from limner_exports.formats.summaries import LabelPlan, NewAttribute, plan_labels

__all__ = [
    "FORMATS",
    "ArchiveLimits",
    "DatasetSummary",
    "ExportContext",
    "ExportFrame",
    "ExportTrack",
    "FormatError",
    "FormatSpec",
    "FrameMedia",
    "ImportBatch",
    "ImportErrors",
    "ImportMedia",
    "JobInfo",
    "LabelPlan",
    "NewAttribute",
    "Person",
    "ProjectInfo",
    "ReadOptions",
    "Report",
    "SafeArchive",
    "ScopeKind",
    "SegmentInfo",
    "TargetFrame",
    "TargetFrames",
    "TaskInfo",
    "TaskPlace",
    "UnknownFormat",
    "find_exporter",
    "find_importer",
    "format_list",
    "plan_labels",
    "project_layout",
    "read_dataset",
    "scan_dataset",
    "write_dataset",
]
