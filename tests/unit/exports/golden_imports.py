"""What the recorded imports left in the task, and what ours leaves, in the same terms."""

import json
from pathlib import Path
from typing import Any

import msgspec

from limner_exports.formats import ReadOptions, SafeArchive, find_importer, read_dataset
from limner_model.annotations import LabeledData, ShapeType
from limner_model.attributes import fill_defaults
from limner_model.keyframes import normalise_track
from limner_model.labels import LabelSchema
from limner_model.merging import JobPart, merge_jobs
from limner_model.slicing import slice_data
from tests.unit.exports.golden_objects import FORMATS, GoldenObject, label_schema


def read_archive(path: Path, format_name: str, target: GoldenObject, *, conv_mask_to_poly: bool = True) -> LabeledData:
    """Read an archive for the one task of an object."""
    found = LabeledData()
    options = ReadOptions(conv_mask_to_poly=conv_mask_to_poly)
    with SafeArchive(path) as archive:
        spec = find_importer(format_name)
        for batch in read_dataset(spec, archive, target.targets(), target.context.labels, options):
            found.tags += batch.tags
            found.shapes += batch.shapes
            found.tracks += batch.tracks
    return found


def stored(data: LabeledData, target: GoldenObject) -> LabeledData:
    """What a read of the task, or of its job, answers after an import: split over the jobs and merged again."""
    for track in data.tracks:
        normalise_track(track)
    job = target.context.job
    info = target.tasks[0].info
    if job is not None:
        kept = slice_data(data, job.start, job.stop)
    else:
        parts = [JobPart(segment.start, slice_data(data, segment.start, segment.stop)) for segment in info.segments]
        kept = merge_jobs(parts, overlap=info.overlap) if len(parts) > 1 else data
    return fill_defaults(kept, target.context.labels)


def recorded(folder: str, name: str) -> tuple[LabeledData, LabelSchema]:
    """The recorded state after an import, with the labels of that copy."""
    document = json.loads((FORMATS / folder / f"{name}.imported.json").read_text())
    data = msgspec.convert(document["annotations"], LabeledData, strict=False)
    return data, label_schema(document["labels"])


def plain_data(data: LabeledData, labels: LabelSchema, *, exact_numbers: bool = True) -> dict[str, list[Any]]:
    """A document with names in place of ids, in plain values; ids are left out.

    Without ``exact_numbers`` the attribute values ``2`` and ``2.0`` are equal.
    """
    specs = labels.by_id()
    attributes = {spec.id: spec.name for label in specs.values() for spec in label.attributes}

    def rename(value: Any) -> Any:
        if isinstance(value, list):
            return [rename(item) for item in value]
        if not isinstance(value, dict):
            return value
        out = {name: rename(item) for name, item in value.items() if name not in ("id", "score")}
        if "label_id" in out:
            out["label"] = specs[out.pop("label_id")].name
        if "attributes" in out:
            out["attributes"] = {
                attributes[item["spec_id"]]: item["value"] if exact_numbers else _text(item["value"])
                for item in value["attributes"]
            }
        if "elements" in out:
            out["elements"] = sorted(out["elements"], key=lambda item: item["label"])
        if "points" in out and out.get("type") == ShapeType.MASK:
            out["points"] = " ".join(str(int(number)) for number in out["points"])
        return out

    document = rename(msgspec.to_builtins(data))
    return {name: document[name] for name in ("tags", "shapes", "tracks")}


def _text(value: str) -> str:
    try:
        return str(float(value))
    except ValueError:
        return value
