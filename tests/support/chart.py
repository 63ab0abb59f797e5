"""The chart rendered by helm: documents to assert on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "limner"
CI_FILES = sorted((CHART / "ci").glob("*-values.yaml"))
#: The oldest and the newest version of Kubernetes that the chart is checked against.
KUBERNETES = ("1.30", "1.37")
NAMESPACE = "vision"

Document = dict[str, Any]
_loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def helm_command() -> str:
    """Return the helm to use: of ``make get-helm``, else one that is installed."""
    built = sorted((ROOT / ".tools").glob("helm-*/helm"))
    found = str(built[-1]) if built else shutil.which("helm")
    assert found, "helm is missing. Fetch it with: make get-helm, or install helm 3.14 or newer."
    return found


def helm(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run helm to its end; nothing of the user's own configuration is read."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "HELM_CONFIG_HOME": "/nonexistent"}
    return subprocess.run([helm_command(), *arguments], capture_output=True, text=True, env=environment, timeout=120)


@dataclass(frozen=True)
class Rendered:
    """What ``helm install`` would send."""

    documents: tuple[Document, ...]

    def of(self, kind: str) -> dict[str, Document]:
        """Return the objects of a kind by name."""
        return {document["metadata"]["name"]: document for document in self.documents if document["kind"] == kind}

    def one(self, kind: str, name: str) -> Document:
        """Return one object."""
        return self.of(kind)[name]

    def pods(self) -> Iterator[tuple[str, Document]]:
        """Every pod there would be: a title such as ``Deployment/limner-api``, and its template (``metadata``, ``spec``)."""
        for document in self.documents:
            title = f"{document['kind']}/{document['metadata']['name']}"
            if document["kind"] == "Pod":
                yield title, document
            elif document["kind"] in ("Deployment", "StatefulSet", "Job"):
                yield title, document["spec"]["template"]

    def own_pods(self) -> Iterator[tuple[str, Document]]:
        """The pods that run the product; engines are StatefulSets."""
        return ((title, pod) for title, pod in self.pods() if not title.startswith("StatefulSet/"))


def containers_of(pod: Document) -> list[Document]:
    """Return all containers of a pod, those that run first before the others."""
    spec = pod["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def template(*arguments: str | Path, release: str = "limner", kubernetes: str = KUBERNETES[-1]) -> Any:
    """Run ``helm template`` on the chart and return the process."""
    common = ("--namespace", NAMESPACE, "--kube-version", kubernetes)
    return helm("template", release, CHART, *common, *arguments)


@cache
def render(*arguments: str | Path, release: str = "limner") -> Rendered:
    """Return what the chart renders with values; once per set of values and run.

    Args:
        arguments: Options of helm; a path is a file of values.
        release: Name of the release.
    """
    options = [part for argument in arguments for part in (("-f", argument) if isinstance(argument, Path) else (argument,))]
    done = template(*options, release=release)
    assert done.returncode == 0, done.stderr
    documents = (document for document in yaml.load_all(done.stdout, Loader=_loader) if document)
    return Rendered(tuple(documents))


def ci(name: str, *arguments: str) -> Rendered:
    """Return what the chart renders with ``ci/<name>-values.yaml``."""
    return render(CHART / "ci" / f"{name}-values.yaml", *arguments)


def profile(name: str) -> Rendered:
    """Return what the chart renders with a profile, and the addresses that only its user knows."""
    addresses = ("--set", "kafka.servers=broker:9094,objects.url=https://s3.example.org")
    trial, production = CHART / "profiles" / "trial.yaml", CHART / "profiles" / "production.yaml"
    match name:
        case "trial":
            return render(trial)
        case "production":
            return render(production, *addresses)
        case "air-gapped":
            return render(production, CHART / "profiles" / "air-gapped.yaml", *addresses)
        case "air-gapped-trial":
            return render(trial, CHART / "profiles" / "air-gapped.yaml")
    raise AssertionError(f"no profile {name}")
