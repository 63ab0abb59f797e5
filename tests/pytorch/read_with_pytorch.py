"""Reads a task and a project through the SDK's PyTorch datasets and prints what it saw as one JSON document.

Usage: ``python read_with_pytorch.py URL USER PASSWORD TASK PROJECT CACHE``; runs in an environment of its own and imports
nothing of this product.
"""

import json
import sys
from pathlib import Path

import torch
from cvat_sdk import make_client
from cvat_sdk.pytorch import (
    ExtractBoundingBoxes,
    ExtractInstanceMasks,
    ExtractSingleLabelIndex,
    ProjectVisionDataset,
    TaskVisionDataset,
)
from torch.utils.data import DataLoader
from torchvision.transforms.functional import pil_to_tensor


def main(url: str, user: str, password: str, task_id: int, project_id: int, cache: Path) -> None:
    labels = {"car": 0, "sky": 1}
    with make_client(url, credentials=(user, password)) as client:
        client.config.cache_dir = cache
        client.config.status_check_period = 0.2
        boxes = TaskVisionDataset(
            client,
            task_id,
            transform=pil_to_tensor,
            target_transform=ExtractBoundingBoxes(include_shape_types={"rectangle", "polygon"}),
            label_name_to_index=labels,
        )
        masks = TaskVisionDataset(
            client,
            task_id,
            target_transform=ExtractInstanceMasks(include_shape_types={"polygon", "mask"}),
            label_name_to_index=labels,
        )
        tags = ProjectVisionDataset(
            client,
            project_id,
            transform=pil_to_tensor,
            target_transform=ExtractSingleLabelIndex(),
            label_name_to_index=labels,
            include_subsets={"Train"},
        )
        batches = [
            (list(images.shape), targets.tolist()) for images, targets in DataLoader(tags, batch_size=2, shuffle=False)
        ]
        found = {
            "pixels": [int(image.to(torch.int64).sum()) for image, _ in boxes],
            "boxes": [target["boxes"].tolist() for _, target in boxes],
            "labels": [target["labels"].tolist() for _, target in boxes],
            "areas": [[int(mask.sum()) for mask in target["masks"]] for _, target in masks],
            "batches": batches,
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]), Path(sys.argv[6]))
