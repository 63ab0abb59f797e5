"""The examples of events: what they say as JSON, and the bytes by which they once travelled."""

from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "proto/examples"
TOPICS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "proto/topics.yaml").read_text())["topics"]


def message_of(topic: str) -> type[Any]:
    """Return the generated class of a topic's message, found by its full name."""
    package, _, name = TOPICS[topic]["message"].rpartition(".")
    folder = import_module("limner_contracts" + package.removeprefix("limner")).__path__[0]
    for path in Path(folder).glob("*_pb2.py"):
        module = import_module(f"limner_contracts{package.removeprefix('limner')}.{path.stem}")
        if name in module.DESCRIPTOR.message_types_by_name:
            found: type[Any] = getattr(module, name)
            return found
    raise LookupError(TOPICS[topic]["message"])


def facts_of(topic: str) -> list[str]:
    """Return the names of the facts that a topic's message can carry."""
    return [field.name for field in message_of(topic).DESCRIPTOR.oneofs_by_name["fact"].fields]


def event_from_text(topic: str, text: str) -> Any:
    """Return the event that an example's JSON describes; names as in the proto file."""
    return json_format.Parse(text, message_of(topic)())


def encoded(event: Any) -> bytes:
    """Return an event's bytes, maps in the order of their keys."""
    data: bytes = event.SerializeToString(deterministic=True)
    return data


def main() -> None:
    """Write the bytes of examples that have none yet; the bytes of an older one are never written again."""
    for path in sorted(EXAMPLES.glob("*/*.json")):
        target = path.with_suffix(".binpb")
        if not target.exists():
            target.write_bytes(encoded(event_from_text(path.parent.name, path.read_text())))


if __name__ == "__main__":
    main()
