import time

import pytest

from limner_common import grants
from limner_common.errors import ErrorKind, Unauthenticated
from limner_common.grants import Grant, Keyring, new_private_key, public_key_of
from tests.support.installation import make_keyrings

GRANT = Grant(issuer="", action="task:view", user_id=3, username="ann", facts={"task_id": 7}, base_url="http://h:1")


def test_a_grant_signed_by_one_service_is_read_by_another() -> None:
    rings = make_keyrings(("api", "media"))
    read = rings["media"].verify(rings["api"].sign(GRANT))
    assert (read.issuer, read.action, read.user_id, read.facts) == ("api", "task:view", 3, {"task_id": 7})


@pytest.mark.parametrize("seconds", [-305, -60, 60, 305])
def test_clocks_may_differ_by_five_minutes(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    ring = make_keyrings(("api",))["api"]
    signed = ring.sign(GRANT)
    now = time.time()
    monkeypatch.setattr(grants.time, "time", lambda: now + seconds)
    assert ring.verify(signed).user_id == 3


@pytest.mark.parametrize(
    ("seconds", "what"), [(-400, "was issued 400 s in the future"), (500, "expired 440 s ago")], ids=["behind", "ahead"]
)
def test_clocks_that_differ_more_are_named_and_sign_nobody_out(
    monkeypatch: pytest.MonkeyPatch, seconds: int, what: str
) -> None:
    ring = make_keyrings(("api",))["api"]
    now = int(time.time())
    monkeypatch.setattr(grants.time, "time", lambda: now)
    signed = ring.sign(GRANT)
    monkeypatch.setattr(grants.time, "time", lambda: now + seconds)
    with pytest.raises(grants.ClocksDiffer, match=f"'api' {what}: the clocks") as error:
        ring.verify(signed)
    assert error.value.kind is ErrorKind.UNAVAILABLE


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
