"""Using witnesses: those that cosign are in the checkpoint, and what the others do wrong costs a bounded time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.ledger.conftest import KEYS, ORIGIN, OpenLedger
from tests.kernel.ledger.test_log import LOGS, NOW
from tests.kernel.ledger.witnesses import Respond, a_server, our_witness, witness_keys

from banyan.kernel.ledger.cosigning import Cosigner, Cosigning
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.ledger.witness import SIZE_MEDIA_TYPE, Answer
from banyan.limits import WITNESS_ANSWER_BYTES, WITNESS_FAILURES, WITNESS_REST_S, WITNESS_WAIT_S
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.policy import Policy, parse_policy
from banyan.wire.tlog.proof import parse_add_checkpoint, verify_receipt

WAIT_S = 2.0


def a_policy(urls: dict[int, str], quorum: str = "any") -> Policy:
    lines = [f"witness w{number} {witness_keys(number).witness_vkey} {url}" for number, url in urls.items()]
    names = " ".join(f"w{number}" for number in urls)
    return parse_policy("\n".join([*lines, f"group all-of-us {quorum} {names}", "quorum all-of-us"]))


class Told(list[Cosigning]):
    """What the cosigner reported."""

    @property
    def results(self) -> list[str]:
        return [one.result for one in self[-1].witnesses]


def cosigning(policy: Policy, told: Told, wait_s: float = 20.0) -> Cosigner:
    return Cosigner(policy, clock=lambda: float(NOW), report=told.append, wait_s=wait_s)


async def published(ledger: Ledger, cosigner: Cosigner) -> bytes:
    await ledger.append(act_entry("order", id=str((await ledger.head()).entries)))
    assert await ledger.publish(NOW, cosigner) is not None
    return (await ledger.head()).checkpoint


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_two_witnesses_cosign_a_log_as_it_grows(open_ledger: OpenLedger, tmp_path: Path) -> None:
    told = Told()
    with ExitStack() as stack:
        urls = {
            number: stack.enter_context(
                our_witness(tmp_path / f"w{number}", witness_keys(number), {ORIGIN: KEYS.vkeys}, lambda: NOW)
            )
            for number in (1, 2)
        }
        policy = a_policy(urls, "all")

        async def story() -> None:
            ledger, cosigner = open_ledger(), cosigning(policy, told)
            for _ in range(3):
                signed = await published(ledger, cosigner)
                assert (told[-1].is_met, told.results) == (True, ["cosigned", "cosigned"])
            witnesses = [one.verifier for one in policy.witnesses]
            good, _ = note.verified(note.parse(signed), [*LOGS, *witnesses])
            assert len(good) == 4
            receipt = await ledger.receipt(0)
            assert receipt is not None
            verify_receipt(receipt, await ledger.entry(0), logs=LOGS, witnesses=witnesses, quorum=2)
            # A log that forgot what its witnesses hold is told by their 409 and proves from there.
            forgetful = cosigning(policy, told)
            await ledger.append(act_entry("order", id="more"))
            tree, old = await ledger.tree(), (await ledger.head()).published
            await ledger.publish(NOW)
            head = await ledger.head()
            cosigned = note.parse(await forgetful(0, head.checkpoint, tree))
            assert told.results == ["cosigned", "cosigned"]
            assert len(note.verified(cosigned, [*LOGS, *witnesses])[0]) == 4
            assert old < head.published

        run(story)


def lie(change: Callable[[str], str]) -> Respond:
    """The right cosignature of the right key, changed."""

    def respond(body: bytes) -> Answer:
        text = parse_add_checkpoint(body).opened()[0].text
        return Answer(200, change(witness_keys(1).cosign(text, NOW).line))

    return respond


def flipped(line: str) -> str:
    return line[:-6] + ("A" if line[-6] != "A" else "B") + line[-5:]


def size(text: str, media_type: str = SIZE_MEDIA_TYPE) -> Respond:
    return lambda body: Answer(409, text, media_type)


@pytest.mark.parametrize(
    ("respond", "result"),
    [
        (lie(flipped), "lied"),
        (lie(lambda line: ""), "lied"),
        (lie(lambda line: "no line\n"), "lied"),
        (lie(lambda line: witness_keys(2).cosign("x\n1\n" + "A" * 43 + "=\n", NOW).line), "lied"),
        (lambda body: Answer(200, witness_keys(1).cosign(parse_add_checkpoint(body).opened()[0].text, 1).line), "lied"),
        (lambda body: Answer(200, "x" * (WITNESS_ANSWER_BYTES + 1)), "unreachable"),
        (lambda body: Answer(500, "no"), "refused"),
        (lambda body: Answer(302, ""), "refused"),
        (lambda body: Answer(403, "invalid signature\n"), "refused"),
        (lambda body: Answer(422, "inconsistent\n"), "forked"),
        (size("999999\n"), "ahead"),
        (size("0\n"), "forked"),
        (size("-1\n"), "refused"),
        (size("1\n", "text/plain"), "refused"),
        (lambda body: None, "late"),
    ],
)  # fmt: skip
def test_what_one_witness_does_wrong_costs_only_its_cosignature(
    open_ledger: OpenLedger, tmp_path: Path, respond: Respond, result: str
) -> None:
    told = Told()
    with (
        a_server(respond) as bad,
        our_witness(tmp_path / "w2", witness_keys(2), {ORIGIN: KEYS.vkeys}, lambda: NOW) as good,
    ):
        policy = a_policy({1: bad, 2: good})

        async def story() -> None:
            started = time.monotonic()
            signed = await published(open_ledger(), cosigning(policy, told, 20.0 if result != "late" else WAIT_S))
            assert told.results == [result, "cosigned"]
            assert told[-1].is_met, "any one is enough"
            assert time.monotonic() - started < WAIT_S + WITNESS_WAIT_S
            parsed = note.parse(signed)
            assert len(note.verified(parsed, [*LOGS, *(one.verifier for one in policy.witnesses)])[0]) == 3

        run(story)


def test_dead_and_silent_witnesses_hold_a_checkpoint_up_for_a_bounded_time(open_ledger: OpenLedger) -> None:
    """Nobody listens at the first; the second takes the request and says nothing, also at the next checkpoint."""
    told = Told()
    with a_server(lambda body: None) as silent:
        with a_server(lambda body: None) as dead:
            pass
        policy = a_policy({1: dead, 2: silent})

        async def story() -> None:
            ledger, cosigner = open_ledger(), cosigning(policy, told, WAIT_S)
            started = time.monotonic()
            signed = await published(ledger, cosigner)
            assert WAIT_S <= time.monotonic() - started < WAIT_S + WITNESS_WAIT_S
            assert told.results == ["unreachable", "late"]
            assert not told[-1].is_met
            assert len(note.verified(note.parse(signed), LOGS)[0]) == 2, "it is published all the same"
            await published(ledger, cosigner)
            assert told.results[0] == "unreachable"
            assert told.results[1] in ("busy", "late", "unreachable")
            cosigner.close()

        run(story)


def test_a_witness_that_always_asks_for_another_size_is_given_up(open_ledger: OpenLedger) -> None:
    told, sizes = Told(), iter((1, 2, 0, 1, 2))
    with a_server(lambda body: Answer(409, f"{next(sizes)}\n", SIZE_MEDIA_TYPE)) as url:

        async def story() -> None:
            ledger = open_ledger()
            for number in range(4):
                await ledger.append(act_entry("order", id=str(number)))
            await published(ledger, cosigning(a_policy({1: url}), told, 10.0))
            assert told.results == ["out-of-step"]

        run(story)


def test_a_checkpoint_without_witnesses_is_the_logs_own(open_ledger: OpenLedger) -> None:
    told = Told()

    async def story() -> None:
        signed = await published(open_ledger(), cosigning(parse_policy("quorum none\n"), told))
        assert len(note.parse(signed).signatures) == 2
        assert told[-1].is_met

    run(story)


def test_a_witness_that_keeps_failing_rests_and_is_asked_again(open_ledger: OpenLedger, tmp_path: Path) -> None:
    """While it rests it gets no request at all; then one: it failed again, and rests for twice as long."""
    told, now, calls = Told(), [float(NOW)], []

    def refuse(body: bytes) -> Answer:
        calls.append(body)
        return Answer(500, "no")

    with a_server(refuse) as bad:
        policy = a_policy({1: bad})

        async def story() -> None:
            ledger = open_ledger()
            cosigner = Cosigner(policy, clock=lambda: now[0], report=told.append, wait_s=20.0)

            async def next_result() -> str:
                await published(ledger, cosigner)
                return told.results[0]

            assert [await next_result() for _ in range(5)] == ["refused"] * WITNESS_FAILURES + ["resting"] * 2
            assert len(calls) == WITNESS_FAILURES
            for rest_s in (WITNESS_REST_S, 2 * WITNESS_REST_S):
                now[0] += rest_s - 1
                assert await next_result() == "resting"
                now[0] += 1
                assert await next_result() == "refused"
            assert len(calls) == WITNESS_FAILURES + 2

        run(story)


def test_a_checkpoint_gets_the_cosignature_it_lacks_later_and_each_only_once(
    open_ledger: OpenLedger, tmp_path: Path
) -> None:
    told, is_up, asked = Told(), [False], []

    def respond(body: bytes) -> Answer:
        asked.append(body)
        text = parse_add_checkpoint(body).opened()[0].text
        return Answer(200, witness_keys(1).cosign(text, NOW).line) if is_up[0] else Answer(503, "down")

    with (
        a_server(respond) as first,
        our_witness(tmp_path / "w2", witness_keys(2), {ORIGIN: KEYS.vkeys}, lambda: NOW) as second,
    ):
        policy = a_policy({1: first, 2: second}, "all")

        async def story() -> None:
            ledger, cosigner = open_ledger(), cosigning(policy, told)
            assert not await ledger.cosign_again(cosigner), "an empty log has nothing to cosign"
            await published(ledger, cosigner)
            assert (cosigner.is_met, told.results) == (False, ["refused", "cosigned"])
            assert not await ledger.cosign_again(cosigner)
            is_up[0] = True
            restarted = open_ledger()
            assert await restarted.cosign_again(cosigner)
            assert (cosigner.is_met, told.results) == (True, ["cosigned", "cosigned"])
            head, (kept,) = await restarted.head(), await restarted.checkpoints(1)
            assert kept.signed == head.checkpoint
            verifiers = [one.verifier for one in policy.witnesses]
            assert len(note.verified(note.parse(head.checkpoint), [*LOGS, *verifiers])[0]) == 4
            before = len(asked)
            assert not await restarted.cosign_again(cosigner), "both are there"
            assert len(asked) == before

        run(story)


def test_the_keys_of_witnesses_are_of_their_own_kind() -> None:
    assert verifier_of(witness_keys(1).witness_vkey).name == "agency1.example/witness"
