"""Generate limner_contracts from proto/. Run by `make proto`; CI fails when the output differs from what is committed."""

import shutil
import sys
import tempfile
from pathlib import Path

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
    return 0


if __name__ == "__main__":
    sys.exit(main())
