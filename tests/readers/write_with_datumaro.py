"""Writes folders with datumaro from JSON lines on standard input; runs in an environment of its own.

Usage: ``python write_with_datumaro.py LABELS FORMAT=TYPES=FOLDER … < items``; ``LABELS`` is a JSON object of attribute names
by label name, ``TYPES`` are those of the annotations to write, with commas. Works with datumaro 0.3 and 1.13. Imports
nothing of this product.

Items and annotations are as ``read_with_datumaro.py`` prints them. Prints a JSON line per folder: ``folder``, ``format`` and
``error``, null when it was written. Pictures are saved too, grey ones.
"""

import json
import sys

import numpy as np
from datumaro.components import annotation as kinds
from datumaro.components.dataset import Dataset

try:
    from datumaro.components.dataset_base import DatasetItem
except ImportError:
    from datumaro.components.extractor import DatasetItem
from datumaro.components.media import Image


def main(attributes: dict[str, list[str]], targets: list[str], lines: list[str]) -> None:
    labels = list(attributes)
    categories = kinds.LabelCategories(attributes={"occluded"})
    for label, names in attributes.items():
        categories.add(label, attributes=names)
    for target in targets:
        name, types, folder = target.split("=", 2)
        items = [item_of(json.loads(line), labels, types.split(",")) for line in lines]
        dataset = Dataset.from_iterable(items, categories={kinds.AnnotationType.label: categories})
        error = None
        try:
            dataset.export(folder, name, **{"save_images" if is_old() else "save_media": True})
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
        print(json.dumps({"folder": folder, "format": name, "error": error}))


def is_old() -> bool:
    return not hasattr(Image, "from_numpy")


def item_of(document: dict, labels: list[str], types: list[str]) -> DatasetItem:
    height, width = document["size"]
    pixels = np.full((height, width, 3), 128, dtype=np.uint8)
    media = Image(data=pixels, path=f"{document['name']}.jpg") if is_old() else Image.from_numpy(data=pixels, ext=".jpg")
    annotations = [annotation_of(one, labels) for one in document["annotations"] if one["type"] in types]
    return DatasetItem(
        id=document["name"],
        subset=document["subset"],
        media=media,
        annotations=annotations,
        attributes={"frame": document["frame"]},
    )


def annotation_of(document: dict, labels: list[str]):
    common = {
        "label": labels.index(document["label"]),
        "group": document["group"],
        "attributes": dict(document["attributes"]),
    }
    kind = document["type"]
    if kind == "label":
        return kinds.Label(**common)
    common["z_order"] = document["z_order"]
    if kind == "bbox":
        x0, y0, x1, y1 = document["points"]
        return kinds.Bbox(x0, y0, x1 - x0, y1 - y0, **common)
    if kind == "mask":
        bits = np.repeat(np.arange(len(document["runs"])) % 2, document["runs"]).reshape(document["size"])
        return kinds.Mask(bits.astype(np.uint8), **common)
    classes = {"polygon": kinds.Polygon, "polyline": kinds.PolyLine, "points": kinds.Points}
    return classes[kind](document["points"], **common)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:], sys.stdin.read().splitlines())
