"""What a service loads and knows when it starts, found in a process of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

from tests.architecture.sources import modules_of, package_of

_SCRIPT = """
import json, sys
from importlib import import_module
metadata = import_module(f"limner_{sys.argv[1]}.service").definition.metadata
loaded, known = sorted(sys.modules), set(metadata.tables)
for module in sys.argv[2:]:
    import_module(module)
print(json.dumps({"loaded": loaded, "forgotten_tables": sorted(set(metadata.tables) - known)}))
"""


@dataclass(frozen=True, slots=True)
class Start:
    """What was found.

    Attributes:
        loaded: Modules in memory once the service's definition is imported.
        forgotten_tables: Tables written down in the service that its definition does not import.
    """

    loaded: list[str]
    forgotten_tables: list[str]


@cache
def start_of(service: str) -> Start:
    """Import a service as the composition root does."""
    source = package_of(service).parent
    tables = [
        ".".join(path.relative_to(source).with_suffix("").parts)
        for path, _ in modules_of(service)
        if path.name.endswith("tables.py")
    ]
    command = [sys.executable, "-c", _SCRIPT, service, *tables]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return Start(**json.loads(result.stdout))
