"""The Dockerfile: a linter's opinion, and what the images promise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.images import DOCKER, IMAGES, ROOT

DOCKERFILE = DOCKER / "Dockerfile"
HADOLINT = Path(sys.executable).with_name("hadolint")
#: Programs that build or fetch; the images have none, so their stages call none.
BUILDERS = ("apt-get", "npm", "pip install", "uv ", "gcc", "make", "curl", "wget", "git")


def instructions() -> list[str]:
    """The file's instructions, continued lines joined, comments left out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def stages() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in instructions():
        if line.startswith("FROM "):
            current = found.setdefault(line.split(" AS ")[1], [])
        elif found:
            current.append(line)
    return found


def test_the_linter_has_no_objection() -> None:
    done = subprocess.run([HADOLINT, "--no-color", DOCKERFILE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_does_object_to_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp && sudo pip install x\n")
    done = subprocess.run([HADOLINT, "--no-color", tmp_path / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 1
    assert {"DL3006", "DL3004"} <= {word for line in done.stdout.splitlines() for word in line.split()}


@pytest.mark.parametrize("stage", ["service", "api"])
def test_images_run_as_a_numbered_user_that_owns_nothing(stage: str) -> None:
    lines = stages()[stage]
    assert lines[-1] == "USER 65532:65532", "orchestrators check that the user is not root by its number"
    assert not [line for line in lines if "--chown" in line]


@pytest.mark.parametrize("stage", ["runtime", "service", "api"])
def test_images_hold_nothing_that_builds(stage: str) -> None:
    runs = [line for line in stages()[stage] if line.startswith("RUN ")]
    assert not [(line, word) for line in runs for word in BUILDERS if f"{word}" in line]
    if stage == "runtime":
        assert any("rm -rf" in line and "/pip*" in line and "site-packages/*" in line for line in runs)


def test_images_take_only_results_from_the_stages_that_build() -> None:
    copies = {stage: [line for line in lines if line.startswith("COPY ")] for stage, lines in stages().items()}
    taken = "COPY --from=build /opt/limner /opt/limner"
    assert copies["service"] == [taken]
    assert copies["api"] == [taken, "COPY --from=web /web/dist /opt/web"]
    assert "ENV LIMNER_API_WEB_FOLDER=/opt/web" in stages()["api"]


def test_everything_copied_is_sent_to_the_builder_and_exists() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    for stage in ("web", "build"):
        for line in stages()[stage]:
            if not line.startswith("COPY "):
                continue
            for source in line.split()[1:-1]:
                path = source.rstrip("/")
                assert (ROOT / path).exists(), path
                assert any(
                    Path(path).match(pattern) or pattern.startswith(path) or path.startswith(pattern) for pattern in allowed
                )


def test_the_bake_file_makes_every_image() -> None:
    bake = json.loads((DOCKER / "docker-bake.json").read_text())
    assert set(bake["group"]["default"]["targets"]) == set(bake["target"]) - {"_common"} == set(IMAGES)
    for name in IMAGES:
        target = bake["target"][name]
        assert target["args"]["SERVICE"] == name
        assert target["target"] == ("api" if name == "api" else "service")
        assert target["tags"] == [f"${{REGISTRY}}/{name}:${{VERSION}}"]


def test_the_default_version_of_images_is_the_products() -> None:
    bake = json.loads((DOCKER / "docker-bake.json").read_text())
    project = (ROOT / "allinone" / "pyproject.toml").read_text()
    assert f'version = "{bake["variable"]["VERSION"]["default"]}"' in project
