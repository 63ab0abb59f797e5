"""Large made-up exports, run in a process of their own: ``python -m tests.unit.exports.generated FORMAT FRAMES BOXES``.

Prints the sha256 of the archive, the seconds of CPU, the peak resident memory before and after in KiB, and the number of
objects written.
"""

import hashlib
import resource
import sys
import time
from collections.abc import Iterator

from limner_exports.formats import ExportFrame, find_exporter, write_dataset
from limner_model.annotations import AttributeValue, ShapeType
from limner_model.frames import FrameAnnotations, FrameShape
from tests.unit.exports.builders import CAR, context_of, image_task


class HashingSink:
    """An output that keeps nothing."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        self.hash.update(data)
        return len(data)

    def flush(self) -> None:
        pass


def frames(count: int, boxes: int, kind: ShapeType) -> Iterator[ExportFrame]:
    for frame in range(count):
        shapes = []
        for index in range(boxes):
            x, y = (frame * 7 + index * 13) % 500 + 0.25, (frame * 3 + index * 31) % 400 + 0.37
            points = [x, y, x + 100.11, y + 50.5]
            if kind is ShapeType.POLYGON:
                points = [value for step in range(12) for value in (x + step * 7.13, y + (step * 5 % 11) * 9.7)]
            attributes = [AttributeValue(spec_id=11, value="4"), AttributeValue(spec_id=12, value="true")]
            shapes.append(
                FrameShape(type=kind, label_id=CAR, points=points, id=index, attributes=attributes, z_order=index % 3)
            )
        yield ExportFrame(
            task_id=1,
            frame=frame,
            number=frame,
            name=f"folder/{frame:08d}.jpg",
            subset="default",
            width=800,
            height=600,
            annotations=FrameAnnotations(frame=frame, shapes=shapes),
        )


def main(name: str, count: int, boxes: int, kind: ShapeType) -> None:
    sink = HashingSink()
    spec, context = find_exporter(name), context_of(image_task(size=count))
    write_dataset(spec, context_of(image_task(size=50)), frames(50, boxes, kind), None, HashingSink())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    report = write_dataset(spec, context, frames(count, boxes, kind), None, sink)
    seconds = time.process_time() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(sink.hash.hexdigest(), f"{seconds:.3f}", before, after, report.objects)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), ShapeType(sys.argv[4] if len(sys.argv) > 4 else "rectangle"))
