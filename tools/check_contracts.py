"""Check with buf that the messages of events are well formed and break nothing that was promised. Run by `make buf`.

``proto/baseline.binpb`` holds the messages as of the last release; `make buf-baseline` writes it. Every version of it that
git knows is compared with, so a new baseline cannot take back an older promise.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = Path("proto/baseline.binpb")


def main(buf: str) -> int:
    """Run ``buf lint``, and ``buf breaking`` against each baseline; returns the first exit status that is not 0."""
    code = subprocess.run([buf, "lint", "proto"], cwd=ROOT).returncode
    with tempfile.TemporaryDirectory() as folder:
        for name, baseline in _baselines(Path(folder)):
            print(f"comparing with {name}")
            code = code or subprocess.run([buf, "breaking", "proto", "--against", str(baseline)], cwd=ROOT).returncode
    return code


def _baselines(folder: Path) -> list[tuple[str, Path]]:
    known = [(str(BASELINE), ROOT / BASELINE)]
    for commit in _git("log", "--format=%h", "--", str(BASELINE)).decode().split():
        content = _git("show", f"{commit}:{BASELINE}")
        if content:  # not where it was removed
            path = folder / f"{commit}.binpb"
            path.write_bytes(content)
            known.append((f"{BASELINE} of {commit}", path))
    return known


def _git(*words: str) -> bytes:
    """Return what git prints; nothing where there is no history, as in an archive of the sources."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
