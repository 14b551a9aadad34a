"""A call through two real gateways: what travels, what is added, what is kept, and what may be swapped meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from tests.kernel.exchange.road.pair import (
    CONSUMER,
    ECHO,
    NOW,
    PRODUCER,
    PlainGrants,
    Road,
    Seen,
    a_key,
    a_pair,
    an_identity,
    keyid_of,
    said,
)

from banyan.errors import Conflict
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.desk import Local, Signing
from banyan.kernel.exchange.road.leg import off_leg, onto_leg
from banyan.kernel.exchange.road.model import Answer, Body, Call, Delivery, Request, Response, Timing
from banyan.kernel.exchange.road.pages import Placed
from banyan.kernel.exchange.road.spool import EMPTY, Held
from banyan.kernel.exchange.road.tls import fingerprint_of_pem
from banyan.limits_road import ROAD_SERVICE_IDLE_S
from banyan.wire.httpsig.keys import signer_of, verifier_of
from banyan.wire.httpsig.message import Request as SignedRequest
from banyan.wire.httpsig.message import fields_of
from banyan.wire.httpsig.peer import Keys, verify_request
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import parse_client
from banyan.wire.xroad.target import parse_target

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def told(folder: Path, story: Callable[[Road], Awaitable[None]], **sides: Any) -> None:
    async def whole() -> None:
        async with a_pair(folder, **sides) as road:
            await story(road)
            assert road.reported == [], road.reported

    asyncio.run(asyncio.wait_for(whole(), 60))


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_call_goes_through_two_gateways_and_back(tmp_path: Path, new_loop: Callable[[], Any]) -> None:
    async def story() -> None:
        async with a_pair(tmp_path) as road:
            for at in range(3):
                reply = await road.call("POST", ECHO + "/path%3B/?a=%20", None, b'{"value": 42}')
                assert (reply.status, reply.json) == (200, {"value": 42}), (reply, road.reported)
                seen = road.service.seen[at]
                assert (seen.target, seen.get("Content-Length")) == ("/path%3B/?a=%20", "13")
            assert [one.xid for one in road.a.log.kept] == [one.xid for one in road.b.log.kept]
            assert {one.role for one in road.a.log.kept} == {"client"}
            assert {one.role for one in road.b.log.kept} == {"provider"}
            assert [len(one.gateway.pool._links) for one in (road.a, road.b)] == [1, 0], "the link is used again"

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.wait_for(story(), 60))


def test_fields_travel_both_ways_as_they_were_spelt(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        road.service.script = lambda seen: said(
            b"ok",
            [
                ("Date", "today"),
                ("Date", "again"),
                ("X-Road-Id", "his"),
                ("Server", "x"),
                ("eTag", '"1"'),
                ("Via", "a"),
                ("Via", "b"),
            ],
        )
        sent = {
            "x-ROAD-client": CONSUMER,
            "X-Road-UserId": "EE1",
            "X-Road-Issue": "i-1",
            "X-Road-Represented-Party": "COM/42",
            "X-Road-Security-Server": "EE/BUSINESS/producer/ss2",
            "X-Road-Service": "nonsense",
            "X-Custom": "caf\xe9",
            "Authorization": "Bearer abc",
            "Signature": "sig1=:AAAA:",
            "Content-Digest": "sha-256=:own:",
            "User-Agent": "curl",
            "Connection": "X-Hop",
            "X-Hop": "1",
            "TE": "trailers",
        }
        reply = await road.call("GET", ECHO, sent)
        (seen,) = road.service.seen
        fields = dict(seen.fields)
        for name in ("X-Road-UserId", "X-Road-Issue", "X-Road-Represented-Party", "X-Road-Security-Server", "X-Custom"):
            assert fields[name] == sent[name]
        assert (fields["x-ROAD-client"], fields["Authorization"]) == (CONSUMER, "Bearer abc")
        assert (seen.get("signature"), seen.get("content-digest")) == ("sig1=:AAAA:", "sha-256=:own:")
        assert {"User-Agent", "X-Hop", "TE", "Connection", "X-Road-Service", "x-road-service"}.isdisjoint(fields)
        assert not [name for name in fields if name.lower() in ("signature-input", "x-directory-version")]
        assert re.fullmatch(UUID, fields["x-road-request-id"])
        assert re.fullmatch(f"EE-{UUID}", fields["x-road-id"])
        assert seen.get("Host") == road.url.removeprefix("http://")

        names = [name for name, _ in reply.lines]
        assert {name: reply.fields[name] for name in ("x-road-id", "x-road-client", "x-road-service", "etag")} == {
            "x-road-id": fields["x-road-id"],
            "x-road-client": CONSUMER,
            "x-road-service": f"{PRODUCER}/sub/echo",
            "etag": '"1"',
        }
        assert reply.fields["x-road-request-id"] == fields["x-road-request-id"]
        assert [name.lower() for name in names].count("date") == 1
        assert names.count("Via") == 2
        assert not {"signature", "signature-input", "content-digest", "server"} & reply.fields.keys()
        assert reply.fields["x-directory-version"] == "1"

    told(tmp_path, story)


@pytest.mark.parametrize("body", [None, b"", b'{"value": 1}'])
def test_the_request_hash_is_the_field_s(tmp_path: Path, body: bytes | None) -> None:
    """SHA-512 over the header block as the provider sees it, and over the body's when there is one."""

    async def story(road: Road) -> None:
        sent = {"X-Road-Client": CONSUMER, "Content-Type": "application/json", "X-Road-Id": "query-1", "Accept": "*/*"}
        hashes = set()
        for _ in range(2):
            reply = await road.call("POST", ECHO + "/a%2Fb?c=%20d", sent, body)
            request_id = reply.fields["x-road-request-id"]
            block = f"POST\r\n{ECHO}/a%2Fb?c=%20d\r\n"
            kept = [
                (name, value) for name, value in road.service.seen[-1].fields if name not in ("host", "content-length")
            ]
            assert kept[-1] == ("x-road-request-id", request_id)
            block += "".join(f"{name}:{value}\r\n" for name, value in kept)
            digest = hashlib.sha512(block.encode()).digest()
            if body:
                digest = hashlib.sha512(digest + hashlib.sha512(body).digest()).digest()
            assert reply.fields["x-road-request-hash"] == b64encode(digest).decode()
            assert reply.fields["x-road-id"] == "query-1"
            hashes.add(reply.fields["x-road-request-hash"])
        assert len(hashes) == 2

    told(tmp_path, story)


def test_percent_encoded_identifiers(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        client = "EE/BUSINESS/consumer/sub%2Fsystem"
        who = road.register(client, "ss1")
        road.a.gateway.desk.locals = {who: Local(who, "http")}
        road.register(f"{PRODUCER}/s%2Fub", "ss2")
        service = road.offer(f"{PRODUCER}/s%2Fub/öäå", client)
        assert (service.subsystem, service.service) == ("s/ub", "öäå")
        reply = await road.call(
            "GET", "/r1/EE/BUSINESS/producer/s%2Fub/%C3%B6%C3%A4%C3%A5/path%3B/", {"X-Road-Client": client}
        )
        assert (reply.status, road.service.seen[0].target) == (200, "/path%3B/")
        assert reply.fields["x-road-service"] == "EE/BUSINESS/producer/s%2Fub/%C3%B6%C3%A4%C3%A5"
        assert reply.fields["x-road-client"] == client

    told(tmp_path, story)


def test_answers_of_all_kinds_come_as_they_are(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        script = {
            "/302": said(b"", [("Location", "/r1/EE/BUSINESS/producer/sub/elsewhere")], "302 Found"),
            "/404": said(b'{"no": "such"}', [("Content-Type", "application/problem+json")], "404 Not Here"),
            "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
            "/304": b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 700\r\n\r\n',
            "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "/early": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + said(b"late"),
        }
        road.service.script = lambda seen: script[seen.target]
        reply = await road.call("GET", ECHO + "/302")
        assert (reply.status, reply.fields["location"]) == (302, "/r1/EE/BUSINESS/producer/sub/elsewhere")
        reply = await road.call("GET", ECHO + "/404")
        assert (reply.status, reply.json, "x-road-error" in reply.fields) == (404, {"no": "such"}, False)
        assert (await road.call("GET", ECHO + "/204")).status == 204
        reply = await road.call("GET", ECHO + "/304")
        assert (reply.status, reply.fields["etag"], "content-length" in reply.fields) == (304, '"1"', False)
        reply = await road.call("GET", ECHO + "/chunked")
        assert (reply.body, reply.fields["content-length"]) == (b"abc", "3")
        assert (await road.call("GET", ECHO + "/early")).body == b"late"
        road.service.script = lambda seen: b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
        reply = await road.call("HEAD", ECHO)
        assert (reply.status, reply.body, "content-length" in reply.fields) == (200, b"", False)
        assert len(road.service.seen) == 7

    told(tmp_path, story)


@pytest.mark.parametrize("verb", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"])
def test_every_verb_of_the_field(tmp_path: Path, verb: str) -> None:
    async def story(road: Road) -> None:
        assert (await road.call(verb, ECHO + "/x")).status == 200
        assert (road.service.seen[0].verb, road.service.seen[0].target) == (verb, "/x")

    told(tmp_path, story)


def test_both_sides_log_messages_that_verify_for_ever(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        road.b.grants.give(CONSUMER, road.offer(f"{PRODUCER}/sub/echo"), purposes={"tax": "act@1"}, keep_bodies_s=60.0)
        await road.call("POST", ECHO + "/x?y", {"X-Road-Client": CONSUMER, "X-Banyan-Purpose": "tax"}, b"in")
        (ours,), (theirs,) = road.a.log.kept, road.b.log.kept
        assert (ours.purpose, theirs.purpose, theirs.basis, theirs.keep_bodies_s) == ("tax", "tax", "act@1", 60.0)
        assert ours.request.line == theirs.request.line == f"POST\r\n{ECHO}/x?y".encode()
        for one in (ours, theirs):
            lines = [field for field in one.request.fields if field[0] not in (b"host", b"content-length")]
            target = one.request.line.split(b"\r\n")[1].decode()
            request = SignedRequest("POST", one.request.authority, target, fields_of(lines))
            accepted = verify_request(request, road.directory.keys, NOW)
            assert accepted.digests == {"sha-256": hashlib.sha256(b"in").digest()}
            assert one.answer.line == b"200\r\nOK"
            assert dict(one.answer.fields)[b"x-road-request-id"].decode() == one.xid
        assert dict(ours.answer.fields)[b"signature"] == dict(theirs.answer.fields)[b"signature"]

    told(tmp_path, story)


def test_the_only_purpose_of_a_grant_counts_and_of_several_one_is_named(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        service = road.offer(f"{PRODUCER}/sub/echo", needs_purpose=True)
        road.b.grants.give(CONSUMER, service)
        refused = await road.call("GET", ECHO)
        assert refused.json["type"] == "Server.ServerProxy.AccessDenied"
        assert "purpose" in refused.json["message"]
        road.b.grants.give(CONSUMER, service, purposes={"tax": "act@1"})
        assert (await road.call("GET", ECHO)).status == 200
        road.b.grants.give(CONSUMER, service, purposes={"tax": "act@1", "care": "act@2"})
        assert (await road.call("GET", ECHO)).status == 500
        for purpose, basis in (("care", "act@2"), ("tax", "act@1")):
            assert (
                await road.call("GET", ECHO, {"X-Road-Client": CONSUMER, "X-Banyan-Purpose": purpose})
            ).status == 200
            assert (road.b.log.kept[-1].purpose, road.b.log.kept[-1].basis) == (purpose, basis)
        assert (await road.call("GET", ECHO, {"X-Road-Client": CONSUMER, "X-Banyan-Purpose": "fun"})).status == 500
        assert len(road.service.seen) == 3

    told(tmp_path, story)


def test_a_stale_directory_is_flagged_and_an_expired_one_stops(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        assert "x-directory-state" not in (await road.call("GET", ECHO)).fields
        road.directory.state = "stale"
        reply = await road.call("GET", ECHO)
        assert (reply.status, reply.fields["x-directory-state"]) == (200, "stale")
        road.directory.state = "expired"
        reply = await road.call("GET", ECHO)
        assert (reply.status, reply.fields["x-road-error"]) == (500, "Server.ClientProxy.OutdatedGlobalConf")
        assert "expired" in reply.json["message"]

    told(tmp_path, story)


def test_any_of_several_addresses_and_gateways_answers(tmp_path: Path) -> None:
    """`shouldSelectResolvableAddress`: junk in the directory stops nobody; X-Road-Security-Server chooses."""

    async def story(road: Road) -> None:
        await road.add("ss3", PRODUCER)
        who = road.register(f"{PRODUCER}/sub", "ss2", "ss3")
        road.offer(f"{PRODUCER}/sub/echo", CONSUMER, name="ss3")
        good = road.route("ss2")
        junk = [
            type(good)(good.server, host, good.port, good.certificates)
            for host in ("server.invalid.", "127.0.0,78", "\ufeffzero\u200b.width", "::1")
        ]
        road.directory.by_subsystem[who] = [*junk, good, road.route("ss3")]
        assert (await road.call("POST", ECHO, None, b"x")).status == 200
        for name in ("ss2", "ss3"):
            sent = {"X-Road-Client": CONSUMER, "X-Road-Security-Server": f"{PRODUCER}/{name}"}
            before = len(road.keepers[name].log.kept)
            assert (await road.call("POST", ECHO, sent, b"x")).status == 200
            assert len(road.keepers[name].log.kept) == before + 1
        sent = {"X-Road-Client": CONSUMER, "X-Road-Security-Server": f"{PRODUCER}/ss9"}
        reply = await road.call("POST", ECHO, sent, b"x")
        assert reply.fields["x-road-error"] == "Server.ClientProxy.InvalidSecurityServer"

    told(tmp_path, story)


def test_a_gateway_may_serve_both_sides(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        both = await road.add("ss4", "EE/GOV/city", locals=(Local(parse_client("EE/GOV/city/app"), "http"),))
        road.register("EE/GOV/city/app", "ss4")
        road.register("EE/GOV/city/register", "ss4")
        road.offer("EE/GOV/city/register/echo", "EE/GOV/city/app", name="ss4")
        sent = {"X-Road-Client": "EE/GOV/city/app"}
        reply = await road.call("POST", "/r1/EE/GOV/city/register/echo", sent, b"x", port=both.gateway.edge_port)
        assert (reply.status, reply.body) == (200, b"x")
        assert sorted(one.role for one in both.log.kept) == ["client", "provider"]

    told(tmp_path, story)


def test_a_second_signature_goes_beside_the_first_and_must_not_be_missing(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        owner = parse_client("EE/BUSINESS/consumer")
        key = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
        second = signer_of(f"{keyid_of(owner)}/pq", key)
        first = road.a.gateway.desk.signing[owner].first
        known = road.directory.by_keyid[keyid_of(owner)][0].first
        road.directory.by_keyid[keyid_of(owner)] = (Keys(known, verifier_of(second.keyid, key.public_key())), owner)
        refused = await road.call("GET", ECHO)
        assert refused.fields["x-road-error"] == "Server.ServerProxy.SignatureVerification.InvalidReference"
        road.a.gateway.desk.signing = {owner: Signing(first, second)}
        assert (await road.call("GET", ECHO)).status == 200
        assert b", pq=:" in dict(road.b.log.kept[-1].request.fields)[b"signature"]

    told(tmp_path, story)


def test_keys_and_certificates_are_changed_while_it_runs(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        assert (await road.call("GET", ECHO)).status == 200
        owner = parse_client("EE/BUSINESS/consumer")
        new = a_key("consumer 2027")
        road.directory.by_keyid["EE/BUSINESS/consumer/2027"] = (
            Keys(verifier_of("EE/BUSINESS/consumer/2027", new.public_key())),
            owner,
        )
        road.a.gateway.desk.signing = {owner: Signing(signer_of("EE/BUSINESS/consumer/2027", new))}
        del road.directory.by_keyid[keyid_of(owner)]
        assert (await road.call("GET", ECHO)).status == 200

        for name, keeper in (("ss1", road.a), ("ss2", road.b)):
            identity, pem = an_identity(tmp_path, f"{name}-new")
            for other in road.keepers.values():
                other.gateway.tls.trust(pem)
            keeper.gateway.tls.renew(identity)
            road.directory.by_certificate = {
                **{pin: server for pin, server in road.directory.by_certificate.items() if server != keeper.server},
                fingerprint_of_pem(pem): keeper.server,
            }
            keeper.pem = pem
        road.register(f"{PRODUCER}/sub", "ss2")
        for _ in range(2):
            reply = await road.call("GET", ECHO)
            assert reply.status == 200, reply
        assert [link.certificate for link in road.a.gateway.pool._links if link.is_open] == [
            fingerprint_of_pem(road.b.pem)
        ]

    told(tmp_path, story)


def test_a_process_asks_without_an_edge(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        gateway = road.a.gateway
        fields = ((b"X-Road-Client", CONSUMER.encode()), (b"Content-Type", b"text/plain"))
        answer = await gateway.ask("POST", parse_target(f"{ECHO}/x".encode()), fields, b"hello")
        assert (answer.status, answer.body.whole(100)) == (200, b"hello")
        answer.body.close()
        stranger = ((b"X-Road-Client", b"EE/BUSINESS/consumer/other"),)
        with pytest.raises(Fault, match="is not at this gateway"):
            await gateway.ask("GET", parse_target(ECHO.encode()), stranger)

    told(tmp_path, story)


class Notes:
    def __init__(self) -> None:
        self.noted: list[Timing] = []

    def note(self, timing: Timing) -> None:
        self.noted.append(timing)


def test_both_sides_note_the_times_of_a_call(tmp_path: Path) -> None:
    notes = Notes()

    async def story(road: Road) -> None:
        def script(seen: Seen) -> bytes:
            road.clock.now += 2
            return said(b"done")

        road.service.script = script
        await road.call("PUT", ECHO + "/x?secret=1", None, b"abc")
        theirs, ours = notes.noted
        assert (ours.role, theirs.role, ours.call_id) == ("client", "provider", theirs.call_id)
        assert (ours.response_out - ours.request_in, theirs.response_in - theirs.request_out) == (2000, 2000)
        assert [(one.method, one.path, one.request_size, one.response_size) for one in notes.noted] == [
            ("PUT", "/x", 3, 4)
        ] * 2

    told(tmp_path, story, a={"monitor": notes}, b={"monitor": notes})


class Later:
    """A handover that takes every call, on either side."""

    def __init__(self) -> None:
        self.accepted: list[Call] = []
        self.taken: list[Delivery] = []

    async def accept(self, call: Call, body: Body) -> Answer:
        self.accepted.append(call)
        return Answer(202, b"Accepted", (), Held(body.whole(100)))

    async def take(self, call: Call, body: Body, delivery: Delivery) -> Answer:
        self.taken.append(delivery)
        return Answer(202, b"Accepted", ((b"content-type", b"text/plain"),), Held(b"receipt"))


def test_calls_that_need_no_answer_now_are_handed_over(tmp_path: Path) -> None:
    a, b = Later(), Later()

    async def story(road: Road) -> None:
        reply = await road.call(
            "POST", ECHO + "/x", {"X-Road-Client": CONSUMER, "Prefer": "wait=1, Respond-Async"}, b"job"
        )
        assert (reply.status, reply.body, road.service.seen, road.a.log.kept) == (202, b"job", [], [])
        answer = await road.a.gateway.send(a.accepted[0], Held(b"job"))
        assert (answer.status, answer.body.whole(100), b.taken[0].path) == (202, b"receipt", b"/x")
        assert b"signature" in dict(road.b.log.kept[0].answer.fields), "the receipt is signed"
        assert road.service.seen == []

    told(tmp_path, story, a={"handover": a}, b={"handover": b})


class Meta:
    async def answer(self, call: Call, body: Body) -> Answer:
        return Answer(200, b"OK", (), Held(f"{call.target.service.service} for {call.asked.client.subsystem}".encode()))


def test_meta_services_need_no_grant(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        reply = await road.call("GET", f"/r1/{PRODUCER}/sub/listMethods")
        assert (reply.status, reply.body) == (200, b"listMethods for sub")
        assert [one.status for one in road.b.log.kept] == [200]

    told(tmp_path, story, b={"meta": Meta()})


def test_plain_http_stays_on_this_machine_when_other_gateways_are_let_in(tmp_path: Path) -> None:
    """Nobody checks there who a client is: `host` opened the clients' port to every network with the gateways'."""

    async def story(road: Road) -> None:
        gateway = road.a.gateway
        for port in (gateway.peer_port, gateway.edge_tls_port):
            _, writer = await asyncio.open_connection("127.0.0.2", port)
            writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", gateway.edge_port)
        assert (await road.call("GET", ECHO)).status == 200

    told(tmp_path, story, a={"host": "0.0.0.0", "edge_tls_port": 0})


def test_pages_stand_beside_the_calls(tmp_path: Path) -> None:
    asked: list[Request] = []

    async def page(request: Request) -> Response:
        asked.append(request)
        if request.target.endswith(b"?conflict"):
            raise Conflict("It is there already.", remedy="Take another name.")
        return Response(201, ((b"content-type", b"text/plain"),), b"page for " + request.body.whole(1000))

    async def again(request: Request) -> Response:
        return await road_a.edge.carry(request, ECHO.encode() + request.target.removeprefix(b"/im"))

    road_a: Any = None

    async def story(road: Road) -> None:
        nonlocal road_a
        road_a = road.a.gateway
        road.a.gateway.pages.add("edge", b"/own/", Placed(page, most=10))
        road.a.gateway.pages.add("edge", b"/im/", Placed(again))
        reply = await road.call("POST", "/own/x?y=1", {}, b"me")
        assert (reply.status, reply.body, asked[0].target, asked[0].server) == (
            201,
            b"page for me",
            b"/own/x?y=1",
            None,
        )
        assert (await road.call("POST", "/own/x", {}, b"x" * 11)).status == 413
        reply = await road.call("GET", "/own/x?conflict", {})
        assert (reply.status, "Take another name" in reply.json["message"]) == (409, True)
        assert (await road.call("GET", "/owner", {})).status == 404
        assert (await road.call("POST", "/im/z", None, b"spelt otherwise")).body == b"spelt otherwise"
        assert road.service.seen[-1].target == "/z"

        road.b.gateway.pages.add("peer", b"/gossip", Placed(page))
        road.b.gateway.pages.add("peer", b"/deed", Placed(page, is_signed=True))
        peer, route, until = road.a.gateway.peer, road.route("ss2"), EpochS(NOW + 10)
        response = await peer.ask(route, "POST", b"/gossip", until=until, body=b"news", fields=((b"x-a", b"b"),))
        assert not isinstance(response.body, bytes)
        assert (response.status, response.body.whole(99)) == (201, b"page for news")
        assert (asked[-1].server, asked[-1].member, dict(asked[-1].fields)[b"x-a"]) == (road.a.server, None, b"b")
        assert (await peer.ask(route, "POST", b"/deed", until=until, body=b"x")).status == 500
        owner = parse_client("EE/BUSINESS/consumer")
        assert (await peer.ask(route, "POST", b"/deed?1", until=until, body=b"x", member=owner)).status == 201
        assert asked[-1].member == owner
        assert (await peer.ask(route, "GET", b"/none", until=until)).status == 404

    told(tmp_path, story)


def test_a_gateway_hears_of_another_version_of_the_directory(tmp_path: Path) -> None:
    heard: list[tuple[str, str, str]] = []

    async def story(road: Road) -> None:
        older = type(road.directory)()
        older.__dict__.update(road.directory.__dict__)
        older.version = "0"
        road.a.gateway.desk.around.directory = older
        assert (await road.call("GET", ECHO)).status == 200
        assert heard == [("b", "ss1", "0"), ("a", "ss2", "1")]

    def hear(name: str) -> Callable[[Any, str], None]:
        return lambda server, version: heard.append((name, server.server, version))

    told(tmp_path, story, a={"seen": hear("a")}, b={"seen": hear("b")})


def test_the_edge_asks_for_the_connection_that_a_client_must_use(tmp_path: Path) -> None:
    mine, pem = an_identity(tmp_path, "information system")
    other, other_pem = an_identity(tmp_path, "another system")
    names = {"http": "sub", "https": "tls", "mutual": "pinned"}
    own = [
        Local(parse_client(f"EE/BUSINESS/consumer/{name}"), kind, (pem,) if kind == "mutual" else ())  # type: ignore[arg-type]
        for kind, name in names.items()
    ]
    own.append(Local(parse_client("EE/BUSINESS/consumer/else"), "mutual", (other_pem,)))

    def context(identity: Any = None) -> ssl.SSLContext:
        made = ssl.create_default_context(cadata=(tmp_path / "ss1.pem").read_text())
        made.check_hostname = False
        made.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        if identity is not None:
            made.load_cert_chain(identity.certificate, identity.key)
        return made

    async def story(road: Road) -> None:
        for one in own:
            road.directory.known.add(one.id)
            road.b.grants.give(f"EE/BUSINESS/consumer/{one.id.subsystem}", road.offer(f"{PRODUCER}/sub/echo"))
        ways = {"plain": None, "tls": context(), "mine": context(mine), "other": context(other)}
        allowed = {
            "sub": {"plain", "tls", "mine", "other"},
            "tls": {"tls", "mine", "other"},
            "pinned": {"mine"},
            "else": {"other"},
        }
        for name, good in allowed.items():
            for way, used in ways.items():
                reply = await road.call("GET", ECHO, {"X-Road-Client": f"EE/BUSINESS/consumer/{name}"}, context=used)
                fault = "" if way in good else "Server.ClientProxy.SslAuthenticationFailed"
                assert reply.fields.get("x-road-error", "") == fault, (name, way, reply)

    told(tmp_path, story, a={"locals": own, "edge_tls_port": 0})


def test_a_grant_counts_from_the_next_call_on(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        service = road.offer(f"{PRODUCER}/sub/echo")
        road.b.grants.give(CONSUMER, service, until=EpochS(NOW + 10))
        assert (await road.call("GET", ECHO)).status == 200
        road.clock.now = NOW + 10
        assert (await road.call("GET", ECHO)).fields["x-road-error"] == "Server.ServerProxy.AccessDenied"
        road.b.grants.give(CONSUMER, service, until=EpochS(NOW + 20))
        assert (await road.call("GET", ECHO)).status == 200
        assert isinstance(road.b.grants, PlainGrants)
        road.b.grants.granted.clear()
        assert (await road.call("GET", ECHO)).status == 500

    told(tmp_path, story)


def test_the_empty_body_is_one(tmp_path: Path) -> None:
    assert EMPTY.digest("sha-256") == hashlib.sha256().digest()
    assert EMPTY.size == 0


def test_only_what_the_leg_needs_itself_is_carried_under_another_name() -> None:
    """A gateway of another make must not bring a field past the list of those that are dropped."""
    honest = (
        (b"Signature", b"1"),
        (b"X-Other", b"2"),
        (b"x-banyan-carried-signature", b"3"),
        (b"content-DIGEST", b"4"),
    )
    assert off_leg(onto_leg(honest), of_request=True) == honest
    for name in (b"Transfer-Encoding", b"host", b"X-Road-Client", b"connection", b"x-road-service", b""):
        assert off_leg([(b"X-Banyan-Carried-" + name, b"chunked")], of_request=True) == ()
        assert off_leg([(b"x-banyan-carried-" + name, b"chunked")], of_request=False) == ()


def test_an_idle_connection_to_a_service_is_not_kept_until_the_service_closes_it(tmp_path: Path) -> None:
    """Else a POST could meet it closing, and may not be sent again."""

    async def story(road: Road) -> None:
        await road.call("POST", ECHO, None, b"x")
        pool = road.b.provider.pool
        assert all(link.deadline < pool.loop.time() + ROAD_SERVICE_IDLE_S for link in pool._links)
        pool.sweep(pool.loop.time() + ROAD_SERVICE_IDLE_S)
        assert not any(link.is_open for link in pool._links)
        assert (await road.call("POST", ECHO, None, b"x")).status == 200

    told(tmp_path, story)
