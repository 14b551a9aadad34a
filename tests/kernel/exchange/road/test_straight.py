"""The straight way takes usual calls only, and answers, sends and logs what the general way would."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, NOW, PRODUCER, Reply, Road, Seen, a_pair, said
from tests.kernel.exchange.road.test_refusals import CASES
from tests.kernel.exchange.road.ways import eager

from banyan.kernel.exchange.road.head import read_request, read_response
from banyan.kernel.exchange.road.model import Exchanged, Grant
from banyan.kernel.exchange.road.straight import forms
from banyan.kernel.exchange.road.straight.forms import Book
from banyan.wire.httpsig.message import Request as SignedRequest
from banyan.wire.httpsig.message import Response as SignedResponse
from banyan.wire.httpsig.message import fields_of
from banyan.wire.httpsig.peer import verify_request, verify_response
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.identifiers import parse_client

USUAL = {"X-Road-Client": CONSUMER, "Content-Type": "application/json", "X-Road-Id": "call-1"}
OURS = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9+/_-]{22,}={0,2}|127\.0\.0\.1:\d+")
"""What differs from run to run: ids, hashes, signatures, ports."""
Story = Callable[[Road], Awaitable[None]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Book, "find", eager)


def told(folder: Path, story: Story, **sides: Any) -> None:
    async def whole() -> None:
        async with a_pair(folder, **sides) as road:
            await warm(road)
            await story(road)

    asyncio.run(asyncio.wait_for(whole(), 60))


async def warm(road: Road) -> None:
    """Connections stand; two calls went the straight way at both gateways."""
    for _ in range(3):
        assert (await road.call("POST", ECHO, USUAL, b"{}")).status == 200
    assert taken(road) == (2, 2), "the first has no connection yet"


def taken(road: Road) -> tuple[int, int]:
    return road.a.gateway.asking.taken, road.b.gateway.answering.taken


def plain(text: bytes) -> bytes:
    return OURS.sub(b"#", text)


def shown(reply: Reply) -> tuple[object, ...]:
    return reply.status, [(name, plain(value.encode())) for name, value in reply.lines], reply.body


def logged(one: Exchanged) -> object:
    signed = [(message.line, plain(message.text)) for message in (one.request, one.answer) if message is not None]
    return (
        one.role,
        one.client,
        one.service,
        one.message_id,
        one.at,
        one.status,
        one.fault,
        one.purpose,
        one.basis,
        signed,
    )


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", [None, b"{}", b"x" * 30_000])
def test_both_ways_send_log_and_answer_the_same(
    tmp_path: Path, verb: str, body: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {
        **USUAL,
        "X-Road-UserId": "EE1",
        "X-Banyan-Purpose": "tax",
        "X-Other": "a % b",
        "Accept": "*/*",
        "Connection": "keep-alive",
    }

    async def story(road: Road) -> None:
        road.b.grants.give(CONSUMER, road.offer(f"{PRODUCER}/sub/echo"), purposes={"tax": "act@1"}, keep_bodies_s=9.0)
        road.service.script = lambda seen: said(
            seen.body, [("X-Their", "1"), ("Server", "s"), ("Date", "now")], "201 Made"
        )
        found = []
        for find in (eager, lambda book, data: None):
            monkeypatch.setattr(Book, "find", find)
            before = taken(road)
            reply = await road.call(verb, ECHO + "/a%20b/c?x=1&y=%2F", sent, body)
            kept = [keeper.log.kept[-1] for keeper in (road.a, road.b)]
            seen = road.service.seen[-1]
            fields = [(name, plain(value.encode())) for name, value in seen.fields]
            found.append((shown(reply), list(map(logged, kept)), (seen.verb, seen.target, fields, seen.body)))
            went = (taken(road)[0] - before[0], taken(road)[1] - before[1])
            assert went == ((1, 1) if find is eager else (0, 0))
        assert found[0] == found[1]
        assert road.reported == []

    told(tmp_path, story)


def test_what_it_signs_verifies_and_is_bound_together(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        await road.call("POST", ECHO + "/x?y", USUAL, b"in")
        ours, theirs = road.a.log.kept[-1], road.b.log.kept[-1]
        assert ours.answer.fields[:-2] == theirs.answer.fields, "but for length and date"
        for one in (ours, theirs):
            lines = fields_of([field for field in one.request.fields if field[0] not in (b"host", b"content-length")])
            target = one.request.line.split(b"\r\n")[1].decode()
            request = SignedRequest("POST", one.request.authority, target, lines)
            assert verify_request(request, road.directory.keys, NOW).nonce
            answer = SignedResponse(200, fields_of(one.answer.fields))
            assert verify_response(answer, request, road.directory.keys, NOW).keyid.startswith(PRODUCER)

    told(tmp_path, story)


@pytest.mark.parametrize("name", CASES)
def test_whatever_ends_a_right_ends_it_for_the_next_call(tmp_path: Path, name: str) -> None:
    """Each refusal of the general way, of a client whose calls have gone the straight way."""
    prepare, code, words = CASES[name]

    async def story(road: Road) -> None:
        prepare(road)
        reply = await road.call("POST", ECHO, USUAL, b"{}")
        assert (reply.status, reply.fields.get("x-road-error"), reply.json["type"]) == (500, code, code)
        assert words in reply.json["message"]
        if code.startswith("Server.ServerProxy."):
            assert road.a.log.kept[-1].fault, "who asked keeps what was refused"

    told(tmp_path, story)


def withdrawn(road: Road) -> None:
    grant = road.b.grants.granted[parse_client(CONSUMER), next(iter(road.b.grants.by_service))]
    road.b.grants.give(CONSUMER, grant.service, Endpoint("POST", "/other"))


def lapsed(road: Road) -> None:
    (key,) = road.b.grants.granted
    old: Grant = road.b.grants.granted[key]
    road.b.grants.granted[key] = Grant(old.client, old.service, old.rights, until=NOW)


def another_member_s_key(road: Road) -> None:
    for keyid, (keys, _) in list(road.directory.by_keyid.items()):
        road.directory.by_keyid[keyid] = keys, parse_client("EE/BUSINESS/nobody")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (withdrawn, "AccessDenied"),
        (lapsed, "AccessDenied"),
        (another_member_s_key, "InconsistentHeaders"),
        (lambda road: road.directory.served.clear(), "SslAuthenticationFailed"),
        (lambda road: setattr(road.directory, "by_keyid", {}), "KeyNotFound"),
        (lambda road: setattr(road.directory, "state", "expired"), ""),
    ],
)
def test_other_ends(tmp_path: Path, change: Callable[[Road], None], code: str) -> None:
    async def story(road: Road) -> None:
        change(road)
        reply = await road.call("POST", ECHO, USUAL, b"{}")
        assert reply.status == 500
        assert code in reply.fields["x-road-error"]
        assert len(road.service.seen) == 3, "the service was not asked"

    told(tmp_path, story)


def test_a_grant_s_rate_counts_both_ways_together(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        road.b.grants.give(CONSUMER, next(iter(road.b.grants.by_service)), per_minute=77, priority="crisis")
        await road.call("POST", ECHO, USUAL, b"{}")
        assert road.b.services.entered[-1] == (parse_client(CONSUMER), "crisis", 77)

    told(tmp_path, story)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (said(b"", (), "204 Nothing"), 204),
        (said(b"no", [("Content-Type", "text/plain")], "404 Not Found"), 404),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", 200),
        (said(b"y" * 300_000), 200),
        (said(b"", [("Vary", "a"), ("Vary", "b")]), 200),
        (b"HTTP/1.1 103 Early\r\n\r\n" + said(b"ab"), 200),
    ],
)
def test_answers_of_other_forms_come_by_the_general_way(tmp_path: Path, answer: bytes, status: int) -> None:
    async def story(road: Road) -> None:
        road.service.script = lambda seen: answer
        for _ in range(2):
            reply = await road.call("POST", ECHO, USUAL, b"{}")
            assert reply.status == status
            assert [keeper.log.kept[-1].status for keeper in (road.a, road.b)] == [status, status]
        assert road.reported == []

    told(tmp_path, story)


def test_an_answer_in_two_pieces_is_one(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        whole = said(b"0123456789", [("Content-Type", "text/plain")])

        async def in_pieces(seen: Seen) -> bytes:
            link = next(iter(road.b.provider.pool._links))
            for end in range(1, len(whole)):
                link.data_received(whole[end - 1 : end])
            return whole[-1:]

        for _ in range(2):
            road.service.script = in_pieces
            assert (await road.call("POST", ECHO, USUAL, b"{}")).body == b"0123456789"

    told(tmp_path, story)


@pytest.mark.parametrize(("verb", "status"), [("GET", 200), ("PUT", 200), ("POST", 500)])
def test_a_service_that_breaks_off_is_asked_again_only_if_that_does_no_harm(
    tmp_path: Path, verb: str, status: int
) -> None:
    async def story(road: Road) -> None:
        asked: list[Seen] = []

        async def breaks(seen: Seen) -> bytes:
            asked.append(seen)
            if len(asked) == 1:
                raise ConnectionError
            return said(b"ok")

        road.service.script = breaks
        reply = await road.call(verb, ECHO, USUAL, b"{}" if verb != "GET" else None)
        assert (reply.status, len(asked)) == (status, 2 if status == 200 else 1)
        assert {keeper.log.kept[-1].status for keeper in (road.a, road.b)} == {status}

    told(tmp_path, story)


def test_a_gateway_that_stops_ends_what_it_has_taken(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        came, go = asyncio.Event(), asyncio.Event()

        async def waits(seen: Seen) -> bytes:
            came.set()
            await go.wait()
            return said(b"late", [("Content-Type", "application/json")])

        road.service.script = waits
        asked = asyncio.create_task(road.call("POST", ECHO, USUAL, b"{}"))
        await came.wait()
        assert taken(road) == (3, 3)
        stopping = [asyncio.create_task(keeper.gateway.stop(30.0)) for keeper in (road.a, road.b)]
        await asyncio.sleep(0)
        go.set()
        reply = await asked
        assert (reply.status, reply.body, reply.fields["connection"]) == (200, b"late", "close")
        await asyncio.gather(*stopping)

    told(tmp_path, story)


@pytest.mark.parametrize("grace_s", [0.0, 0.01])
def test_a_gateway_that_waited_long_enough_forsakes_the_rest(tmp_path: Path, grace_s: float) -> None:
    async def story(road: Road) -> None:
        came = asyncio.Event()

        async def never(seen: Seen) -> bytes:
            came.set()
            await asyncio.Event().wait()
            return b""

        road.service.script = never
        asked = asyncio.create_task(road.call("POST", ECHO, USUAL, b"{}"))
        await came.wait()
        assert taken(road) == (3, 3)
        await road.a.gateway.stop(grace_s)
        await road.b.gateway.stop(grace_s)
        with pytest.raises(ConnectionError):
            await asked
        left = [one.get_coro().__qualname__ for one in asyncio.all_tasks()]  # type: ignore[union-attr]  # coroutines
        assert not [name for name in left if name.startswith("Connection.")]

    told(tmp_path, story)


def test_a_client_that_goes_away_leaves_its_call_in_both_logs(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        came, go = asyncio.Event(), asyncio.Event()

        async def waits(seen: Seen) -> bytes:
            came.set()
            await go.wait()
            return said(b"late", [("Content-Type", "application/json")])

        road.service.script = waits
        _, writer = await asyncio.open_connection("127.0.0.1", road.a.gateway.edge_port)
        head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "a", **USUAL, "Content-Length": "2"}.items())
        writer.write(f"POST {ECHO} HTTP/1.1\r\n{head}\r\n{{}}".encode())
        await came.wait()
        assert taken(road) == (3, 3)
        writer.transport.abort()
        go.set()
        while len(road.a.log.kept) < 4:
            await asyncio.sleep(0)
        assert [keeper.log.kept[-1].status for keeper in (road.a, road.b)] == [200, 200]
        assert (await road.call("POST", ECHO, USUAL, b"{}")).status == 200

    told(tmp_path, story)


def test_requests_behind_one_another_are_answered_in_their_order(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", road.a.gateway.edge_port)
        for number in range(3):
            fields = {"Host": "a", **USUAL, "Content-Length": "1"}
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            writer.write(f"POST {ECHO} HTTP/1.1\r\n{head}\r\n{number}".encode())
            await asyncio.sleep(0)
        for number in range(3):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            assert head.startswith("HTTP/1.1 200 OK\r\n")
            assert await reader.readexactly(1) == b"%d" % number
        writer.close()

    told(tmp_path, story)


NAMES = st.sampled_from(["Host", "X-Road-Client", "Accept", "content-length", "X-A", "Date", "Connection", "x-road-id"])
VALUES = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=6) | st.sampled_from(
    ["a b", "0", "12", "x:"]
)
PIECES = st.lists(st.tuples(NAMES, st.sampled_from([":", ": ", ":  ", " : "]), VALUES), max_size=5)


@given(PIECES, st.sampled_from(["\r\n", "\n", "\r"]), st.booleans())
def test_a_form_reads_what_the_general_reader_reads_or_nothing(
    pieces: list[tuple[str, str, str]], end: str, is_request: bool
) -> None:
    first = "GET /r1/a/b/c/d/e/f?g HTTP/1.1" if is_request else "HTTP/1.1 200 OK"
    data = "".join([first, "\r\n", *[name + colon + value + end for name, colon, value in pieces], "\r\n"]).encode(
        "latin-1"
    )
    names = [name.encode() for name, _, _ in pieces]
    form = forms.request_form(names) if is_request else forms.answer_form(names)
    found = form.read(data) if form is not None else None
    if form is None or found is None:
        return
    assert found.end() == len(data)
    if is_request and b"Host" not in names:
        return  # such a head has no plan
    head = read_request(data[:-4]) if is_request else read_response(data[:-4], "GET")
    read = {low: [found.group(place + 1).decode()] for low, place in form.place.items()}
    assert read == head.named
