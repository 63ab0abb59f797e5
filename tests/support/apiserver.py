"""A real Kubernetes API server on loopback with its store: no controllers, no nodes, so nothing ever runs."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.chart import ROOT
from tools.engines.engine import free_ports

_START_TIMEOUT_SECONDS = 300
_TOKEN = "test-only-token"


@dataclass(frozen=True)
class Cluster:
    """A server that runs, and clients of it.

    Attributes:
        kubeconfig: File that leads clients to it, as somebody who may do everything.
    """

    kubeconfig: Path

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run kubectl to its end."""
        command = shutil.which("kubectl")
        assert command, "kubectl is missing: install it to check the chart against an API server."
        return self.run(command, *arguments, stdin=stdin)

    def run(self, *command: str | Path, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a client with this cluster as its only one."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.kubeconfig.parent), "KUBECONFIG": str(self.kubeconfig)}
        return subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment, timeout=180)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start a server with its data in ``folder``; both processes end with the block."""
    store_port, peer_port, port = free_ports(3)
    with contextlib.ExitStack() as stack:
        store = f"http://127.0.0.1:{store_port}"
        peer = f"http://127.0.0.1:{peer_port}"
        stack.enter_context(
            _running(
                folder / "etcd.log",
                "etcd",
                *("--data-dir", folder / "etcd", "--unsafe-no-fsync"),
                *("--listen-client-urls", store, "--advertise-client-urls", store),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
            )
        )
        private, public = _account_keys(folder)
        tokens = folder / "tokens.csv"
        tokens.write_text(f"{_TOKEN},admin,1,system:masters\n")
        stack.enter_context(
            _running(
                folder / "apiserver.log",
                "kube-apiserver",
                *("--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", str(port)),
                *("--cert-dir", folder / "certificates", "--token-auth-file", tokens, "--authorization-mode", "RBAC"),
                *("--service-account-key-file", public, "--service-account-signing-key-file", private),
                *(
                    "--service-account-issuer",
                    "https://kubernetes.default.svc",
                    "--service-cluster-ip-range",
                    "10.96.0.0/16",
                ),
                # Nobody makes the accounts' tokens and default accounts here; pods would wait for them.
                *("--disable-admission-plugins", "ServiceAccount"),
            )
        )
        made = Cluster(_kubeconfig(folder, port))
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while made.kubectl("get", "--raw", "/readyz").returncode != 0:
            assert time.monotonic() < deadline, (folder / "apiserver.log").read_text()[-3000:]
            time.sleep(0.5)
        yield made


@contextlib.contextmanager
def _running(log: Path, name: str, *arguments: str | Path) -> Iterator[None]:
    program = ROOT / ".tools" / "bin" / name
    assert program.exists(), f"{name} is missing. Build it with: make .tools/bin/{name} (needs Go, takes minutes)."
    with log.open("wb") as output:
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _account_keys(folder: Path) -> tuple[Path, Path]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = folder / "accounts.key", folder / "accounts.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def _kubeconfig(folder: Path, port: int) -> Path:
    server = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": server}],
                "users": [{"name": "test", "user": {"token": _TOKEN}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                "current-context": "test",
            }
        )
    )
    path.chmod(0o600)
    return path
