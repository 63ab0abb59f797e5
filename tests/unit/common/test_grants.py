import pytest

from limner_common import grants
from limner_common.errors import Unauthenticated
from limner_common.grants import Grant, Keyring, new_private_key, public_key_of
from tests.support.installation import make_keyrings

GRANT = Grant(issuer="", action="task:view", user_id=3, username="ann", facts={"task_id": 7}, base_url="http://h:1")


def test_a_grant_signed_by_one_service_is_read_by_another() -> None:
    rings = make_keyrings(("api", "media"))
    read = rings["media"].verify(rings["api"].sign(GRANT))
    assert (read.issuer, read.action, read.user_id, read.facts) == ("api", "task:view", 3, {"task_id": 7})


def test_an_expired_grant_is_refused_after_the_leeway_for_clocks() -> None:
    ring = make_keyrings(("api",))["api"]
    ring.verify(ring.sign(GRANT, ttl_seconds=-grants.LEEWAY_SECONDS + 5))
    with pytest.raises(Unauthenticated, match="expired"):
        ring.verify(ring.sign(GRANT, ttl_seconds=-grants.LEEWAY_SECONDS - 5))


def test_a_grant_of_an_unknown_signer_is_refused() -> None:
    stranger_key = new_private_key()
    stranger = Keyring("api", stranger_key, {"api": public_key_of(stranger_key)})
    with pytest.raises(Unauthenticated):
        make_keyrings(("api",))["api"].verify(stranger.sign(GRANT))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda value: value[:-4] + "AAAA",
        lambda value: "e30." + value.split(".")[1],
        lambda value: value.split(".")[0],
        lambda value: "",
        lambda value: "é.é",
        lambda value: "." + value,
    ],
    ids=["signature", "body", "no-signature", "empty", "not-ascii", "no-body"],
)
def test_a_changed_grant_is_refused(tamper) -> None:  # type: ignore[no-untyped-def]
    ring = make_keyrings(("api",))["api"]
    with pytest.raises(Unauthenticated):
        ring.verify(tamper(ring.sign(GRANT)))


def test_the_issuer_cannot_be_chosen_by_the_caller() -> None:
    rings = make_keyrings(("api", "media"))
    signed = rings["media"].sign(Grant(issuer="api", action="x"))
    assert rings["api"].verify(signed).issuer == "media"
