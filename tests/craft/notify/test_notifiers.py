"""What a Notifier promises: the same tests over the one in memory and the durable one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from tests.craft.notify.tools import an_outbox, number, run, some
from tests.make import NOW, frozen_clock

from banyan.craft.notify.book import by_name
from banyan.craft.notify.memory import MemoryNotifier
from banyan.craft.notify.model import Accepted, Lane, Message, Notifier, State
from banyan.craft.notify.outbox import Outbox
from banyan.errors import Conflict, Invalid

KINDS = pytest.mark.parametrize("kind", ["memory", "durable"])


@asynccontextmanager
async def a_notifier(kind: str, folder: Path) -> AsyncIterator[Notifier]:
    if kind == "memory":
        yield MemoryNotifier(frozen_clock())
        return
    async with an_outbox(folder) as outbox:
        yield outbox


@KINDS
@run
async def test_a_number_is_told_once_in_a_campaign(kind: str, tmp_path: Path) -> None:
    async with a_notifier(kind, tmp_path) as notifier:
        assert await notifier.accept(some("a/1", [1, 2, 2])) == Accepted(2, 1)
        assert await notifier.accept(some("a/1", [2, 3])) == Accepted(1, 1)
        assert await notifier.accept(some("a/2", [2])) == Accepted(1)
        found = await notifier.progress("a/1")
        assert found is not None
        assert (found.total, found.waiting, found.left) == (3, 3, 3)
        assert await notifier.progress("a/3") is None
        assert [one.campaign for one in await notifier.campaigns()] == ["a/2", "a/1"]


@KINDS
@run
async def test_a_stopped_campaign_takes_no_more(kind: str, tmp_path: Path) -> None:
    async with a_notifier(kind, tmp_path) as notifier:
        await notifier.accept(some("a/1", [1, 2]))
        assert await notifier.stop("a/1") == 2
        assert await notifier.stop("a/1") == 0
        found = await notifier.progress("a/1")
        assert found is not None
        assert (found.stopped, found.waiting, found.is_stopped) == (2, 0, True)
        receipts = await notifier.receipts("a/1")
        assert {(one.to, one.state) for one in receipts} == {(number(1), State.STOPPED), (number(2), State.STOPPED)}
        assert await notifier.receipts("a/1", after=receipts[0].seq) == receipts[1:]
        with pytest.raises(Conflict):
            await notifier.accept(some("a/1", [3]))


@KINDS
@run
async def test_who_opted_out_is_not_reminded_and_still_warned(kind: str, tmp_path: Path) -> None:
    async with a_notifier(kind, tmp_path) as notifier:
        await notifier.quieten(number(1), [Lane.REMINDER, Lane.BULK])
        assert await notifier.accept(some("a/1", [1, 2], lane=Lane.REMINDER)) == Accepted(1, 0, 1)
        assert await notifier.accept(some("a/2", [1], lane=Lane.ALERT)) == Accepted(1)
        await notifier.quieten(number(1), [Lane.REMINDER], is_quiet=False)
        assert await notifier.accept(some("a/3", [1], lane=Lane.REMINDER)) == Accepted(1)
        with pytest.raises(Invalid):
            await notifier.quieten(number(1), [Lane.FENCE])


@KINDS
@run
async def test_a_forgotten_campaign_names_nobody_and_keeps_its_counts(kind: str, tmp_path: Path) -> None:
    async with a_notifier(kind, tmp_path) as notifier:
        await notifier.accept(some("a/1", [1, 2]))
        assert await notifier.forget("a/1")
        assert not await notifier.forget("a/1")
        found = await notifier.progress("a/1")
        assert found is not None
        assert (found.total, found.is_forgotten) == (2, True)
        assert list(await notifier.receipts("a/1")) == []
        with pytest.raises(Conflict):
            await notifier.accept(some("a/1", [1]))


@KINDS
@pytest.mark.parametrize(
    "to", ["0912345678", "+0912345678", "+886 912", "+12345", "+1234567890123456", "+８８６912345678"]
)
@run
async def test_a_number_of_another_form_is_refused_and_not_shown(kind: str, to: str, tmp_path: Path) -> None:
    async with a_notifier(kind, tmp_path) as notifier:
        with pytest.raises(Invalid) as caught:
            await notifier.accept([Message(campaign="a/1", to=to, text="x", lane=Lane.BULK)])
    assert to not in str(caught.value)


@KINDS
@run
async def test_a_campaign_has_one_lane(kind: str, tmp_path: Path) -> None:
    async with a_notifier(kind, tmp_path) as notifier:
        await notifier.accept(some("a/1", [1]))
        with pytest.raises(Conflict):
            await notifier.accept(some("a/1", [2], lane=Lane.FENCE))


@run
async def test_the_durable_one_answers_like_the_oracle_whatever_is_asked(tmp_path: Path) -> None:
    """Random calls, with the durable one opened anew in between."""
    random, oracle = Random(7), MemoryNotifier(frozen_clock())
    for life in range(4):
        async with an_outbox(tmp_path) as outbox:
            for _ in range(30):
                campaign = f"a/{random.randrange(4)}"
                step = random.random()
                if step < 0.8:
                    numbers = [random.randrange(30) for _ in range(random.randrange(1, 9))]
                    lane = Lane(random.choice([2, 3]))
                    answers = [
                        await _answer(one, "accept", some(campaign, numbers, lane=lane)) for one in (oracle, outbox)
                    ]
                elif step < 0.9:
                    to, lanes = number(random.randrange(30)), [Lane.REMINDER, Lane.BULK][: random.randrange(3)]
                    answers = [await _answer(one, "quieten", to, lanes) for one in (oracle, outbox)]
                elif step < 0.95:
                    answers = [await _answer(one, "stop", campaign) for one in (oracle, outbox)]
                else:
                    answers = [await _answer(one, "forget", f"{campaign}x{life}") for one in (oracle, outbox)]
                assert answers[0] == answers[1]
            for at in range(4):
                assert await oracle.progress(f"a/{at}") == await outbox.progress(f"a/{at}")


async def _answer(notifier: Notifier, name: str, *values: object) -> object:
    try:
        return await getattr(notifier, name)(*values)
    except Conflict:
        return "conflict"


@run
async def test_no_number_and_no_text_stand_in_the_store(tmp_path: Path) -> None:
    async with an_outbox(tmp_path) as outbox:
        await outbox.accept(some("a/1", range(50), text="王大明先生，您在家嗎？"))
        await outbox.quieten(number(3), [Lane.BULK])
    kept = b"".join(one.read_bytes() for one in sorted((tmp_path / "sms").rglob("*")) if one.is_file())
    assert b"a/1" in kept  # it is what was kept
    for at in range(50):
        assert number(at)[1:].encode() not in kept
        assert int(number(at)[1:]).to_bytes(8, "big") not in kept
    assert "王大明".encode() not in kept


@run
async def test_when_the_key_is_gone_a_copy_of_the_store_tells_nothing(tmp_path: Path) -> None:
    async with an_outbox(tmp_path) as outbox:
        await outbox.accept(some("a/1", [1]))
        row = await outbox.store.read(lambda tx: by_name(tx, "a/1"))
        await outbox.forget("a/1")
    assert row is not None
    assert not list((tmp_path / "keys").glob("*.key"))


@run
async def test_a_campaigns_numbers_end_with_their_term(tmp_path: Path) -> None:
    now = [NOW]
    async with an_outbox(tmp_path, clock=lambda: now[0]) as outbox:
        await outbox.accept(some("a/1", [1]))
        now[0] = NOW + 27 * 86_400
        assert await outbox.forget_old() == 0
        await outbox.accept(some("a/2", [1]))
        now[0] = NOW + 29 * 86_400
        assert await outbox.forget_old() == 1
        assert [(one.campaign, one.is_forgotten) for one in await outbox.campaigns()] == [("a/2", False), ("a/1", True)]


@run
async def test_the_same_person_looks_another_in_each_campaign(tmp_path: Path) -> None:
    async with an_outbox(tmp_path) as outbox:
        blocks = set()
        for name in ("a/1", "a/2"):
            await outbox.accept(some(name, [1]))
            row = await outbox.store.read(lambda tx, name=name: by_name(tx, name))
            assert row is not None
            blocks.add((await outbox.book.seals(row)).numbers([number(1)])[0])
        assert len(blocks) == 2
        assert isinstance(outbox, Outbox)
