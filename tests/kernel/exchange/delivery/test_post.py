"""A message from a client to a provider and its answer back, by the post of two gateways."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.exchange.delivery.town import (
    CLINIC,
    HOSPITAL,
    NHI,
    NOW,
    ODD,
    Gateway,
    Town,
    key_of,
    run,
    signer,
)

from banyan.errors import Conflict, Denied, Invalid, Limit, NotFound, Problem
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery import framing, receipts, received, sent
from banyan.kernel.exchange.delivery.contents import Content, Whole, kept_bytes
from banyan.kernel.exchange.delivery.framing import Framed
from banyan.kernel.exchange.delivery.keeping import sweep
from banyan.kernel.exchange.delivery.means import Told
from banyan.kernel.exchange.delivery.pages import Status
from banyan.kernel.exchange.delivery.receipts import Receipt
from banyan.kernel.exchange.delivery.sender import RECEIPT
from banyan.kernel.exchange.road.model import Answer, Request, Response
from banyan.limits_road import (
    DELIVERY_ANSWER_KEPT_S,
    DELIVERY_INLINE_BYTES,
    DELIVERY_LIFE_S,
    DELIVERY_PEER_WAITING,
    DELIVERY_REMEMBERED_S,
)
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import last_of
from banyan.wire.xroad.identifiers import ClientId, encoded

DAY = 86_400.0


async def status(gateway: Gateway, message_id: str = "m1", client: ClientId = HOSPITAL) -> Status:
    response = await gateway.get(message_id, client=client)
    assert isinstance(response.body, bytes)
    return msgspec.json.decode(response.body, type=Status)


def content(response: Response | Answer) -> bytes:
    return response.body if isinstance(response.body, bytes) else response.body.whole(10**9)


async def leftovers(gateway: Gateway) -> tuple[int, list[str]]:
    return await gateway.store.read(kept_bytes), list(gateway.means.contents._blobs.keys())


class TestTheWay:
    def test_accepted_handed_once_answered_acknowledged(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                answer = await town.accept("m1", b"a visit")
                assert answer.status == 202
                assert (b"preference-applied", b"respond-async") in answer.fields
                assert last_of(answer.fields, b"location") == b"/r1-async/m1"
                assert (await town.a.get("m1/answer")).status == 202
                await town.settle()
                assert town.provider.order == ["m1"]
                told = await status(town.a)
                assert (told.state, told.answer_status, told.answer) == ("answered", 200, "/r1-async/m1/answer")
                got = await town.a.get("m1/answer")
                assert (got.status, content(got)) == (200, b"1:a visit")
                assert (b"content-type", b"text/plain") in got.fields
                assert (await town.a.get("m1", verb="DELETE")).status == 204
                assert (await town.a.get("m1/answer")).status == 410
                assert (await town.a.get("m1", verb="DELETE")).status == 204, "twice is harmless"
                assert await leftovers(town.a) == await leftovers(town.b) == (0, [])

        run(story())

    def test_the_provider_gets_the_call_as_it_was_without_the_fulfilled_preference(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m 1", fields=((b"X-Banyan-Purpose", b"care"), (b"Accept", b"text/plain")))
                await town.settle()
                (call,) = town.provider.seen
                assert last_of(call.fields, b"idempotency-key") == b'"m 1"'
                assert last_of(call.fields, b"x-banyan-purpose") == b"care"
                assert last_of(call.fields, b"x-road-id") == b"m 1"
                assert last_of(call.fields, b"prefer") is None
                assert last_of(call.fields, b"x-banyan-again") is None

        run(story())

    def test_nobody_else_sees_a_message(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1")
                await town.settle()
                for path, verb in (("m1", "GET"), ("m1/answer", "GET"), ("m1", "DELETE")):
                    with pytest.raises(NotFound):
                        await town.a.get(path, client=CLINIC, verb=verb)
                listed = content(await town.a.get("", client=CLINIC))
                assert listed == b"[]"
                assert len(msgspec.json.decode(content(await town.a.get("")))) == 1

        run(story())

    def test_a_large_body_is_a_blob_and_goes_when_it_is_over(self, tmp_path: Path) -> None:
        body = b"x" * (DELIVERY_INLINE_BYTES + 1)

        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1", body)
                await town.accept("m2", body)
                assert len((await leftovers(town.a))[1]) == 1, "two messages share one file"
                await town.settle()
                assert content(await town.a.get("m1/answer"))[2:] == body
                await town.a.get("m1", verb="DELETE")
                assert content(await town.a.get("m2/answer"))[2:] == body
                await town.a.get("m2", verb="DELETE")
                assert await leftovers(town.a) == await leftovers(town.b) == (0, [])

        run(story())

    def test_receipts_are_signed_words_about_this_message(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1", b"a visit")
                await town.settle()
                told = await status(town.a)
                kept, kept_by = receipts.checked(told.receipt, key_of)
                taken, taken_by = receipts.checked(told.peer_receipt, key_of)
                done, done_by = receipts.checked(told.answer_receipt, key_of)
                assert (kept.says, taken.says, done.says) == ("kept", "taken", "answered")
                assert (kept_by, taken_by, done_by) == ("TW/COM/HOSPITAL", "TW/GOV/NHI", "TW/GOV/NHI")
                assert kept.request == taken.request == done.request
                assert (done.status, done.message_id, done.client) == (200, "m1", encoded(HOSPITAL))
                with pytest.raises(Invalid):
                    receipts.checked(told.receipt[:-2] + "AA", key_of)

        run(story())

    def test_both_sides_log_the_answer_under_one_id(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1", b"a visit")
                await town.settle()
                (ours,), (theirs,) = town.a.log.kept, town.b.log.kept
                assert (ours.role, theirs.role) == ("client", "provider")
                assert ours.xid == theirs.xid
                assert ours.answer == theirs.answer
                assert (ours.message_id, ours.status, ours.client) == ("m1", 200, HOSPITAL)

        run(story())

    def test_an_answer_with_another_receipt_or_from_another_member_is_not_taken(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1")
                await town.accept("m2")
                await town.settle()
                other = await status(town.a, "m2")
                town.parted = True
                await town.accept("m3")
                key = (encoded(HOSPITAL), "m3")
                frame = Whole(b"\0\0\0\x13200\r\nOK\r\na:bc\r\nd:e\r\nbody")
                with pytest.raises(Denied):
                    await town.a.office.sender.take_answer(CLINIC, key, other.answer_receipt, frame)
                with pytest.raises(Invalid):
                    await town.a.office.sender.take_answer(NHI, key, other.answer_receipt, frame)
                with pytest.raises(Denied):
                    await town.a.peer_pages(Request("POST", b"/delivery/answers/a/b", (), frame))
                assert (await status(town.a, "m3")).state == "waiting"

        run(story())

    def test_a_receipt_is_signed_by_the_provider_and_says_the_status(self, tmp_path: Path) -> None:
        """Another member's word would prove nothing against the provider, nor one of another status."""

        async def story() -> None:
            async with Town(tmp_path) as town:
                town.parted = True
                await town.accept("m1")
                key = (encoded(HOSPITAL), "m1")
                message = await town.a.store.read(lambda tx: sent.find(tx, key))
                assert message is not None
                head = b"200\r\nOK\r\na:bc\r\n"
                kept = Content(4, sha256(b"body").digest(), b"body")
                said = Receipt(
                    "answered", message.client, message.service, "m1", message.fingerprint.hex(), int(NOW),
                    status=200, answer=framing.digest(head, kept),
                )  # fmt: skip
                by_provider, by_another = signer(NHI.owner), signer(HOSPITAL.owner)
                for wrong in (
                    receipts.signed(said, by_another),
                    receipts.signed(msgspec.structs.replace(said, status=500), by_provider),
                ):
                    with pytest.raises(Invalid):
                        await town.a.office.sender.take_answer(NHI, key, wrong, Framed(head, Whole(b"body")))
                right = receipts.signed(said, by_provider)
                await town.a.office.sender.take_answer(NHI, key, right, Framed(head, Whole(b"body")))
                assert content(await town.a.get("m1/answer")) == b"body"

        run(story())


class TestTheSameAgain:
    def test_the_same_request_gets_the_same_receipt_and_is_not_handed_again(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                first = content(await town.accept("m1"))
                assert content(await town.accept("m1")) == first
                await town.settle()
                town.now += 3_600
                again = msgspec.json.decode(content(await town.accept("m1")), type=Status)
                assert again.state == "answered"
                assert again.receipt == msgspec.json.decode(first, type=Status).receipt
                await town.settle()
                assert town.provider.order == ["m1"]

        run(story())

    @pytest.mark.parametrize("field", [(b"X-Banyan-Purpose", b"other"), (b"X-Road-UserId", b"officer")])
    def test_another_request_under_the_same_id_is_refused(self, tmp_path: Path, field: tuple[bytes, bytes]) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1", b"a visit")
                for options in ({"body": b"another"}, {"path": b"/else"}, {"verb": "PUT"}, {"fields": (field,)}):
                    with pytest.raises(Conflict) as caught:
                        await town.accept("m1", **{"body": b"a visit", **options})
                    assert caught.value.status == 409
                assert (await town.accept("m1", b"a visit", fields=((b"Date", b"now"),))).status == 202
                assert (await town.accept("m1", b"another", client=CLINIC)).status == 202, "its own ids"
                await town.settle()
                assert sorted(town.provider.order) == ["m1", "m1"]

        run(story())

    def test_it_is_known_for_a_day_after_it_is_over(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1")
                await town.settle()
                await town.a.get("m1", verb="DELETE")
                town.now += DELIVERY_REMEMBERED_S - 1
                for gateway in (town.a, town.b):
                    await sweep(gateway.means)
                assert (await status(town.a)).state == "closed"
                with pytest.raises(Conflict):
                    await town.accept("m1", b"another")
                town.now += 2
                for gateway in (town.a, town.b):
                    await sweep(gateway.means)
                await town.accept("m1", b"another")
                await town.settle()
                assert content(await town.a.get("m1/answer")) == b"1:another", "the provider's own memory is longer"
                assert town.provider.order == ["m1", "m1"]

        run(story())

    def test_lost_receipts_and_lost_answers_hand_nothing_twice(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.deaf = lambda _: town.random.random() < 0.7
                for number in range(20):
                    await town.accept(f"m{number}")
                await town.pass_time(4 * 3_600, step=30)
                town.deaf = lambda _: False
                await town.pass_time(3_600)
                assert sorted(town.provider.order) == sorted(f"m{number}" for number in range(20))
                assert {(await status(town.a, f"m{number}")).state for number in range(20)} == {"answered"}

        run(story())


class TestPartition:
    def test_what_was_accepted_arrives_when_the_peer_is_back_and_the_peer_is_not_hammered(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.parted = True
                attempts = 0
                real = town.a.means.road._carried  # type: ignore[attr-defined]

                async def counted(*values: object) -> object:
                    nonlocal attempts
                    attempts += 1
                    return await real(*values)

                town.a.means.road._carried = counted  # type: ignore[attr-defined]
                for number in range(50):
                    await town.accept(f"m{number}")
                await town.pass_time(3 * 3_600, step=10)
                assert 100 < attempts < 500, "five at first, then about one a minute"
                assert town.a.office.sender.sending.state("TW/GOV/NHI").is_tripped
                town.parted = False
                await town.pass_time(600, step=10)
                assert sorted(town.provider.order) == sorted(f"m{number}" for number in range(50))

        run(story())

    def test_once_the_peer_is_back_nothing_waits_for_its_own_turn(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.parted = True
                for number in range(50):
                    await town.accept(f"m{number}")
                await town.pass_time(3 * 3_600, step=60)
                town.parted = False
                await town.pass_time(61, step=1)
                assert len(town.provider.order) == 50, "a probe a minute, then all"

        run(story())

    def test_after_its_time_it_is_a_dead_letter_that_an_officer_may_revive_or_discard(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.parted = True
                await town.accept("m1", fields=((b"X-Banyan-Within", b"3600"),))
                await town.accept("m2")
                await town.pass_time(3_700)
                assert (await status(town.a)).state == "dead"
                assert [message.message_id for message in await town.a.office.desk.dead()] == ["m1"]
                assert (await town.a.get("m1/answer")).status == 410
                await town.pass_time(DELIVERY_LIFE_S, step=3_600)
                assert [message.message_id for message in await town.a.office.desk.dead()] == ["m1", "m2"]
                town.parted = False
                await town.a.office.desk.revive_dead(encoded(HOSPITAL), "m1")
                await town.a.office.desk.discard_dead(encoded(HOSPITAL), "m2")
                with pytest.raises(NotFound):
                    await town.a.office.desk.revive_dead(encoded(HOSPITAL), "m2")
                await town.settle()
                assert town.provider.order == ["m1"]
                assert (await status(town.a, "m2")).state == "closed"

        run(story())

    def test_a_dead_letter_that_the_provider_may_have_forgotten_is_not_revived(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.parted = True
                await town.accept("m1")
                await town.pass_time(61 * DAY, step=DAY)
                with pytest.raises(Conflict):
                    await town.a.office.desk.revive_dead(encoded(HOSPITAL), "m1")

        run(story())

    def test_a_revived_letter_that_was_taken_before_is_not_handed_again(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.deaf = lambda _: True
                await town.accept("m1")
                assert await town.a.office.sender.sending.turn() == 1
                town.parted = True
                await town.pass_time(50 * DAY, step=DAY)
                assert (await status(town.a)).state == "dead"
                for gateway in (town.a, town.b):
                    await sweep(gateway.means)
                town.parted, town.deaf = False, lambda _: False
                await town.a.office.desk.revive_dead(encoded(HOSPITAL), "m1")
                await town.pass_time(3_600)
                assert town.provider.order == ["m1"]
                assert (await status(town.a)).state == "answered"

        run(story())

    def test_an_answer_nobody_brings_is_asked_for(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.b.office.receiver.bringing.turn = _never  # type: ignore[method-assign]
                await town.accept("m1")
                await town.pass_time(600)
                assert content(await town.a.get("m1/answer")) == b"1:visit"
                assert await leftovers(town.b) == (0, []), "acknowledged"

        run(story())

    def test_a_gateway_that_took_a_message_and_is_gone_does_not_keep_it_under_way_for_ever(
        self, tmp_path: Path
    ) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1", fields=((b"X-Banyan-Within", b"3600"),))
                await town.a.office.sender.sending.turn()
                assert (await status(town.a)).state == "accepted"
                town.parted = True
                await town.pass_time(2 * 3_600, step=600)
                assert (await status(town.a)).state == "dead"
                assert town.a.office.sender.open[encoded(NHI.owner)] == 0
                town.parted = False
                await town.pass_time(3_600, step=600)
                assert content(await town.a.get("m1/answer")) == b"1:visit", "what is brought late is taken"

        run(story())

    def test_an_answer_under_a_wrong_receipt_is_asked_for_later_and_not_without_end(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1", fields=((b"X-Banyan-Within", b"3600"),))
                await town.a.office.sender.sending.turn()
                asked = _answers_wrongly(town)
                await town.pass_time(1_800, step=60)
                assert (await status(town.a)).state == "accepted"
                assert 1 <= len(asked) < 30, "less often as it goes on"
                await town.pass_time(3_600, step=60)
                assert (await status(town.a)).state == "dead"
                assert "delivery.failed" not in [name for name, _ in town.a.logged]

        run(story())

    def test_the_body_of_what_a_peer_answers_is_closed(self, tmp_path: Path) -> None:
        """It takes of the room for all bodies of the gateway until then."""

        async def story() -> None:
            async with Town(tmp_path) as town:
                opened = [*_opened(town.a), *_opened(town.b)]
                await town.accept("m1")
                await town.settle()
                town.b.office.receiver.bringing.turn = _never  # type: ignore[method-assign]
                await town.accept("m2")
                await town.pass_time(600)
                verbs = [verb for some in opened for verb, _ in some]
                assert verbs == ["GET", "DELETE", "POST"]
                assert all(body.is_closed for some in opened for _, body in some)

        run(story())

    def test_asked_for_while_it_is_acknowledged_an_answer_is_there_or_gone(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1")
                await town.a.office.sender.sending.turn()
                await town.b.office.receiver.handing.turn()
                receiver, key = town.b.office.receiver, received.Key(encoded(HOSPITAL), "m1")
                read = town.b.store.read

                async def read_slowly(job: Any) -> Any:
                    found = await read(job)
                    town.b.store.read = read  # type: ignore[method-assign]
                    await receiver.asked(HOSPITAL, key, has_it=True)
                    return found

                town.b.store.read = read_slowly  # type: ignore[method-assign]
                assert (await receiver.asked(HOSPITAL, key, has_it=False)).status == 200
                assert (await receiver.asked(HOSPITAL, key, has_it=False)).status == 410

        run(story())


class Opened(Whole):
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def _opened(gateway: Gateway) -> list[list[tuple[str, Opened]]]:
    """What the other gateway answers to this one, as it comes: the verb that was asked with, and the body."""
    found: list[tuple[str, Opened]] = []
    tell = gateway.means.road.tell

    async def told(by: ClientId, to: ClientId, request: Told) -> Response:
        response = await tell(by, to, request)
        body = Opened(content(response))
        found.append((request.verb, body))
        return msgspec.structs.replace(response, body=body)

    gateway.means.road.tell = told  # type: ignore[method-assign]
    return [found]


def _answers_wrongly(town: Town) -> list[EpochS]:
    """Another gateway that answers whatever it is asked for, under the receipt of nothing; when it was asked."""
    asked: list[EpochS] = []

    async def told(by: ClientId, to: ClientId, request: Told) -> Response:
        asked.append(EpochS(town.now))
        return Response(200, ((RECEIPT, b"none"),), b"\0\0\0\x13200\r\nOK\r\na:bc\r\nd:e\r\nbody")

    town.a.means.road.tell = told  # type: ignore[method-assign]
    town.b.office.receiver.bringing.turn = _never  # type: ignore[method-assign]
    return asked


async def _never() -> int:
    return 0


class TestRefusals:
    def test_a_refusal_of_the_road_is_the_answer(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1")
                town.b.grants.denied.add(HOSPITAL)
                await town.settle()
                got = await town.a.get("m1/answer")
                assert got.status == 500
                assert last_of(got.fields, b"X-Road-Error".lower()) == b"Server.ServerProxy.AccessDenied"
                assert town.provider.order == []

        run(story())

    def test_a_provider_that_refuses_is_an_answer_and_holds_nobody_up(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                bad = Answer(422, b"", (), Whole(b"no"))
                town.provider.behave = lambda call: bad if call.message_id == "poison" else None
                for name in ("poison", "m1", "m2"):
                    await town.accept(name)
                await town.settle()
                assert (await town.a.get("poison/answer")).status == 422
                assert sorted(town.provider.order) == ["m1", "m2", "poison"]

        run(story())

    def test_bounds_refuse_before_accepting(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1")
                town.a.office.sender.open["TW/GOV/NHI"] = DELIVERY_PEER_WAITING
                with pytest.raises(Limit) as caught:
                    await town.accept("m2")
                assert (caught.value.status, caught.value.retry_after_s) == (429, 60)
                assert (await town.accept("m1")).status == 202, "what is known is answered all the same"
                town.a.office.sender.open.clear()
                town.a.means.contents.size = 10**12
                with pytest.raises(Limit) as caught:
                    await town.accept("m2")
                assert caught.value.status == 507
                with pytest.raises(NotFound):
                    await town.a.get("m2")

        run(story())

    @pytest.mark.parametrize("full", ["of messages", "of bytes"])
    def test_a_full_provider_side_makes_the_message_wait(self, tmp_path: Path, full: str) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                if full == "of messages":
                    town.b.office.receiver.open[encoded(HOSPITAL)] = 10**9
                else:
                    town.b.means.contents.size = 10**12
                await town.accept("m1")
                await town.settle()
                assert (await status(town.a)).state == "waiting"
                await town.b.office.receiver.count()
                await town.b.means.contents.count(town.b.store)
                await town.pass_time(60, step=5)
                assert (await status(town.a)).state == "answered"

        run(story())

    @pytest.mark.parametrize(
        "field",
        [(b"X-Banyan-Within", b"0"), (b"X-Banyan-Within", b"soon"), (b"X-Banyan-Within", b"99999999"),
         (b"X-Banyan-Order", b"perhaps")],
    )  # fmt: skip
    def test_a_wrong_wish_is_named(self, tmp_path: Path, field: tuple[bytes, bytes]) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                with pytest.raises(Fault) as caught:
                    await town.accept("m1", fields=(field,))
                assert caught.value.fields[0].field == field[0].decode().lower()

        run(story())

    def test_a_client_cannot_write_the_envelope_itself(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1", fields=((b"X-Banyan-Accepted", b"1"), (b"X-Banyan-Until", b"99999999999")))
                await town.settle()
                message = await town.b.store.read(lambda tx: received.find(tx, received.Key(encoded(HOSPITAL), "m1")))
                assert message is not None
                assert (message.accepted_at, message.until_at) == (NOW, NOW + DELIVERY_LIFE_S)

        run(story())


class TestProviders:
    def test_one_that_is_not_reached_gets_it_later_without_a_mark(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.provider.behave = _fails(Code.NETWORK_ERROR)
                await town.accept("m1", service=ODD)
                await town.pass_time(600)
                town.provider.behave = lambda _: None
                await town.pass_time(600)
                assert set(town.provider.unmarked.values()) == {1}

        run(story())

    @pytest.mark.parametrize("code", [429, 503])
    def test_one_that_says_not_now_is_asked_when_it_said(self, tmp_path: Path, code: int) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                busy = Answer(code, b"", ((b"Retry-After", b"900"),), Whole(b""))
                town.provider.behave = lambda _: busy
                await town.accept("m1", service=ODD)
                await town.pass_time(890, step=10)
                assert town.provider.order == ["m1"]
                town.provider.behave = lambda _: None
                await town.pass_time(20, step=10)
                assert (await town.a.get("m1/answer")).status == 200

        run(story())

    def test_one_that_breaks_off_is_asked_again_with_a_mark_then_set_aside(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.provider.behave = _fails(Code.SERVICE_FAILED, {"poison"})
                await town.accept("poison")
                await town.accept("m1")
                await town.pass_time(1_200, step=5)
                assert (await status(town.a, "m1")).state == "answered", "it holds nobody up"
                (message,) = await town.b.office.desk.aside()
                assert (message.message_id, message.handings) == ("poison", 5)
                town.provider.behave = lambda _: None
                await town.b.office.desk.revive_aside(encoded(HOSPITAL), "poison")
                await town.settle()
                assert last_of(town.provider.seen[-1].fields, b"x-banyan-again") == b"5"
                await town.settle()
                assert (await status(town.a, "poison")).state == "answered"

        run(story())

    def test_one_that_knows_nothing_again_is_never_asked_twice(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.provider.behave = _fails(Code.SERVICE_FAILED)
                await town.accept("m1", service=ODD)
                await town.accept("m2", service=ODD, verb="PUT")
                await town.settle()
                asides = await town.b.office.desk.aside()
                assert [message.message_id for message in asides] == ["m1"], "a PUT may be repeated"
                await town.b.office.desk.discard_aside(encoded(HOSPITAL), "m1", "The clerk looked: it was not stored.")
                await town.settle()
                got = await town.a.get("m1/answer")
                assert got.status == 500
                assert b"The clerk looked: it was not stored." in content(got)

        run(story())

    def test_order_is_kept_where_it_is_asked_for(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.deaf = lambda _: town.random.random() < 0.4
                town.provider.behave = _sometimes(town)
                for number in range(30):
                    await town.accept(f"m{number:02}", fields=((b"X-Banyan-Order", b"yes"),))
                await town.pass_time(6 * 3_600, step=30)
                first = list(dict.fromkeys(town.provider.order))
                assert first == [f"m{number:02}" for number in range(30)]

        run(story())

    def test_a_message_too_late_for_its_provider_is_refused_to_its_client(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.provider.behave = _fails(Code.NETWORK_ERROR)
                await town.accept("m1", fields=((b"X-Banyan-Within", b"600"),))
                await town.pass_time(1_200, step=30)
                got = await town.a.get("m1/answer")
                assert b"in time" in content(got)
                assert town.provider.order == []

        run(story())


class TestKeeping:
    def test_an_answer_that_is_not_fetched_is_put_away(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1")
                await town.settle()
                town.now += DELIVERY_ANSWER_KEPT_S + 1
                await sweep(town.a.means)
                assert (await status(town.a)).state == "closed"
                assert await leftovers(town.a) == (0, [])
                town.now += DAY + 1
                await sweep(town.a.means)
                assert await town.a.store.read(lambda tx: sent.find(tx, (encoded(HOSPITAL), "m1"))) is None

        run(story())

    def test_what_a_crash_left_in_files_goes_at_the_next_start(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:

                def full(point: str) -> None:
                    if point == "sent.before-commit":
                        raise Problem("The disk failed.")

                town.a.trip = full
                with pytest.raises(Problem):
                    await town.accept("m1", bytes(DELIVERY_INLINE_BYTES + 1))
                assert len((await leftovers(town.a))[1]) == 1
                town.a.trip = lambda _: None
                await town.restart(town.a)
                assert await leftovers(town.a) == (0, [])

        run(story())

    def test_the_desk_shows_each_line(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                town.parted = True
                await town.accept("m1")
                await town.accept("m2")
                await town.settle()
                (line,) = await town.a.office.desk.lines()
                assert (line.way, line.name, line.state, line.count, line.oldest) == (
                    "out", "TW/GOV/NHI", "waiting", 2, NOW,
                )  # fmt: skip

        run(story())


def _fails(code: Code, names: set[str] | None = None):  # type: ignore[no-untyped-def]
    def behave(call):  # type: ignore[no-untyped-def]
        if names is None or call.message_id in names:
            raise Fault(Origin.SERVER_PROXY, code, message="The provider cannot be asked.")

    return behave


def _sometimes(town: Town):  # type: ignore[no-untyped-def]
    def behave(call):  # type: ignore[no-untyped-def]
        if town.random.random() < 0.3:
            raise Fault(Origin.SERVER_PROXY, Code.NETWORK_ERROR, message="The provider cannot be asked.")

    return behave


class TestLooksThatAreOld:
    def test_a_message_that_was_handed_since_it_was_looked_at_is_left_alone(self, tmp_path: Path) -> None:
        """The look and the hand-over are two moments; in between the provider may have broken off under it."""

        async def story() -> None:
            async with Town(tmp_path) as town:
                await town.accept("m1")
                await town.a.office.sender.sending.turn()
                key = received.Key(encoded(HOSPITAL), "m1")
                old = await town.b.store.read(lambda tx: received.find(tx, key))
                assert old is not None
                town.provider.behave = _fails(Code.SERVICE_FAILED)
                await town.b.office.receiver.handing.turn()
                town.provider.behave = lambda _: None
                assert await town.b.office.receiver.carry(old) is None
                assert town.provider.order == []
                await town.pass_time(60, step=5)
                assert last_of(town.provider.seen[-1].fields, b"x-banyan-again") == b"1"

        run(story())
