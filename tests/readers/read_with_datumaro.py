"""Reads folders with datumaro and prints what it found, one JSON line per item; runs in an environment of its own.

Usage: ``python read_with_datumaro.py FORMAT=FOLDER …``. Works with datumaro 0.3 and 1.13. Imports nothing of this product.

Each line holds ``folder``, ``format``, ``name``, ``subset``, ``size`` ([height, width] or null) and ``annotations``. Each of
these has ``type``, ``label`` (its name), ``points`` (a box as its corners; a rotated box unrotated, with ``rotation``), or
``size`` and ``runs`` of a mask (row-major, the first run is background), and ``group``, ``z_order`` and ``attributes``. A
folder that cannot be read gives one line with ``error``.
"""

import json
import sys
from itertools import pairwise

import numpy as np
from datumaro.components.annotation import AnnotationType
from datumaro.components.dataset import Dataset


def main(arguments: list[str]) -> None:
    for argument in arguments:
        name, _, folder = argument.partition("=")
        head = {"folder": folder, "format": name}
        try:
            lines = [head | line for line in read(folder, name)]
        except Exception as error:
            lines = [head | {"error": f"{type(error).__name__}: {error}"}]
        for line in lines:
            print(json.dumps(line))


def read(folder: str, name: str) -> list[dict]:
    dataset = Dataset.import_from(folder, name)
    labels = dataset.categories()[AnnotationType.label]
    found = []
    for item in dataset:
        size = item.media.size if item.media is not None else None
        found.append(
            {
                "name": item.id,
                "subset": item.subset,
                "size": None if size is None else [int(side) for side in size],
                "annotations": [plain(annotation, labels) for annotation in item.annotations],
            }
        )
    return found


def plain(annotation, labels) -> dict:
    kind = annotation.type.name
    document = {
        "type": kind,
        "label": None if annotation.label is None else labels[annotation.label].name,
        "group": int(annotation.group or 0),
        "z_order": int(getattr(annotation, "z_order", 0)),
        "attributes": {name: value_of(value) for name, value in annotation.attributes.items()},
    }
    if kind == "mask":
        document |= run_lengths(np.asarray(annotation.image))
    elif kind == "rotated_bbox":
        x, y, width, height = annotation.cx, annotation.cy, annotation.w, annotation.h
        points = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        document |= {"type": "bbox", "points": floats(points), "rotation": float(annotation.r)}
    elif kind != "label":
        document["points"] = floats(annotation.points)
    return document


def value_of(value):
    return value.item() if isinstance(value, np.generic) else value


def floats(values) -> list[float]:
    return [float(value) for value in np.asarray(values).reshape(-1)]


def run_lengths(image) -> dict:
    bits = image.astype(bool).reshape(-1)
    borders = np.flatnonzero(np.diff(bits)) + 1
    ends = [0, *borders.tolist(), bits.size]
    runs = [stop - start for start, stop in pairwise(ends)]
    return {"size": list(image.shape), "runs": [0, *runs] if bits[0] else runs}


if __name__ == "__main__":
    main(sys.argv[1:])
