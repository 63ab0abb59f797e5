"""Types of the reading side: what readers yield and what the engine makes of it."""

from dataclasses import dataclass, field

import msgspec

from limner_exports.formats.base import DEFAULT_SUBSET, FormatError
from limner_model.annotations import Shape, ShapeType, Tag, Track
from limner_model.labels import LabelSchema

AttributeInput = str | bool | int | float


class ImportTag(msgspec.Struct, kw_only=True, gc=False):
    """A label of a whole item."""

    label: str
    group: int = 0
    source: str | None = None
    attributes: dict[str, AttributeInput] = {}
    where: str = ""


class ImportShape(msgspec.Struct, kw_only=True):
    """An object of an item, with label and attributes by name.

    ``attributes`` still holds the special ones (``occluded``, ``rotation``, ``track_id`` …) where the format stores them
    there. ``frame`` is abs and used in the shapes of an ``ImportTrack`` only.
    """

    type: ShapeType
    label: str
    points: list[float] = []
    occluded: bool = False
    outside: bool = False
    z_order: int = 0
    rotation: float = 0.0
    group: int = 0
    source: str | None = None
    score: float = 1.0
    frame: int = 0
    track_id: str | None = None
    keyframe: bool | None = None
    attributes: dict[str, AttributeInput] = {}
    elements: list["ImportShape"] = []
    where: str = ""


class ImportItem(msgspec.Struct, kw_only=True):
    """One picture of a dataset.

    ``name`` is a path; ``has_extension`` says that its last suffix is a file extension. ``frame`` is a frame number held by
    the item itself. Points are pixels, or fractions of width and height when ``is_normalized``. Group numbers are those of
    the task when ``keeps_groups``; otherwise they only say which objects of the item belong together. ``errors`` are
    mistakes of single lines or objects that the reader could step over.
    """

    name: str
    subset: str = DEFAULT_SUBSET
    has_extension: bool = False
    frame: int | None = None
    is_normalized: bool = False
    keeps_groups: bool = False
    tags: list[ImportTag] = []
    shapes: list[ImportShape] = []
    errors: list[FormatError] = []
    where: str = ""


class ImportTrack(msgspec.Struct, kw_only=True):
    """A track listed as such; ``shapes`` are its keyframes by abs frame, ``elements`` the tracks of skeleton points."""

    label: str
    subset: str = DEFAULT_SUBSET
    group: int = 0
    source: str | None = None
    shapes: list[ImportShape] = []
    elements: list["ImportTrack"] = []
    where: str = ""


@dataclass(frozen=True, slots=True)
class ImportMedia:
    """A picture in an archive: ``name`` is the path that the new frame gets, ``member`` its place in the archive."""

    subset: str
    name: str
    member: str


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a reader may know of the target: its labels, for archives that do not list their own."""

    labels: LabelSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a dataset is imported.

    Attributes:
        conv_mask_to_poly: Turn masks into polygons in the formats that ask (``FormatSpec.converts_masks``).
        subset: Read only items of this subset; None reads all.
        drops_background: Ignore objects labelled ``background`` when no such label exists (project imports).
        batch_size: Objects per batch, keyframes counted singly.
        max_errors: Errors collected before the import stops.
    """

    conv_mask_to_poly: bool = True
    subset: str | None = None
    drops_background: bool = False
    batch_size: int = 5000
    max_errors: int = 50


class ImportBatch(msgspec.Struct, kw_only=True):
    """A portion of imported annotations: ids are unset, frames rel, labels and attributes resolved to ids."""

    tags: list[Tag] = []
    shapes: list[Shape] = []
    tracks: list[Track] = []
    warnings: list[str] = []


@dataclass(slots=True)
class DatasetSummary:
    """What a dataset holds, for creating tasks, labels and attributes before it is read.

    ``labels`` maps a label name to its kind and attributes; see ``summaries.plan_labels``.
    """

    media: dict[str, list[ImportMedia]] = field(default_factory=dict)
    labels: dict[str, "LabelSummary"] = field(default_factory=dict)


@dataclass(slots=True)
class LabelSummary:
    """A label of a dataset: attribute names with a sample value, and sublabels of a skeleton in first-seen order.

    ``mutable`` are the attributes met on objects of tracks.
    """

    is_skeleton: bool = False
    mutable: set[str] = field(default_factory=set)
    attributes: dict[str, AttributeInput] = field(default_factory=dict)
    sublabels: dict[str, "LabelSummary"] = field(default_factory=dict)
