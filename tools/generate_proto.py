"""Generate limner_contracts from proto/. Run by `make proto`; CI fails when the output differs from what is committed."""

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto"
PACKAGE = ROOT / "libs/contracts/src/limner_contracts"


def main() -> int:
    """Write one module per proto file; imports are rewritten from ``limner.`` to ``limner_contracts.``."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        files = sorted(str(path.relative_to(SOURCE)) for path in SOURCE.glob("limner/**/*.proto"))
        include = Path(protoc.__file__).parent / "_proto"
        code = protoc.main(["protoc", f"-I{SOURCE}", f"-I{include}", f"--python_out={out}", f"--pyi_out={out}", *files])
        if code != 0:
            return int(code)
        for child in PACKAGE.iterdir():
            if child.is_dir():
                shutil.rmtree(child)
        for path in sorted((out / "limner").rglob("*.py*")):
            target = PACKAGE / path.relative_to(out / "limner")
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text().replace("from limner.", "from limner_contracts.")
            target.write_text(text)
        for directory in sorted(path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__"):
            (directory / "__init__.py").write_text("")
    (PACKAGE / "topics.py").write_text(_topics_module())
    return 0


def _topics_module() -> str:
    """Return a module that says what ``topics.yaml`` says, for programs that have no source tree."""
    topics: dict[str, dict[str, Any]] = yaml.safe_load((SOURCE / "topics.yaml").read_text())["topics"]
    modules = {topic: _module_of(entry["message"]) for topic, entry in topics.items()}
    imports = sorted(
        {f"from {modules[topic]} import {entry['message'].rpartition('.')[2]}" for topic, entry in topics.items()}
    )
    return _TOPICS_MODULE.format(imports="\n".join(imports), entries="".join(map(_entry, topics, topics.values())))


def _entry(topic: str, entry: dict[str, Any]) -> str:
    consumers = ", ".join(f'"{consumer}"' for consumer in entry["consumers"])
    fields = {
        "message": entry["message"].rpartition(".")[2],
        "key": f'"{entry["key"]}"',
        "producer": f'"{entry["producer"]}"',
        "consumers": f"({consumers},)",
        "partitions": entry["partitions"],
        "retention_hours": entry["retention_hours"],
    }
    lines = "".join(f"        {name}={value},\n" for name, value in fields.items())
    return f'    "{topic}": Topic(\n{lines}    ),\n'


def _module_of(message: str) -> str:
    package, _, name = message.rpartition(".")
    declared = re.compile(rf"^message {name} ", re.MULTILINE)
    (path,) = [p for p in (SOURCE / package.replace(".", "/")).glob("*.proto") if declared.search(p.read_text())]
    return f"limner_contracts{package.removeprefix('limner')}.{path.stem}_pb2"


_TOPICS_MODULE = '''"""Every topic, as proto/topics.yaml has it. Generated: do not edit."""

from dataclasses import dataclass
from typing import Any

{imports}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its message, its key, who produces and consumes it, and how it is kept."""

    message: Any
    key: str
    producer: str
    consumers: tuple[str, ...]
    partitions: int
    retention_hours: int


TOPICS: dict[str, Topic] = {{
{entries}}}
'''


if __name__ == "__main__":
    sys.exit(main())
