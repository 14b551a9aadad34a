"""The ledger: durable, then proven; a list of uses that leaves one out is caught."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kernel.ledger.conftest import KEYS, ORIGIN, OpenLedger

from banyan.kernel.ledger.entries import ReleaseRecord, act_entry, commitment_of, read_entry
from banyan.kernel.ledger.log import History, Ledger, verify_history
from banyan.kernel.storage.store import SchemaStore
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.proof import parse_receipt, verify_receipt

LOGS = [verifier_of(vkey) for vkey in KEYS.vkeys]
NOW = 1_790_000_000


def subject(number: int) -> bytes:
    return sha256(b"subject %d" % number).digest()


def a_record(number: int = 0) -> ReleaseRecord:
    return ReleaseRecord(
        at=NOW + number,
        operation="travel.flag",
        action={"zh-Hant": "看診時查旅遊史", "en": "Travel history at a visit"},
        receiver="TW/GOV/HOSPITAL",
        receiver_name="示範醫院",
        system="his",
        basis="CDC-39",
        statute="傳染病防治法 s39",
        purpose="012",
        fields=("flag",),
    )


def test_a_use_is_durable_before_it_is_answered_and_proven_after(open_ledger: OpenLedger) -> None:
    async def run() -> None:
        ledger = open_ledger()
        first = await ledger.append(act_entry("order", id="o1", digest="00"))
        used = await ledger.release(subject(1), a_record())
        assert (first, used.index) == (0, 1)
        assert await ledger.receipt(1) is None, "no checkpoint covers it yet"
        again = open_ledger()
        checkpoint = await again.publish(NOW)
        assert checkpoint is not None
        assert checkpoint.size == 3, "the order, the use, and the map of subjects"
        assert await again.publish(NOW) is None, "nothing is new"
        receipt = await again.receipt(1, extra=used.salt + used.record)
        assert receipt is not None
        entry = await again.entry(1)
        assert read_entry(entry) == {
            "v": 1, "kind": "release", "basis": "CDC-39", "receiver": "TW/GOV/HOSPITAL",
            "commitment": commitment_of(used.salt, used.record).hex(),
        }  # fmt: skip
        read_back = parse_receipt(receipt.encode())
        assert verify_receipt(read_back, entry, logs=LOGS, witnesses=[], quorum=0).origin == ORIGIN

    asyncio.run(run())


def test_who_asks_while_the_ledger_opens_gets_the_tree_that_grows(open_ledger: OpenLedger) -> None:
    async def run() -> None:
        ledger = open_ledger()
        await ledger.append(act_entry("order", id="o1", digest="00"))
        _, *trees = await asyncio.gather(ledger.publish(NOW), ledger.tree(), ledger.tree())
        second = await ledger.append(act_entry("order", id="o2", digest="00"))
        assert await ledger.publish(NOW + 1) is not None
        assert await ledger.receipt(second) is not None
        now = await ledger.tree()
        assert all(tree is now for tree in trees)
        assert now.size == 2

    asyncio.run(run())


def test_uses_that_come_together_are_chained_and_proven_like_any(open_ledger: OpenLedger) -> None:
    async def run() -> None:
        ledger = open_ledger()
        used = await asyncio.gather(*(ledger.release(subject(number % 3), a_record(number)) for number in range(8)))
        assert sorted(one.index for one in used) == list(range(8))
        assert await ledger.publish(NOW) is not None
        for number in range(3):
            history = await ledger.history(subject(number), most=9)
            verify_history(history, subject(number))
            assert [one.position for one in history.uses] == list(range(1, len(history.uses) + 1))
            assert {one.index for one in history.uses} == {one.index for one in used[number::3]}
        receipt = await ledger.receipt(used[5].index)
        assert receipt is not None
        verify_receipt(receipt, await ledger.entry(used[5].index), logs=LOGS, witnesses=[], quorum=0)

    asyncio.run(run())


def test_nothing_personal_is_in_the_tiles(open_ledger: OpenLedger) -> None:
    async def run() -> None:
        ledger = open_ledger()
        used = await ledger.release(subject(7), a_record())
        await ledger.publish(NOW)
        tree = await ledger.tree()
        whole = b"".join(tree.entry(number) for number in range(tree.size))
        assert used.salt not in whole
        for secret in (
            subject(7).hex().encode(),
            b"travel.flag",
            "傳染病".encode(),
            str(NOW).encode(),
            used.salt.hex().encode(),
        ):
            assert secret not in whole

    asyncio.run(run())


async def a_history(ledger: Ledger, *, others: int = 5, uses: int = 4) -> History:
    for number in range(uses):
        await ledger.release(subject(1), a_record(number))
        for other in range(others):
            await ledger.release(subject(10 + other), a_record(number))
    await ledger.publish(NOW)
    return await ledger.history(subject(1), most=100)


def test_a_list_of_uses_is_provably_complete(open_ledger: OpenLedger) -> None:
    async def run() -> None:
        ledger = open_ledger()
        history = await a_history(ledger)
        verify_history(history, subject(1))
        assert history.receipt is not None
        entry = await ledger.entry(history.receipt.index)
        verify_receipt(history.receipt, entry, logs=LOGS, witnesses=[], quorum=0)
        assert read_entry(entry)["root"] == history.root.hex()
        nobody = await ledger.history(subject(99), most=100)
        verify_history(nobody, subject(99))
        assert nobody.uses == ()
        liar = msgspec.structs.replace(history, uses=())
        with pytest.raises(ValueError, match="holds 4 uses and the list 0"):
            verify_history(liar, subject(1))

    asyncio.run(run())


@pytest.mark.parametrize("dropped", range(4))
def test_a_dropped_record_is_caught(open_ledger: OpenLedger, ledger_store: SchemaStore, dropped: int) -> None:
    """Also when the operator renumbers what is left, and also when it is dropped from the store itself."""

    async def run() -> None:
        ledger = open_ledger()
        history = await a_history(ledger)
        left = [use for place, use in enumerate(history.uses) if place != dropped]
        with pytest.raises(ValueError, match=r"missing|holds"):
            verify_history(msgspec.structs.replace(history, uses=tuple(left)), subject(1))
        renumbered = tuple(msgspec.structs.replace(use, position=place) for place, use in enumerate(left, 1))
        with pytest.raises(ValueError, match="holds 4 uses and the list 3"):
            verify_history(msgspec.structs.replace(history, uses=renumbered), subject(1))
        changed = msgspec.structs.replace(history.uses[dropped], record=b"{}")
        uses = (*history.uses[:dropped], changed, *history.uses[dropped + 1 :])
        with pytest.raises(ValueError, match="changed"):
            verify_history(msgspec.structs.replace(history, uses=uses), subject(1))

    asyncio.run(run())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["use", "act", "publish", "restart"]), max_size=40))
def test_any_story_ends_proven(open_ledger: OpenLedger, story: list[str]) -> None:
    """Uses, acts, checkpoints and restarts in any order: every entry and every list is proven in the end."""

    async def run() -> None:
        ledger, start = open_ledger(), 0
        start = (await ledger.head()).entries
        for number, step in enumerate(story):
            if step == "use":
                await ledger.release(subject(number % 3), a_record(number))
            elif step == "act":
                await ledger.append(act_entry("order", id=f"o{number}"))
            elif step == "publish":
                await ledger.publish(NOW + number)
            else:
                ledger = open_ledger()
        await ledger.publish(NOW)
        head = await ledger.head()
        assert head.entries == head.tiled == head.published
        for index in range(start, head.entries):
            receipt = await ledger.receipt(index)
            assert receipt is not None
            verify_receipt(receipt, await ledger.entry(index), logs=LOGS, witnesses=[], quorum=0)
        for number in range(3):
            verify_history(await ledger.history(subject(number), most=1_000), subject(number))

    asyncio.run(run())


def test_uses_that_no_checkpoint_covers_yet_are_listed_too(open_ledger: OpenLedger) -> None:
    async def run() -> None:
        ledger = open_ledger()
        first = await ledger.release(subject(1), a_record(1))
        await ledger.publish(NOW)
        later = [await ledger.release(subject(who), a_record(number)) for number, who in ((2, 1), (3, 2), (4, 1))]
        history = await ledger.history(subject(1), most=9)
        assert [use.index for use in history.uses] == [first.index, later[0].index, later[2].index]
        assert history.covers <= later[0].index
        verify_history(history, subject(1))
        assert len((await ledger.history(subject(1), most=2)).uses) == 2
        await ledger.publish(NOW)
        covered = await ledger.history(subject(1), most=9)
        verify_history(covered, subject(1))
        assert [use.position for use in covered.uses] == [1, 2, 3]

    asyncio.run(run())


def test_an_act_tried_twice_is_written_once(open_ledger: OpenLedger) -> None:
    async def run() -> None:
        first = await open_ledger().append_once("deletion/o-1", b'{"kind":"deletion"}')
        assert await open_ledger().append_once("deletion/o-1", b'{"kind":"other"}') == first
        assert await open_ledger().append_once("deletion/o-2", b'{"kind":"deletion"}') == first + 1
        assert (await open_ledger().head()).entries == 2

    asyncio.run(run())
