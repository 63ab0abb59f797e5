"""A certificate authority of one folder, and the server certificate for 127.0.0.1 that it signed."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = datetime.timedelta(days=3650)


class Certificates:
    """What an engine needs to be reached over TLS, and what its clients need to trust it.

    Args:
        folder: Where the files are; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def authority(self) -> Path:
        """The certificate that clients trust, PEM."""
        return self._folder / "authority.pem"

    @property
    def certificate(self) -> Path:
        """The server's certificate, PEM."""
        return self._folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """The server's private key, PKCS 8 as PEM, for its owner alone."""
        return self._folder / "key.pem"

    @property
    def both(self) -> Path:
        """Private key and certificate in one file."""
        return self._folder / "both.pem"

    def make(self) -> None:
        """Write all files unless they are there."""
        if self.both.exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        root_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root_name = _name("Limner's test authority")
        root = (
            _builder(root_name, root_name, root_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        server = (
            _builder(_name("localhost"), root_name, server_key.public_key())
            .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        key = server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = server.public_bytes(serialization.Encoding.PEM)
        _write(self.authority, root.public_bytes(serialization.Encoding.PEM), 0o644)
        _write(self.certificate, chain, 0o644)
        _write(self.key, key, 0o600)
        _write(self.both, key + chain, 0o600)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _VALID)
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    path.touch(mode)
    path.write_bytes(content)
