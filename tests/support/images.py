"""What the images hold, without a builder of images: made by the same scripts, run under the same contract."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deploy" / "docker"
#: One image each; ``tools`` has all services.
IMAGES = ("api", "media", "annotations", "inference", "exports", "analytics", "tools")
#: What the images run as.
UID = 65532

# A mount namespace of its own, everything in it read-only but one small tmpfs, then a user without any capability. A Python
# in somebody's private folder is shown without the rest of that folder: an image has its Python where everybody can read it.
_CONTAINED = """
set -e
writable=$1 private=$2 python=$3
shift 3
mount --bind / /
if [ -n "$private" ]; then
    mount --bind "$python" "$writable"
    mount -t tmpfs -o mode=755,size=1m tmpfs "$private"
    mkdir -p "$python"
    mount --bind "$writable" "$python"
    umount "$writable"
    mount -o remount,ro,bind "$python"
    mount -o remount,ro "$private"
fi
mount -o remount,ro,bind /
mount -t tmpfs -o mode=1777,size=256m tmpfs "$writable"
cd "$writable"
exec setpriv --reuid {uid} --regid {uid} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
"""


def install_image(service: str, folder: Path) -> Path:
    """Install what the image of ``service`` holds into ``folder`` and return its environment."""
    target = folder / service
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for script in ("install-requirements", "install-packages"):
        done = subprocess.run(
            [DOCKER / script, service, target, sys.executable],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{script} {service}:\n{done.stdout}{done.stderr}"
    return target


def contained(environment: Path, writable: Path, *arguments: str) -> list[str]:
    """Return the command that runs ``limner`` of an environment as its image is run; only root may use it."""
    return confined(writable, str(environment / "bin" / "limner"), *arguments)


def confined(writable: Path, *command: str) -> list[str]:
    """Return a command wrapped in the contract of containers: no root, nothing writable but ``writable``."""
    writable.mkdir(exist_ok=True)
    python = Path(sys.base_prefix)
    private = [folder for folder in reversed(python.parents) if not folder.stat().st_mode & 0o001]
    places = (str(writable), str(private[0]) if private else "", str(python))
    script = _CONTAINED.format(uid=UID)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *places, *command]


def container_variables(writable: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a container: nothing of the outer one passes."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(writable),
        "TMPDIR": str(writable),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **given,
    }
