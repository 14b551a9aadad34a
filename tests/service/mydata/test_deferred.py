"""A use whose notice the law defers: hidden everywhere before its day, shown on it without fail, also over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.exchange.test_conscience import WANG, Ask
from tests.kernel.policy.test_judging import FLAG, NOW
from tests.make import Client
from tests.service.powers.world import CDC, NHI, TOKEN, declaration

from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import Caller
from banyan.kernel.ledger.histories import ProvenHistory, prove_history
from banyan.kernel.ledger.receipts import prove
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis
from banyan.limits import REVEAL_DAYS
from banyan.node import Node, open_node
from banyan.settings import Settings
from banyan.wire.tlog.checkpoint import verifier_of

DAY_S = 86_400
NODE = Settings(
    services=(
        "banyan.service.mydata.parts:SERVICE",
        "banyan.service.powers.parts:SERVICE",
        "banyan.service.transparency.parts:SERVICE",
        "tests.service.powers.world:TRAVEL",
    )
)
DOCTOR = Caller("officer", "o-7", agency="TW/MED/H1", assurance="aal2")
Story = Callable[[Node, Caller], Awaitable[None]]


def over_restarts(folder: Path, now: list[float], *stories: Story) -> None:
    """Each story in a node of its own over the same folder; the first finds the basis registered."""

    async def run() -> None:
        for number, story in enumerate(stories):
            async with open_node(folder, NODE, clock=lambda: EpochS(now[0])) as node:
                if not number:
                    await node.lawful.policy.write(lambda tx: records.put_basis(tx, FLAG, EpochS(now[0])))
                wang = Caller("citizen", "c", assurance="aal2", subject=node.lawful.conscience.subject(WANG).hex())
                await story(node, wang)
                await node.lawful.ledger.publish(int(now[0]))

    asyncio.run(run())


async def call(node: Node, operation: str, caller: Caller, /, **asked: Any) -> Any:
    return await node.gate.call(operation, asked, caller=caller)


async def proven(node: Node, wang: Caller) -> ProvenHistory:
    """The citizen's own file, checked as `./banyan verify --history` does."""
    file = (await call(node, "mydata.history", wang)).file
    return prove_history(file.encode(), logs=[verifier_of(key) for key in node.lawful.keys.vkeys])


async def use(node: Node, now: list[float]) -> None:
    """The doctor uses the order; the law lets the person be told two days later."""
    await call(node, "powers.declare_order", CDC, **declaration())
    await call(node, "powers.approve_order", NHI, id="o-1")
    await node.gate.call("travel.flag", Ask(WANG, ("flag",), "急診無法陳述"), caller=DOCTOR)
    await node.lawful.ledger.publish(int(now[0]))


async def hidden(node: Node, wang: Caller) -> None:
    """Nothing that the person, or anybody, can ask tells who it was or on which basis."""
    found = await call(node, "mydata.uses", wang)
    assert (found.total, found.uses, len(found.later)) == (1, (), 1)
    whole = await proven(node, wang)
    assert (whole.records, whole.deferred) == ((), 1)
    client = Client(node.app)
    entries = (await client.get("/api/transparency/entries")).json
    said = [(await client.get("/api/transparency/uses")).text, msgspec.json.encode(found).decode()]
    said += [str([one for one in entries if one["kind"] in ("release", "subjects")])]
    for text in said:
        for word in ("TW/MED/H1", FLAG.id, FLAG.version, "travel.flag"):
            assert word not in text, word
    asked = await call(node, "mydata.find_usage", wang, user_code=WANG)
    assert (asked.total_usages, asked.usages) == (0, ())


async def shown(node: Node, wang: Caller) -> None:
    """Who, why and which fields, with a receipt, and the list is whole as it was before."""
    found = await call(node, "mydata.uses", wang)
    (used,) = found.uses
    assert (used.receiver, used.fields, used.reference, found.later) == ("TW/MED/H1", ("flag",), "o-1", ())
    assert used.statute["zh-Hant"] == "傳染病防治法第 39 條"
    whole = await proven(node, wang)
    assert (len(whole.records), whole.deferred) == (1, 0)
    receipt = (await call(node, "mydata.receipt", wang, index=used.index)).receipt
    record = prove(receipt.encode(), logs=[verifier_of(key) for key in node.lawful.keys.vkeys]).record
    assert record["receiver"] == "TW/MED/H1"
    counts = (await Client(node.app).get("/api/transparency/uses")).json["counts"]
    assert [(one["basis"], one["receiver"], one["uses"]) for one in counts] == [(FLAG.id, "TW/MED/H1", 1)]


def test_it_is_hidden_before_and_shown_after_over_restarts(tmp_path: Path) -> None:
    now = [float(NOW)]

    async def used(node: Node, wang: Caller) -> None:
        await use(node, now)
        await hidden(node, wang)
        now[0] = NOW + 2 * DAY_S - 1

    async def still_hidden(node: Node, wang: Caller) -> None:
        await hidden(node, wang)
        now[0] = NOW + 2 * DAY_S

    async def then_shown(node: Node, wang: Caller) -> None:
        await shown(node, wang)

    over_restarts(tmp_path, now, used, still_hidden, then_shown, then_shown)


def test_neither_a_new_text_of_the_basis_nor_the_orders_end_takes_the_notice_away(tmp_path: Path) -> None:
    """What was promised at the use stands: the day is in the record that the log commits to."""
    now = [float(NOW)]

    async def used(node: Node, wang: Caller) -> None:
        await use(node, now)
        later = msgspec.structs.replace(deferred(REVEAL_DAYS), title={"zh-Hant": "新", "en": "New"})
        await node.gate.call("powers.register_basis", later, caller=TOKEN)
        await call(node, "powers.end_order", CDC, id="o-1")
        await hidden(node, wang)
        now[0] = NOW + 2 * DAY_S

    async def after(node: Node, wang: Caller) -> None:
        await shown(node, wang)
        (used,) = (await call(node, "mydata.uses", wang)).uses
        assert used.basis_title["en"] == "Travel flag", "the text that was in force"

    over_restarts(tmp_path, now, used, after)


def deferred(days: int) -> LegalBasis:
    return msgspec.structs.replace(FLAG, reveal_after_days=days)


def test_a_notice_may_be_deferred_but_not_for_a_lifetime(tmp_path: Path) -> None:
    async def story(node: Node, wang: Caller) -> None:
        await node.gate.call("powers.register_basis", deferred(REVEAL_DAYS), caller=TOKEN)
        for days in (REVEAL_DAYS + 1, 36_500):
            with pytest.raises(Invalid, match="reveal_after_days"):
                await node.gate.call("powers.register_basis", deferred(days), caller=TOKEN)

    over_restarts(tmp_path, [float(NOW)], story)
