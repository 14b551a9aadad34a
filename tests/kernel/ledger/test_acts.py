"""What the public is told of acts and counts, on both engines: entries by name, and no deferred use before its day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.kernel.ledger.conftest import OpenLedger
from tests.kernel.ledger.test_log import NOW

from banyan.kernel.ledger.entries import ReleaseRecord, act_entry
from banyan.kernel.ledger.log import Alongside, Count, Recorded
from banyan.kernel.storage.store import Tx

PERSON = bytes(range(32))


def a_use(*, at: float, reveal_after: float = 0.0) -> ReleaseRecord:
    return ReleaseRecord(
        at=at,
        operation="travel.flag",
        action={"zh-Hant": "查", "en": "look"},
        receiver="TW/MED/H1",
        receiver_name="H1",
        system="api",
        basis="b@1",
        statute="x",
        purpose="012",
        fields=("flag",),
        reveal_after=reveal_after,
    )


def test_acts_are_found_by_their_names(open_ledger: OpenLedger) -> None:
    async def story() -> None:
        ledger = open_ledger()
        first = await ledger.append_once("deletion/o-1", act_entry("deletion", order="o-1"))
        second = await ledger.append_once("deletion/o-2", act_entry("deletion", order="o-2"))
        assert await ledger.append_once("deletion/o-1", act_entry("deletion", order="o-1")) == first
        named = ["deletion/o-2", "deletion/o-9", "deletion/o-1"]
        assert await ledger.acts(named) == {"deletion/o-1": first, "deletion/o-2": second}
        assert await ledger.acts([]) == {}

    asyncio.run(story())


def test_a_deferred_use_is_not_counted_before_its_day(open_ledger: OpenLedger) -> None:
    async def story() -> None:
        ledger = open_ledger()
        await ledger.release(PERSON, a_use(at=NOW))
        await ledger.release(PERSON, a_use(at=NOW + 5.0, reveal_after=NOW + 100.0))
        assert await ledger.counts(10, NOW + 99.0) == [Count("b@1", "TW/MED/H1", 1, float(NOW))]
        assert await ledger.counts(10, NOW + 100.0) == [Count("b@1", "TW/MED/H1", 2, NOW + 5.0)]

    asyncio.run(story())


def test_a_use_that_has_a_name_is_written_once_and_takes_once(open_ledger: OpenLedger) -> None:
    taken: list[int] = []

    def take(_tx: Tx, uses: Sequence[tuple[int, str]]) -> None:
        taken.extend(index for index, _ in uses)

    async def story() -> None:
        ledger, takes = open_ledger(), Alongside(take, "a review")

        async def use(name: str, at: float = NOW) -> Recorded:
            return await ledger.release(PERSON, a_use(at=at), alongside=takes, once=name)

        first, other, plain, again = await asyncio.gather(use("a"), use("b"), use(""), use("a", NOW + 1.0))
        assert first == again, "two that came together"
        assert await use("a", NOW + 2.0) == first
        later = await use("c")
        assert sorted(taken) == sorted(one.index for one in (first, other, plain, later))
        uses = (await ledger.history(PERSON, most=10)).uses
        assert [one.index for one in uses] == sorted(taken)

    asyncio.run(story())
