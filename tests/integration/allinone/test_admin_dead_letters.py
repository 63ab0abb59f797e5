"""``limner admin dead-letters``: messages that a consumer could not handle, by command line."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from limner_common.bus import LocalBus
from limner_common.db.uow import OutgoingMessage
from limner_common.ids import new_uuid
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent, TaskUpdated
from tests.integration.allinone.conftest import Done, Limner
from tests.support.installation import DatabaseServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TOPIC = "limner.catalog.task.v1"
_EVENT = TaskEvent(task_id=7, updated=TaskUpdated(changed_fields=["name"]))


class Situation:
    """A database with dead letters of two groups, and ``limner admin dead-letters`` on it."""

    def __init__(self, url: str, limner: Limner) -> None:
        self.bus = LocalBus(url, poll_seconds=0.2)
        self._limner = limner
        self._url = url

    async def command(self, *arguments: object) -> Done:
        return await self._limner("admin", "dead-letters", *arguments, LIMNER_DATABASE_URL=self._url)

    async def listed(self, *arguments: object) -> list[dict[str, object]]:
        done = await self.command("list", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, object]] = json.loads(done.stdout)
        return rows

    async def bury(self, group: str, *payloads: bytes) -> None:
        """Make one dead letter of a group for each payload."""
        await self.bus.publish([OutgoingMessage(new_uuid(), _TOPIC, "7", payload, {}) for payload in payloads])
        subscription = await self.bus.subscribe(group, [_TOPIC])
        left = set(payloads)
        async with asyncio.timeout(60):
            async for delivery in subscription.deliveries():
                if delivery.payload in left:
                    left.discard(delivery.payload)
                    await subscription.dead_letter(delivery, "not understood")
                if not left:
                    break
        await subscription.close()


@pytest_asyncio.fixture(loop_scope="session")
async def situation(postgres: DatabaseServer, limner: Limner) -> AsyncIterator[Situation]:
    situation = Situation(await postgres.clone(), limner)
    await situation.bus.prepare()
    await situation.bury("analytics.events", _EVENT.SerializeToString(), b"\xff\xff")
    await situation.bury("media.tasks", b"\xff\xff\xff")
    yield situation
    await situation.bus.close()


async def test_dead_letters_are_listed_by_group_with_their_reason(situation: Situation) -> None:
    rows = await situation.listed()
    assert [(row["group"], row["topic"], row["key"], row["reason"]) for row in rows] == [
        ("analytics.events", _TOPIC, "7", "not understood"),
        ("analytics.events", _TOPIC, "7", "not understood"),
        ("media.tasks", _TOPIC, "7", "not understood"),
    ]
    assert len(await situation.listed("--group", "analytics.events", "--limit", 1)) == 1
    assert "There are no dead letters." in (await situation.command("list", "--group", "nobody")).stdout


async def test_a_readable_event_is_shown_as_json_and_another_as_bytes(situation: Situation) -> None:
    readable, broken = await situation.listed("--group", "analytics.events")
    shown = json.loads((await situation.command("show", "analytics.events", readable["event_id"], "--json")).stdout)
    assert shown["event"] == {"task_id": "7", "updated": {"changed_fields": ["name"]}}
    shown = json.loads((await situation.command("show", "analytics.events", broken["event_id"], "--json")).stdout)
    assert shown["payload_base64"] == "//8="


async def test_an_unknown_dead_letter_is_a_message(situation: Situation) -> None:
    event_id = new_uuid()
    for command in (("show",), ("replay",), ("drop", "--yes")):
        done = await situation.command(*command, "media.tasks", event_id)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"limner: The group 'media.tasks' has no dead letter {event_id}.\n"


async def test_a_replayed_message_goes_to_its_group_again(situation: Situation) -> None:
    (row,) = await situation.listed("--group", "media.tasks")
    done = await situation.command("replay", "media.tasks", row["event_id"])
    assert done.stdout == "1 messages go to 'media.tasks' again.\n"
    assert await situation.listed("--group", "media.tasks") == []
    subscription = await situation.bus.subscribe("media.tasks", [_TOPIC])
    async with asyncio.timeout(60):
        delivery = await anext(subscription.deliveries())
    await subscription.close()
    assert str(delivery.event_id) == row["event_id"]


async def test_all_of_a_group_are_dropped_after_a_question(situation: Situation) -> None:
    refused = await situation.command("drop", "analytics.events", "--all")
    assert "say --yes" in refused.stderr
    done = await situation.command("drop", "analytics.events", "--all", "--yes")
    assert done.stdout == "2 messages are dropped.\n"
    assert [row["group"] for row in await situation.listed()] == ["media.tasks"]


async def test_messages_have_to_be_named(situation: Situation) -> None:
    done = await situation.command("replay", "media.tasks")
    assert done.stderr == "limner: Name messages by their event ids, or say --all.\n"
