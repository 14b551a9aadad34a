"""Messages leave by priority, pace and window, and what the SMSC says of them is kept, whatever it does."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
import uvloop
from tests.craft.notify.tools import a_bind, a_simulator, an_outbox, number, run, sending, some, until
from tests.make import NOW

from banyan.craft.notify.model import Lane, State
from banyan.craft.notify.phones import Phones
from banyan.craft.notify.session import Session


async def is_over(outbox, campaign: str) -> bool:
    found = await outbox.progress(campaign)
    return found.left == 0 and found.sent == 0


@run
async def test_everybody_is_told_once_and_the_receipts_say_so(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        await outbox.accept(some("trace/1", range(500)))
        async with sending(outbox, a_bind(smsc.port)):
            await until(lambda: is_over(outbox, "trace/1"))
        found = await outbox.progress("trace/1")
        receipts = await outbox.receipts("trace/1")
    assert (found.delivered, found.total, found.parts) == (500, 500, 500)
    assert Counter(one.to for one in smsc.phones.newest) == Counter(number(one) for one in range(500))
    assert {one.to for one in receipts} == {number(one) for one in range(500)}
    assert {one.state for one in receipts} == {State.DELIVERED}
    assert smsc.phones.of(number(7))[0].text == "您在家嗎？請回覆1"


def test_it_sends_on_the_nodes_own_loop_too(tmp_path: Path) -> None:
    """uvloop's transports are no children of asyncio's."""

    async def send() -> int:
        async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
            await outbox.accept(some("trace/1", range(20)))
            async with sending(outbox, a_bind(smsc.port)):
                await until(lambda: is_over(outbox, "trace/1"))
            return (await outbox.progress("trace/1")).delivered

    assert uvloop.run(send()) == 20


@run
async def test_a_long_text_arrives_whole(tmp_path: Path) -> None:
    text = "疫情指揮中心通知：" + "請自主健康管理。" * 16
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        await outbox.accept(some("trace/1", range(3), text=text))
        async with sending(outbox, a_bind(smsc.port)):
            await until(lambda: is_over(outbox, "trace/1"))
        found = await outbox.progress("trace/1")
    assert (found.delivered, found.parts) == (3, 9)
    assert {(one.text, one.parts) for one in smsc.phones.newest} == {(text, 3)}


@run
async def test_a_fence_message_overtakes_a_campaign(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        await outbox.accept(some("trace/1", range(2000)))
        await outbox.accept(some("fence/1", [9999], lane=Lane.FENCE))
        async with sending(outbox, a_bind(smsc.port, window=20)):
            await until(lambda: is_over(outbox, "fence/1"))
            before = [one.to for one in smsc.phones.newest].index(number(9999))
    assert before < 20


@pytest.mark.parametrize("fault", ["throttle_every", "full_every"])
@run
async def test_what_is_refused_for_now_goes_later(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.craft.notify.pace.NOTIFY_PAUSE_S", (0.01, 0.02))
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        setattr(smsc.faults, fault, 10)
        await outbox.accept(some("trace/1", range(100)))
        async with sending(outbox, a_bind(smsc.port, window=10)) as sender:
            await until(lambda: is_over(outbox, "trace/1"))
            assert sender.figures[0].throttled >= 10
    assert smsc.phones.count == 100


@run
async def test_answers_in_any_order_and_receipts_before_them(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        smsc.faults.hold, smsc.faults.receipts_first = 10, True
        await outbox.accept(some("trace/1", range(100)))
        async with sending(outbox, a_bind(smsc.port, window=50)):
            await until(lambda: is_over(outbox, "trace/1"))
        found = await outbox.progress("trace/1")
    assert (found.delivered, smsc.phones.count) == (100, 100)


@run
async def test_receipts_in_the_other_number_base_are_met(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        smsc.faults.has_decimal_receipts = smsc.faults.has_marks = False
        smsc.faults.has_decimal_receipts = True
        smsc.submits = 40_000_000
        await outbox.accept(some("trace/1", range(20)))
        async with sending(outbox, a_bind(smsc.port)):
            await until(lambda: is_over(outbox, "trace/1"))
        assert (await outbox.progress("trace/1")).delivered == 20


@run
async def test_a_lost_connection_loses_nobody_and_repeats_at_most_the_window(tmp_path: Path) -> None:
    counted: Counter[str] = Counter()
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        smsc.phones = Phones(on_part=lambda to, reference, part: counted.update([to]))
        smsc.faults.drop_after = 150
        await outbox.accept(some("alert/1", range(400), lane=Lane.ALERT))
        async with sending(outbox, a_bind(smsc.port, window=30)) as sender:
            await until(lambda: is_over(outbox, "alert/1"))
            assert sender.figures[0].connects == 2
    assert set(counted) == {number(one) for one in range(400)}
    assert sum(counted.values()) - 400 <= 30


@run
async def test_another_bind_takes_over(tmp_path: Path) -> None:
    async with a_simulator() as dead, a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        port = dead.port
        await dead.stop()
        await outbox.accept(some("alert/1", range(100), lane=Lane.ALERT))
        async with sending(outbox, a_bind(port, name="dead"), a_bind(smsc.port, name="two")) as sender:
            await until(lambda: is_over(outbox, "alert/1"))
            assert [one.is_bound for one in sender.figures] == [False, True]
            assert "cannot be reached" in sender.figures[0].trouble


@run
async def test_stop_stops_at_once(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        await outbox.accept(some("trace/1", range(5000)))
        async with sending(outbox, a_bind(smsc.port, window=20)):
            await until(lambda: smsc.submits > 100)
            left = await outbox.stop("trace/1")
            after = smsc.submits
            await outbox.accept(some("other/1", range(50)))
            await until(lambda: is_over(outbox, "other/1"))
        found = await outbox.progress("trace/1")
    assert left > 4000
    assert found.waiting == 0
    assert smsc.submits - 50 - after <= 20  # what was on the wire already
    assert found.stopped + found.delivered + found.sent + found.sending == 5000


@run
async def test_late_is_not_sent(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        await outbox.accept(some("alert/1", range(10), lane=Lane.ALERT, expires=NOW))
        await outbox.accept(some("alert/2", range(10, 15), lane=Lane.ALERT, expires=NOW + 60))
        async with sending(outbox, a_bind(smsc.port)):
            await until(lambda: is_over(outbox, "alert/2"))
            await until(lambda: is_over(outbox, "alert/1"))
        assert (await outbox.progress("alert/1")).expired == 10
    assert smsc.phones.count == 5


@run
async def test_a_number_that_cannot_be_reached_has_failed(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        smsc.faults.undeliverable = frozenset({number(3)})
        await outbox.accept(some("fence/1", range(5), lane=Lane.FENCE))
        async with sending(outbox, a_bind(smsc.port)):
            await until(lambda: is_over(outbox, "fence/1"))
        found = await outbox.receipts("fence/1")
    assert {one.to for one in found if one.state == State.FAILED} == {number(3)}


@run
async def test_a_person_answers_and_opts_out(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        await outbox.accept(some("fence/1", range(3), lane=Lane.FENCE))
        async with sending(outbox, a_bind(smsc.port)):
            await until(lambda: is_over(outbox, "fence/1"))
            assert smsc.say(number(1), "1922", "1 我在家")
            assert smsc.say(number(2), "1922", "退訂")

            async def has_replied() -> bool:
                return len(await outbox.replies("fence/1")) == 2

            await until(has_replied)
        replies = await outbox.replies("fence/1")
        later = await outbox.accept(some("reminder/1", range(3), lane=Lane.REMINDER))
    assert (replies[0].to, replies[0].text) == (number(1), "1 我在家")
    assert later.quiet == 1


@run
async def test_a_wrong_password_is_said_without_it(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        smsc.accounts["banyan"] = "changed"
        async with sending(outbox, a_bind(smsc.port)) as sender:
            await until(lambda: sender.figures[0].trouble)
            assert "ESME_RINVPASWD" in sender.figures[0].trouble
            assert "secret" not in sender.figures[0].trouble


@run
async def test_the_smsc_is_asked_for_what_was_not_heard_of(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        smsc.faults.has_receipts = False
        await outbox.accept(some("fence/1", range(4), lane=Lane.FENCE))

        async def all_sent() -> bool:
            return (await outbox.progress("fence/1")).sent == 4

        async with sending(outbox, a_bind(smsc.port)):
            await until(all_sent)
    async with a_simulator() as again, an_outbox(tmp_path, clock=lambda: NOW + 60) as outbox:
        again.states = smsc.states
        async with sending(outbox, a_bind(again.port, can_query=True)):
            await until(lambda: is_over(outbox, "fence/1"))
        assert (await outbox.progress("fence/1")).delivered == 4


@run
async def test_late_receipts_are_met_after_a_restart(tmp_path: Path) -> None:
    async with a_simulator() as smsc:
        async with an_outbox(tmp_path) as outbox:
            smsc.faults.has_receipts = False
            await outbox.accept(some("trace/1", range(10)))

            async def all_sent() -> bool:
                return (await outbox.progress("trace/1")).sent == 10

            async with sending(outbox, a_bind(smsc.port)):
                await until(all_sent)
        async with an_outbox(tmp_path) as outbox:
            smsc.faults.has_receipts = True
            async with sending(outbox, a_bind(smsc.port)) as sender:
                await until(lambda: sender.figures[0].is_bound)
                await until(lambda: is_over(outbox, "trace/1"))
            assert (await outbox.progress("trace/1")).delivered == 10


@run
async def test_a_receipt_that_nobody_answered_comes_again(tmp_path: Path) -> None:
    """It was on its way when the connection was lost; and it comes with the bind's own answer."""
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        await outbox.accept(some("trace/1", range(3)))
        deaf = Session.answer
        Session.answer = lambda self, pdu, body=None, status=0: self.close()  # type: ignore[method-assign,assignment]
        try:
            async with sending(outbox, a_bind(smsc.port)):
                await until(lambda: smsc.kept_receipts)
        finally:
            Session.answer = deaf  # type: ignore[method-assign]
        async with sending(outbox, a_bind(smsc.port)):
            await until(lambda: is_over(outbox, "trace/1"))
        assert (await outbox.progress("trace/1")).delivered == 3


@run
async def test_in_doubt_a_receipt_with_our_reference_settles_it(tmp_path: Path) -> None:
    """The SMSC took them and never answered; after the restart their receipts come, and nobody is told twice."""
    async with a_simulator() as smsc:
        async with an_outbox(tmp_path) as outbox:
            smsc.faults.is_mute = True
            await outbox.accept(some("trace/1", range(10)))
            async with sending(outbox, a_bind(smsc.port)):
                await until(lambda: smsc.submits == 10)
        receipts = [_receipt_of(one) for one in smsc.phones.newest]
        smsc.faults.is_mute = False
        async with an_outbox(tmp_path) as outbox:
            found = await outbox.receipts("trace/1")
            assert found == []
            ids = await outbox.store.read(_ids)
            async with sending(outbox, a_bind(smsc.port)) as sender:
                await until(lambda: sender.figures[0].is_bound)
                assert sender.dispatch.doubtful() == 10
                blocks = {to: id for id, to in zip(ids, await _numbers(outbox), strict=True)}
                for to in receipts:
                    smsc.links[0].deliver(_marked(to, blocks[to]))
                await until(lambda: is_over(outbox, "trace/1"))
            assert (await outbox.progress("trace/1")).delivered == 10
    assert smsc.submits == 10


@run
async def test_in_doubt_a_receipt_of_one_part_of_two_leaves_the_doubt(tmp_path: Path) -> None:
    """Else nobody would send the other part again."""
    async with a_simulator() as smsc:
        async with an_outbox(tmp_path) as outbox:
            smsc.faults.is_mute = True
            await outbox.accept(some("trace/1", range(1), text="家" * 100))
            async with sending(outbox, a_bind(smsc.port)):
                await until(lambda: smsc.submits == 2)
        async with an_outbox(tmp_path) as outbox, sending(outbox, a_bind(smsc.port)) as sender:
            await until(lambda: sender.figures[0].is_bound)
            (id,), (to,) = await outbox.store.read(_ids), await _numbers(outbox)
            smsc.links[0].deliver(_marked(to, id))
            await until(lambda: sender.figures[0].receipts == 1)
            assert sender.dispatch.doubtful() == 1
            smsc.links[0].deliver(_marked(to, id))
            await until(lambda: is_over(outbox, "trace/1"))
            assert sender.dispatch.doubtful() == 0


def _receipt_of(shown) -> str:
    return shown.to


def _ids(tx):
    from banyan.kernel.storage.store import Statement

    return [row[0] for row in tx.rows(Statement("ids", "", "select id from message order by id"))]


async def _numbers(outbox) -> list[str]:
    from banyan.craft.notify.book import by_name
    from banyan.kernel.storage.store import Statement

    campaign = await outbox.store.read(lambda tx: by_name(tx, "trace/1"))
    rows = await outbox.store.read(
        lambda tx: tx.rows(Statement("numbers", "", "select number from message order by id"))
    )
    return (await outbox.book.seals(campaign)).opened([row[0] for row in rows])


def _marked(to: str, id: int):
    from banyan.wire.smpp.codes import ESM_RECEIPT, MessageState, Tag
    from banyan.wire.smpp.pdu import Address, Short
    from banyan.wire.smpp.receipt import receipt_text

    text = receipt_text(f"x{id}", MessageState.DELIVERED, submitted="2611270102", done="2611270103")
    mark = ((int(Tag.USER_MESSAGE_REFERENCE), (id % 65536).to_bytes(2, "big")),)
    return Short(source=Address(to[1:], 1, 1), esm_class=ESM_RECEIPT, text=text, tlvs=mark)


@run
async def test_an_smsc_that_closes_on_unbind_is_no_trouble(tmp_path: Path) -> None:
    async with a_simulator() as smsc, an_outbox(tmp_path) as outbox:
        smsc.faults.closes_on_unbind = True
        await outbox.accept(some("trace/1", range(5)))
        async with sending(outbox, a_bind(smsc.port)):
            await until(lambda: is_over(outbox, "trace/1"))
    await asyncio.sleep(0)
    assert smsc.links == []
