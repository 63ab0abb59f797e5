"""Which addresses requests made for users may go to. Pure.

Sources: the IANA IPv4 and IPv6 special-purpose address registries (RFC 6890 and updates); RFC 6052 for NAT64.
The standard library's ``is_global`` alone is not enough: it differs between patch releases and takes addresses that
carry another one inside for public.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from limner_common.egress.errors import EgressRefused

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network

#: Networks of an installation itself; a host on the allow list may be here.
_INTERNAL: Final = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "fc00::/7", "::1/128"),
    )
)
#: Where clouds answer their machines' questions about credentials, beside the link-local 169.254.169.254.
_METADATA: Final = tuple(
    map(
        ip_network,
        ("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)
_METADATA_HOSTS: Final = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
_NOT_PUBLIC_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "169.254.0.0/16",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
#: Global unicast (RFC 4291); everything else in IPv6 is not public.
_UNICAST_V6: Final = IPv6Network("2000::/3")
#: Teredo and its neighbours, documentation, 6to4 (carries an IPv4 address), documentation.
_NOT_PUBLIC_V6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
#: Networks with DNS64 give public IPv4 hosts such addresses; the last 32 bits are the real one.
_NAT64: Final = IPv6Network("64:ff9b::/96")

#: What ``inet_aton`` and browsers take for an IPv4 address: decimal, octal or hexadecimal parts.
_NUMERIC_LABEL: Final = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*")


@dataclass(frozen=True, slots=True)
class AllowList:
    """What the operator lets requests reach although it is not public.

    Attributes:
        networks: Any address in them may be reached, by whatever name.
        hosts: These names may have internal addresses (private, loopback, shared), though never link-local ones or
            those of a cloud's metadata service; lower case.
        suffixes: So may all names that end on one of these, each beginning with a dot.
    """

    networks: tuple[IPNetwork, ...] = ()
    hosts: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "AllowList":
        """Read a setting: addresses, networks (``10.1.0.0/16``), host names, and ``*.example.org`` for all below.

        Raises:
            ValueError: An entry is none of these; the message says which.
        """
        networks, hosts, suffixes = [], set(), []
        for entry in (entry.strip().lower() for entry in entries):
            if (network := _network(entry)) is not None:
                networks.append(network)
            elif not _HOST.fullmatch(entry.removeprefix("*.")):
                raise ValueError(f"neither an address, a network nor a host name: {entry!r}")
            elif entry.startswith("*."):
                suffixes.append(entry[1:])
            else:
                hosts.add(entry)
        return cls(tuple(networks), frozenset(hosts), tuple(suffixes))

    def has_host(self, host: str) -> bool:
        """Say if the name, in lower case, is listed."""
        return host in self.hosts or host.endswith(self.suffixes)

    def has_address(self, address: IPAddress) -> bool:
        """Say if the address is in a listed network."""
        return any(address in network for network in self.networks)


def _network(entry: str) -> IPNetwork | None:
    try:
        return ip_network(entry)
    except ValueError:
        return None


def literal_address(host: str) -> IPAddress | None:
    """Return the address when ``host`` is written as one, or None for a name.

    Args:
        host: Host of a URL in ASCII and lower case, without brackets.

    Raises:
        EgressRefused: It would be taken for an address by some programs, and is none in the usual form: a single
            number, octal or hexadecimal parts, too few parts, or an address with a zone.
    """
    if ":" in host:
        try:
            address = IPv6Address(host)
        except ValueError:
            raise _malformed(host) from None
        if address.scope_id is not None:
            raise _malformed(host)
        return address
    if not _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(host)
    except ValueError:
        raise _malformed(host) from None


def check_name(host: str, allow: AllowList) -> None:
    """Refuse names that are none, and those of metadata services.

    Raises:
        EgressRefused: It is one.
    """
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise _malformed(host)
    if host in _METADATA_HOSTS and not allow.has_host(host):
        raise refusal(host)


def is_permitted(address: IPAddress, host: str, allow: AllowList) -> bool:
    """Say if a request to ``host``, whose address this is, may be sent.

    Args:
        address: One of the host's addresses, or the address that it is.
        host: Name or address as in the URL, lower case.
        allow: What is permitted beside public addresses.
    """
    if allow.has_address(address) or is_public(address):
        return True
    return allow.has_host(host) and _is_in(address, _INTERNAL) and not _is_in(address, _METADATA)


def is_public(address: IPAddress) -> bool:
    """Say if the address is one anybody on the internet can be reached at, and no disguise of another."""
    if _is_in(address, _INTERNAL) or _is_in(address, _METADATA):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not _is_in(address, _NOT_PUBLIC_V4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _UNICAST_V6 and not _is_in(address, _NOT_PUBLIC_V6)


def refusal(host: str) -> EgressRefused:
    """Return the error for a host that may not be reached; it does not tell what the host's addresses are."""
    return EgressRefused(f"Requests to {host} are not allowed.")


def parse_address(text: str) -> IPAddress:
    """Return the address the system's resolver wrote as ``text``."""
    return ip_address(text)


def _malformed(host: str) -> EgressRefused:
    return EgressRefused(f"'{host[:100]}' is not a proper host name or address.")


def _is_in(address: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    return any(address in network for network in networks)
