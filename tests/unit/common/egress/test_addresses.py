"""Which addresses are public, and which texts are addresses at all."""

from ipaddress import ip_address

import pytest

from limner_common.egress import AllowList, EgressRefused
from limner_common.egress.addresses import check_name, is_permitted, is_public, literal_address

NOBODY = AllowList()


@pytest.mark.parametrize(
    "text",
    ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "11.0.0.1", "100.63.255.255", "100.128.0.1", "169.253.1.1",
     "2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808"],
)  # fmt: skip
def test_public_addresses(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1", "2001:db8::1",
        "3fff::1", "100::1", "5f00::1",
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8",
        "2002:7f00:1::", "2002:808:808::", "2001:0:4136:e378::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b::e000:1", "64:ff9b:1::808:808",
    ],
)  # fmt: skip
def test_all_other_addresses_are_not(text: str) -> None:
    address = ip_address(text)

    assert not is_public(address)
    assert not is_permitted(address, "example.org", NOBODY)


@pytest.mark.parametrize("text", ["fe80::1%eth0", "::1%1", "fc00::1%2"])
def test_a_zone_changes_nothing(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0x7f.1", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01",
     "1.2.3.4.5", "256.1.1.1", "example.127", "example.0x7f", "0x", "127.0.0.0x1", "::1%eth0", "fe80::1%25eth0", ":", "::g",
     "1:2"],
)  # fmt: skip
def test_unusual_forms_of_addresses_are_refused(host: str) -> None:
    with pytest.raises(EgressRefused):
        literal_address(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "8.8.8.8", "::1", "::ffff:127.0.0.1", "2606:4700::1"])
def test_usual_forms_of_addresses_are_read(host: str) -> None:
    assert literal_address(host) == ip_address(host)


@pytest.mark.parametrize("host", ["example.org", "1and1.com", "0x7f.example", "a", "xn--e1afmkfd", "3com", "1.2.3.4a"])
def test_names_are_not_addresses(host: str) -> None:
    assert literal_address(host) is None
    check_name(host, NOBODY)


@pytest.mark.parametrize(
    "host",
    ["", ".", "a..b", "-a", "a.-b", "a b", "exa%20mple", "%31%32%37.0.0.1", "a/b", "a@b", "x" * 64, "a." * 127 + "a",
     "metadata", "metadata.google.internal", "metadata.goog", "instance-data"],
)  # fmt: skip
def test_what_is_no_name_and_metadata_services_are_refused(host: str) -> None:
    with pytest.raises(EgressRefused):
        check_name(host, NOBODY)


@pytest.mark.parametrize(
    ("entries", "host", "address", "permitted"),
    [
        (["10.1.0.0/16"], "any", "10.1.2.3", True),
        (["10.1.0.0/16"], "any", "10.2.2.3", False),
        (["10.1.2.3"], "any", "10.1.2.3", True),
        (["127.0.0.0/8"], "any", "::ffff:127.0.0.1", False),
        (["::ffff:0:0/96"], "any", "::ffff:127.0.0.1", True),
        (["fd00::/8"], "any", "fd00::1", True),
        (["minio.internal"], "minio.internal", "10.1.2.3", True),
        (["MinIO.internal "], "minio.internal", "fc00::1", True),
        (["minio.internal"], "other.internal", "10.1.2.3", False),
        (["minio.internal"], "x.minio.internal", "10.1.2.3", False),
        (["*.svc"], "minio.svc", "127.0.0.1", True),
        (["*.svc"], "svc", "127.0.0.1", False),
        (["*.svc"], "minio-svc", "127.0.0.1", False),
        (["minio.internal"], "minio.internal", "169.254.169.254", False),
        (["minio.internal"], "minio.internal", "100.100.100.200", False),
        (["minio.internal"], "minio.internal", "fd00:ec2::254", False),
        (["minio.internal"], "minio.internal", "224.0.0.1", False),
        (["minio.internal"], "minio.internal", "::ffff:10.0.0.1", False),
        (["169.254.169.254/32"], "any", "169.254.169.254", True),
    ],
)
def test_the_allow_list(entries: list[str], host: str, address: str, permitted: bool) -> None:
    assert is_permitted(ip_address(address), host, AllowList.parse(entries)) is permitted


@pytest.mark.parametrize("entry", ["", "10.0.0.1/8", "a b", "http://a", "*.*.a", "*", "10.0.0.0/33", "a*"])
def test_a_setting_that_means_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        AllowList.parse([entry])
