"""The independent readers: datumaro in environments of their own, spoken to in JSON lines."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
OLD, NEW = "0.3", "1.13"
Document = dict[str, Any]
Key = tuple[str, str]


def read_folders(version: str, folders: Iterable[tuple[str, Path]]) -> dict[tuple[str, str], dict[Key, Document]]:
    """Items by (name, subset), of each (format, folder); a folder that cannot be read is its error alone."""
    targets = [f"{name}={folder}" for name, folder in folders]
    found: dict[tuple[str, str], dict[Key, Document]] = {}
    for line in _run(version, "read_with_datumaro.py", targets):
        items = found.setdefault((line["format"], Path(line["folder"]).name), {})
        key = ("error", "") if "error" in line else (line["name"], line["subset"])
        assert key not in items, key
        items[key] = line
    return found


def write_folders(
    version: str,
    labels: Mapping[str, Sequence[str]],
    items: Iterable[Document],
    folders: Iterable[tuple[str, Iterable[str], Path]],
) -> dict[str, str | None]:
    """Write the same items in several (format, types of annotations, folder); returns the error of each format, or None.

    ``labels`` are attribute names by label.
    """
    targets = [f"{name}={','.join(types)}={folder}" for name, types, folder in folders]
    text = "\n".join(json.dumps(item) for item in items)
    lines = _run(version, "write_with_datumaro.py", [json.dumps(labels), *targets], text)
    return {line["format"]: line["error"] for line in lines}


def _run(version: str, script: str, arguments: Sequence[str], text: str = "") -> list[Document]:
    environment = ROOT / ".venv-readers" / version
    if not (environment / ".made").exists():
        message = f"there is no {environment.relative_to(ROOT)} with datumaro {version}; run: make readers"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    result = subprocess.run(
        [str(environment / "bin" / "python"), str(ROOT / "tests" / "readers" / script), *arguments],
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "", "PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1"},
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
