"""Attacks on answers by somebody between the gateways who holds both TLS keys: the client hears nothing that is not so.

What the service did, it did: B logs it as served. A gives no answer on that is not the one to its own call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
from tests.kernel.exchange.road.attacks.between import Message, Trick, in_between
from tests.kernel.exchange.road.attacks.siege import HONEST, Siege, a_siege
from tests.kernel.exchange.road.pair import ECHO, Reply

from banyan.wire.httpsig.digest import digest_field

PROXY = "Server.ClientProxy."
VERIFICATION = PROXY + "SignatureVerification."
BODIES = [b'{"value": 1}', b'{"value": 2}']


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with a_siege(tmp_path_factory.mktemp("siege")) as made:
        yield made


def under(siege: Siege, trick: Trick, together: int = 1) -> list[Reply]:
    """What the client of each of `together` calls gets; A has logged none of them as answered well, unless it was."""
    logged = len(siege.road.a.log.kept)

    async def story() -> list[Reply]:
        async with in_between(siege) as between:
            between.trick, between.together = trick, together
            calls = [siege.road.call("POST", ECHO, HONEST, body) for body in BODIES[:together]]
            return list(await asyncio.gather(*calls))

    replies = siege.run(story())
    good = sum(reply.status == 200 for reply in replies)
    assert sum(not one.fault for one in siege.road.a.log.kept[logged:]) == good
    assert siege.road.reported == []
    siege.serves()
    return replies


def test_who_only_passes_on_is_not_noticed(siege: Siege) -> None:
    """Else every refusal below could be of the tool's own making."""
    replies = under(siege, lambda answers: answers, together=2)
    assert sorted(reply.body for reply in replies) == BODIES


def test_answers_swapped_between_two_calls(siege: Siege) -> None:
    """Both are signed by the provider, both are fresh; each is to the other call."""
    replies = under(siege, lambda answers: answers[::-1], together=2)
    assert [reply.fields["x-road-error"] for reply in replies] == [VERIFICATION + "InvalidSignatureValue"] * 2


def test_an_answer_recorded_from_an_earlier_call_to_the_same_address(siege: Siege) -> None:
    record: list[Message] = []

    def keep(answers: list[Message]) -> list[Message]:
        record.extend(answers)
        return answers

    assert under(siege, keep)[0].status == 200
    (reply,) = under(siege, lambda answers: record[:1])
    assert reply.fields["x-road-error"] == VERIFICATION + "InvalidSignatureValue"


def other_body(message: Message) -> Message:
    return msgspec.structs.replace(message, body=message.body.replace(b"1", b"9"))


def other_body_and_digest(message: Message) -> Message:
    changed = other_body(message)
    return changed.put(b"content-digest", digest_field(changed.body).encode())


def other_status(message: Message) -> Message:
    return msgspec.structs.replace(message, start=b"HTTP/1.1 404 Not Found")


def with_line(name: bytes, value: bytes) -> Trick:
    return lambda answers: [msgspec.structs.replace(one, lines=(*one.lines, (name, value))) for one in answers]


def forged_fault(message: Message) -> Message:
    """A refusal needs no signature, and its code goes on in a header field: this one brings lines, and an answer."""
    bare = message.drop(b"signature", b"signature-input", b"content-type", b"content-length")
    code = "Server.X\\r\\nContent-Length: 0\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\nX: "
    body = f'{{"type":"{code}","message":"value","detail":"c"}}'.encode()
    lines = ((b"x-road-error", b"Server.X"), (b"content-type", b"application/json"))
    return Message(message.start, (*bare.lines, *lines, (b"content-length", b"%d" % len(body))), body)


TRICKS: dict[str, tuple[Trick, str]] = {
    "a_fault_that_opens_lines": (
        lambda answers: [forged_fault(one) for one in answers],
        PROXY + "InconsistentResponse",
    ),
    "another_body": (lambda answers: [other_body(one) for one in answers], PROXY + "InvalidBody"),
    "another_body_and_its_digest": (
        lambda answers: [other_body_and_digest(one) for one in answers],
        VERIFICATION + "InvalidSignatureValue",
    ),
    "another_status": (lambda answers: [other_status(one) for one in answers], VERIFICATION + "InvalidSignatureValue"),
    "another_type": (
        lambda answers: [one.put(b"content-type", b"text/html") for one in answers],
        VERIFICATION + "InvalidSignatureValue",
    ),
    "a_field_of_the_envelope_added": (with_line(b"x-road-userid", b"EE1"), VERIFICATION + "InvalidReference"),
    "no_signature": (
        lambda answers: [one.drop(b"signature", b"signature-input") for one in answers],
        VERIFICATION + "InvalidReference",
    ),
    "no_signature_and_made_a_fault": (
        lambda answers: [
            msgspec.structs.replace(
                one.drop(b"signature", b"signature-input"),
                lines=(*one.drop(b"signature", b"signature-input").lines, (b"x-road-error", b"forged")),
            )
            for one in answers
        ],
        PROXY + "InconsistentResponse",
    ),
    "another_request_hash": (
        lambda answers: [one.put(b"x-road-request-hash", b"AAAA") for one in answers],
        VERIFICATION + "InvalidSignatureValue",
    ),
    "cut_short": (
        lambda answers: [
            msgspec.structs.replace(one, body=one.body[:-1]).put(b"content-length", b"%d" % (len(one.body) - 1))
            for one in answers
        ],
        PROXY + "InvalidBody",
    ),
}


@pytest.mark.parametrize("name", TRICKS)
def test_an_answer_changed_on_its_way(siege: Siege, name: str) -> None:
    trick, error = TRICKS[name]
    (reply,) = under(siege, trick)
    assert reply.fields["x-road-error"] == error, reply
    assert b"value" not in reply.body, "nothing of what came is handed on"


def test_an_answer_that_is_no_http_or_two_answers(siege: Siege) -> None:
    """Bytes behind the answer wait for the next call on that connection, which must not take them for its own."""
    for start, error in ((b"HTTP/1.1 20x OK", PROXY + "HttpError"), (b"HTTP/2 200 OK", PROXY + "HttpError")):
        (reply,) = under(siege, lambda answers, start=start: [msgspec.structs.replace(answers[0], start=start)])  # type: ignore[misc]
        assert reply.fields["x-road-error"] == error

    def doubled(answers: list[Message]) -> list[Message]:
        (one,) = answers
        return [msgspec.structs.replace(one, lines=one.lines, body=one.body + one.encoded())]

    (reply,) = under(siege, doubled)
    assert (reply.status, reply.body) == (200, BODIES[0])
    (reply,) = under(siege, lambda answers: answers)
    assert (reply.status, reply.body) == (200, BODIES[0])
