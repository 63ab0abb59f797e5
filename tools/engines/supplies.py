"""Binaries of the engines: found on the machine, or fetched once through Maven and Go into one folder."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.engines.problems import EngineProblem

_KAFKA_POM = Path(__file__).with_name("kafka-pom.xml")
#: MinIO publishes no versions that Go knows; this is the commit of February 2026.
_MINIO = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
_MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_FETCH_TIMEOUT_SECONDS = 3600
#: What to install on Debian for a program.
_PACKAGES = {
    "java": "openjdk-17-jre-headless",
    "mvn": "maven",
    "go": "golang-go (1.21 or newer)",
    "redis-server": "redis-server",
}


class Supplies:
    """One folder of fetched binaries, shared by all stacks of engines that use it.

    Args:
        folder: Where they are kept; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def program(self, name: str) -> Path:
        """Return a program of the machine.

        Raises:
            EngineProblem: It is not installed; the message names the package.
        """
        found = shutil.which(name)
        if found is None:
            raise EngineProblem(f"'{name}' is not installed. On Debian: apt-get install {_PACKAGES[name]}")
        return Path(found)

    def postgres(self) -> Path:
        """Return the folder of PostgreSQL's programs: the newest of Debian's, else those of the embedded wheel."""
        debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
        if debian:
            return max(debian, key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0)
        from limner_allinone.postgres import find_binaries

        return find_binaries()

    def kafka(self) -> Path:
        """Return the folder of Kafka's jars, fetched by Maven when they are not there."""
        version = re.findall(r"<kafka\.version>(.+)</kafka\.version>", _KAFKA_POM.read_text())[0]
        target = self._folder / f"kafka-{version}"
        with self._fetching(target) as made:
            if made is not None:
                self._run(
                    "Kafka's jars",
                    [
                        str(self.program("mvn")),
                        "-B",
                        "-q",
                        "-f",
                        str(_KAFKA_POM),
                        _MAVEN_PLUGIN,
                        f"-DoutputDirectory={made}",
                    ],
                )
        return target

    def minio(self) -> Path:
        """Return MinIO's program, built by Go when it is not there; the first build on a machine takes some minutes."""
        target = self._folder / f"minio-{_MINIO.rsplit('-', 1)[1]}"
        with self._fetching(target) as made:
            if made is not None:
                self._run("MinIO", [str(self.program("go")), "install", _MINIO], GOBIN=str(made), GOFLAGS="-buildvcs=false")
        return target / "minio"

    @contextmanager
    def _fetching(self, target: Path) -> Iterator[Path | None]:
        """Lend a folder that becomes ``target`` when the block ends well; None when it is there already."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two runs of tests fetch once
            if target.exists():
                yield None
                return
            with tempfile.TemporaryDirectory(dir=self._folder) as temporary:
                made = Path(temporary) / "made"
                made.mkdir()
                yield made
                made.rename(target)

    def _run(self, what: str, command: list[str], **environment: str) -> None:
        print(f"fetching {what} once: {' '.join(command[:2])} …", flush=True)
        result = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FETCH_TIMEOUT_SECONDS,
        )
        if result.returncode:
            tail = "\n".join(result.stdout.strip().splitlines()[-10:])
            raise EngineProblem(f"{what} could not be fetched; is a registry reachable?\n{tail}")
