"""Two tasks full of made-up objects, the same on every run, as a project or one by one."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from limner_exports.formats import (
    ExportContext,
    ExportFrame,
    FrameMedia,
    ProjectInfo,
    ScopeKind,
    find_exporter,
    project_layout,
    write_dataset,
)
from limner_model.annotations import AttributeValue, LabeledData, Shape, ShapeType, Tag
from limner_model.interpolation import sweep
from limner_model.labels import LabelSchema
from limner_model.rle import CroppedMask, points_from_mask
from tests.unit.exports.builders import CAR, MOMENT, SCHEMA, SIZE, SKY, image_task

SUBSETS = ("train", "val")
NAMES = {
    "train": ("a.jpg", "inner dir/b.2.jpg", "zażółć 車.jpg", "nothing.jpg", *(f"t {n:03d}.jpg" for n in range(8))),
    "val": ("frame.jpg", *(f"v_{n:03d}.jpg" for n in range(11))),
}
#: Labels without the skeleton: no public reader knows such objects.
LABELS = LabelSchema(version=1, labels=[label for label in SCHEMA.labels if label.type != "skeleton"])
_NOTES = ("", "plain", "hé <b>&amp; \"q\" 'a'", "車 車", "a;b,c")
_DRAWN = (
    ShapeType.RECTANGLE,
    ShapeType.RECTANGLE,
    ShapeType.POLYGON,
    ShapeType.POLYLINE,
    ShapeType.POINTS,
    ShapeType.MASK,
    ShapeType.ELLIPSE,
    ShapeType.CUBOID,
)


@dataclass
class Scene:
    """Annotations by subset; each subset is a task. Frames called ``nothing`` are empty."""

    data: dict[str, LabeledData] = field(default_factory=dict)

    def less(self, *kinds: ShapeType) -> "Scene":
        """The same without shapes of some types."""
        return Scene(
            {
                subset: LabeledData(tags=data.tags, shapes=[shape for shape in data.shapes if shape.type not in kinds])
                for subset, data in self.data.items()
            }
        )

    def frames(self) -> Iterator[tuple[str, str, list[Shape], list[Tag]]]:
        """Name without extension, subset and the objects of each frame."""
        for subset, data in self.data.items():
            for index, name in enumerate(NAMES[subset]):
                shapes = [shape for shape in data.shapes if shape.frame == index]
                yield name.removesuffix(".jpg"), subset, shapes, [tag for tag in data.tags if tag.frame == index]

    def archive(self, format_name: str, *, has_flat_names: bool = False, subset: str | None = None) -> bytes:
        """Archive of the project, or of the task of one subset without saying the subset, with pictures."""
        subsets = SUBSETS if subset is None else (subset,)
        tasks = tuple(
            image_task(task_id=number, subset="" if subset else name, size=len(NAMES[name]))
            for number, name in enumerate(subsets, 1)
        )
        project = ProjectInfo(id=1, name="p", created_at=MOMENT, updated_at=MOMENT)
        context = ExportContext(
            kind=ScopeKind.PROJECT if subset is None else ScopeKind.TASK,
            tasks=tasks,
            labels=LABELS,
            dumped_at=MOMENT,
            project=project if subset is None else None,
            save_images=True,
        )
        places = project_layout(tasks)

        def frames() -> Iterator[ExportFrame]:
            for task, name_of_subset in zip(tasks, subsets, strict=True):
                place = places[task.id]
                for found in sweep(self.data[name_of_subset], LABELS, frames=range(task.size)):
                    name = NAMES[name_of_subset][found.frame]
                    yield ExportFrame(
                        task_id=task.id,
                        frame=found.frame,
                        number=place.offset + found.frame,
                        name=name.replace("/", "_") if has_flat_names else name,
                        subset=place.subset,
                        width=SIZE[0],
                        height=SIZE[1],
                        annotations=found,
                        media=FrameMedia(".jpg", lambda: [_PICTURE]),
                    )

        out = io.BytesIO()
        write_dataset(find_exporter(format_name), context, frames(), None, out)
        return out.getvalue()


def make_scene(*, seed: int = 7, has_groups: bool = True) -> Scene:
    """A scene with every type of shape; coordinates are quarters, so that no reader's precision matters."""
    chance = random.Random(seed)
    scene = Scene()
    for subset in SUBSETS:
        data = LabeledData()
        for index, name in enumerate(NAMES[subset]):
            if name.startswith("nothing"):
                continue
            data.shapes += [_shape(chance, index, has_groups=has_groups) for _ in range(chance.randint(1, 7))]
            if chance.random() < 0.4:
                label = chance.choice((CAR, SKY))
                data.tags.append(Tag(frame=index, label_id=label, attributes=_attributes(chance, label)))
        for number, shape in enumerate(data.shapes, 1):
            shape.id = number
        scene.data[subset] = data
    return scene


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", SIZE, (90, 90, 90)).save(out, "JPEG")
    return out.getvalue()


_PICTURE = _picture()


def _shape(chance: random.Random, frame: int, *, has_groups: bool) -> Shape:
    kind = chance.choice(_DRAWN)
    label = chance.choice((CAR, SKY))
    turns = kind is ShapeType.ELLIPSE or (kind is ShapeType.RECTANGLE and chance.random() < 0.3)
    return Shape(
        type=kind,
        frame=frame,
        label_id=label,
        points=_points(chance, kind),
        occluded=chance.random() < 0.5,
        z_order=chance.randint(0, 3),
        rotation=chance.choice((15.25, 350.5)) if turns else 0.0,
        group=chance.randint(0, 2) if has_groups else 0,
        attributes=_attributes(chance, label),
    )


def _attributes(chance: random.Random, label: int) -> list[AttributeValue]:
    if label != CAR:
        return []
    values = {11: str(chance.randint(0, 9)), 12: chance.choice(("true", "false")), 13: chance.choice(_NOTES)}
    return [AttributeValue(spec_id=spec, value=value) for spec, value in values.items()]


def _points(chance: random.Random, kind: ShapeType) -> list[float]:
    def coordinate(limit: int) -> float:
        return chance.randint(0, limit * 4) / 4

    def pairs(count: int) -> list[float]:
        return [coordinate(limit) for _ in range(count) for limit in SIZE]

    if kind is ShapeType.RECTANGLE:
        x, y = coordinate(SIZE[0] - 20), coordinate(SIZE[1] - 20)
        return [x, y, x + 1 + coordinate(19), y + 1 + coordinate(19)]
    if kind is ShapeType.ELLIPSE:
        return [100.0, 60.0, 100.0 + 2 + coordinate(30), 60.0 - 2 - coordinate(20)]
    if kind is ShapeType.MASK:
        height, width = chance.randint(1, 12), chance.randint(1, 12)
        bits = np.array([chance.random() < 0.6 for _ in range(height * width)], np.bool_).reshape(height, width)
        bits[0, :] = bits[:, 0] = bits[-1, :] = bits[:, -1] = True
        mask = CroppedMask(bits, chance.randint(0, SIZE[0] - width), chance.randint(0, SIZE[1] - height))
        return points_from_mask(mask)
    counts = {ShapeType.POLYGON: chance.randint(3, 7), ShapeType.POLYLINE: chance.randint(2, 5), ShapeType.CUBOID: 8}
    return pairs(counts.get(kind, chance.randint(1, 4)))
