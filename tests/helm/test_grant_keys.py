"""The keys that an installation on engines of the platform begins with."""

import base64
import json
import subprocess

import pytest
import yaml

from limner_allinone.composition import SERVICE_NAMES
from limner_common.grants import Grant, Keyring, public_key_of
from tests.support.chart import CHART, Rendered, ci, containers_of


@pytest.fixture(scope="module")
def manifest() -> dict[str, str]:
    made = subprocess.run([CHART.parent / "make-grant-keys", "keys"], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    secret = yaml.safe_load(made.stdout)
    assert (secret["kind"], secret["metadata"]["name"]) == ("Secret", "keys")
    data: dict[str, str] = secret["stringData"]
    return data


def test_every_service_signs_with_its_own_key(manifest: dict[str, str]) -> None:
    public = {name: base64.b64decode(key) for name, key in json.loads(manifest["keys.json"]).items()}
    assert set(public) == set(SERVICE_NAMES)
    assert len(set(public.values())) == len(SERVICE_NAMES)
    for name in SERVICE_NAMES:
        private = base64.b64decode(manifest[f"{name}.private"])
        assert public_key_of(private) == public[name]
        signed = Keyring(name, private, public).sign(Grant(issuer=name, action="test"))
        other = next(service for service in SERVICE_NAMES if service != name)
        reader = Keyring(other, base64.b64decode(manifest[f"{other}.private"]), public)
        assert reader.verify(signed).issuer == name


def test_the_chart_reads_what_the_script_writes(manifest: dict[str, str]) -> None:
    rendered: Rendered = ci("external")
    for deployment in rendered.of("Deployment").values():
        for container in containers_of(deployment["spec"]["template"]):
            for entry in container["env"]:
                if entry["name"] in ("LIMNER_KEYS", "LIMNER_PRIVATE_KEY"):
                    assert entry["valueFrom"]["secretKeyRef"]["key"] in manifest
