"""What a call is refused for, by the field's codes: who could not do its part, and what is to be done."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, NOW, PRODUCER, Road, Seen, a_key, a_pair, an_identity, said
from tests.kernel.exchange.road.test_pair import told

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.desk import Signing
from banyan.kernel.exchange.road.model import Answer, Body, Call, Offer
from banyan.kernel.exchange.road.nonces import Nonces
from banyan.limits import PEER_AGE_S, PEER_AHEAD_S
from banyan.wire.httpsig.keys import signer_of
from banyan.wire.xroad.identifiers import parse_client

Prepare = Callable[[Road], None]


def offer(**more: Any) -> Prepare:
    return lambda road: void(road.offer(f"{PRODUCER}/sub/echo", CONSUMER, **more))


def void(_: object) -> None:
    """For what is done, not for what it gives."""


def no_gateway(road: Road) -> None:
    (route,) = road.directory.by_subsystem[parse_client(f"{PRODUCER}/sub")]
    road.directory.by_subsystem[parse_client(f"{PRODUCER}/sub")] = [msgspec.structs.replace(route, port=1)]


def another_certificate(road: Road) -> None:
    (route,) = road.directory.by_subsystem[parse_client(f"{PRODUCER}/sub")]
    pinned = msgspec.structs.replace(route, certificates=(b"\0" * 32,))
    road.directory.by_subsystem[parse_client(f"{PRODUCER}/sub")] = [pinned]


def a_gateway_nobody_knows(road: Road) -> None:
    road.directory.by_certificate = {}


def a_key_nobody_knows(road: Road) -> None:
    owner = parse_client("EE/BUSINESS/consumer")
    road.a.gateway.desk.signing = {owner: Signing(signer_of("EE/BUSINESS/consumer/9", a_key("nobody")))}


def no_key(road: Road) -> None:
    road.a.gateway.desk.signing = {}


def revoked(road: Road) -> None:
    road.directory.known.discard(parse_client(CONSUMER))


def a_log_that_fails(name: str) -> Prepare:
    return lambda road: setattr(road.keepers[name].log, "error", OSError("disk full"))


def answers(message: bytes) -> Prepare:
    return lambda road: setattr(road.service, "script", lambda seen: message)


CASES: dict[str, tuple[Prepare, str, str]] = {
    "UnknownService": (
        lambda road: road.b.grants.by_service.clear(),
        "Server.ServerProxy.UnknownService",
        "listMethods",
    ),
    "ServiceType": (offer(type="WSDL"), "Server.ServerProxy.ServiceType", "SOAP"),
    "ServiceDisabled": (
        offer(is_enabled=False, notice="Until May."),
        "Server.ServerProxy.ServiceDisabled",
        "Until May.",
    ),
    "NotAllowed": (lambda road: road.b.grants.granted.clear(), "Server.ServerProxy.AccessDenied", "grant"),
    "UnknownMember, the client": (
        lambda road: setattr(road.a.gateway.desk, "locals", {}),
        "Server.ClientProxy.UnknownMember",
        "not at this gateway",
    ),
    "UnknownMember, the provider": (
        lambda road: road.directory.by_subsystem.clear(),
        "Server.ClientProxy.UnknownMember",
        "listClients",
    ),
    "UnknownMember, revoked": (revoked, "Server.ServerProxy.UnknownMember", "revoked"),
    "UnknownMember, moved away": (
        lambda road: setattr(road.b.gateway.desk, "signing", {}),
        "Server.ServerProxy.UnknownMember",
        "not served",
    ),
    "NetworkError, the gateway": (no_gateway, "Server.ClientProxy.NetworkError", "producer/ss2 cannot be reached"),
    "NetworkError, the service": (
        offer(url="http://127.0.0.1:1"),
        "Server.ServerProxy.NetworkError",
        "cannot be reached",
    ),
    "SslAuthenticationFailed, its gateway": (
        another_certificate,
        "Server.ClientProxy.SslAuthenticationFailed",
        "certificate",
    ),
    "SslAuthenticationFailed, ours": (
        a_gateway_nobody_knows,
        "Server.ServerProxy.SslAuthenticationFailed",
        "directory",
    ),
    "KeyNotFound": (a_key_nobody_knows, "Server.ServerProxy.SignatureVerification.KeyNotFound", "doctor"),
    "CannotCreateSignature": (no_key, "Server.ClientProxy.CannotCreateSignature", "does not sign"),
    "LoggingFailed, the provider's": (a_log_that_fails("ss2"), "Server.ServerProxy.LoggingFailed", "logged"),
    "LoggingFailed, the client's": (a_log_that_fails("ss1"), "Server.ClientProxy.LoggingFailed", "logged"),
    "ServiceMissingUrl": (offer(url=""), "Server.ServerProxy.ServiceMissingUrl", "address"),
    "ServiceMalformedUrl": (offer(url="ftp://x"), "Server.ServerProxy.ServiceMalformedUrl", "http(s)"),
    "HttpError": (answers(b"ICY 200 OK\r\n\r\n"), "Server.ServerProxy.ServiceFailed.HttpError", "status-line"),
    "ServiceFailed": (answers(said(b"", [("X-Road-Other", "\xe9")])), "Server.ServerProxy.ServiceFailed", "ASCII"),
}


@pytest.mark.parametrize("name", CASES)
def test_fault(tmp_path: Path, name: str) -> None:
    prepare, code, words = CASES[name]

    async def whole() -> None:
        async with a_pair(tmp_path) as road:
            prepare(road)
            reply = await road.call("GET", ECHO)
            assert (reply.status, reply.fields.get("x-road-error"), reply.json["type"]) == (500, code, code), reply
            assert words in reply.json["message"]
            assert re.fullmatch(r"[0-9a-f-]{36}", reply.json["detail"])
            kept = [one for keeper in (road.a, road.b) for one in keeper.log.kept]
            assert {one.fault for one in kept} <= {code, "Server.ServerProxy.LoggingFailed", ""}
            if code.startswith("Server.ServerProxy."):
                assert road.a.log.kept[-1].fault, "who asked keeps what was refused"
            assert "disk full" not in str(reply)

    asyncio.run(asyncio.wait_for(whole(), 60))


def test_codes_in_the_spelling_of_7_8_and_as_xml(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        road.b.grants.granted.clear()
        sent = {"X-Road-Client": CONSUMER, "Accept": "text/xml"}
        reply = await road.call("GET", ECHO, sent)
        assert reply.fields["x-road-error"] == "server.serverproxy.access_denied"
        assert reply.fields["content-type"] == "text/xml;charset=utf-8"
        assert b"<type>server.serverproxy.access_denied</type>" in reply.body
        assert road.b.log.kept[-1].fault == "Server.ServerProxy.AccessDenied"

    told(tmp_path, story, a={"spelling": "renamed"})


def test_a_refusal_of_a_known_call_is_signed_and_logged_by_both(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        road.b.grants.granted.clear()
        await road.call("GET", ECHO)
        (ours,), (theirs,) = road.a.log.kept, road.b.log.kept
        assert (ours.xid, ours.fault, ours.status) == (theirs.xid, theirs.fault, theirs.status)
        assert dict(ours.answer.fields)[b"signature"] == dict(theirs.answer.fields)[b"signature"]
        assert theirs.fault == "Server.ServerProxy.AccessDenied"

    told(tmp_path, story)


def test_a_service_that_does_not_answer_is_waited_for_as_long_as_the_client_says(tmp_path: Path) -> None:
    async def whole() -> None:
        async with a_pair(tmp_path) as road:
            came = asyncio.Event()

            async def silent(seen: Seen) -> bytes:
                came.set()
                await asyncio.Event().wait()
                return b""

            road.service.script = silent
            asked = asyncio.create_task(
                road.call("POST", ECHO, {"X-Road-Client": CONSUMER, "X-Banyan-Timeout": "7"}, b"once")
            )
            await came.wait()
            pool = road.b.provider.pool
            pool.sweep(pool.loop.time() + 6)
            assert not asked.done()
            pool.sweep(pool.loop.time() + 8)
            reply = await asked
            assert reply.fields["x-road-error"] == "Server.ServerProxy.NetworkError"
            assert "in time" in reply.json["message"]
            assert len(road.service.seen) == 1, "it is not asked twice"

    asyncio.run(asyncio.wait_for(whole(), 60))


@pytest.mark.parametrize("value", ["0", "301", "-1", "1.5", "", "soon", "00001"])
def test_a_timeout_is_whole_seconds(tmp_path: Path, value: str) -> None:
    async def story(road: Road) -> None:
        reply = await road.call("GET", ECHO, {"X-Road-Client": CONSUMER, "X-Banyan-Timeout": value})
        assert reply.fields["x-road-error"] == "Server.ClientProxy.InvalidRequest"
        assert "X-Banyan-Timeout" in reply.json["message"]

    told(tmp_path, story)


def test_no_information_system_speaks_for_callers_of_a_node(tmp_path: Path) -> None:
    """However often it tries, and whatever the straight way has learnt of its calls: who may be believed says so."""

    async def story(road: Road) -> None:
        for _ in range(12):
            assert (await road.call("POST", ECHO, {"X-Road-Client": CONSUMER}, b"{}")).status == 200
        for name in ("X-Banyan-Speaks", "x-banyan-speaks"):
            for _ in range(12):
                reply = await road.call("POST", ECHO, {"X-Road-Client": CONSUMER, name: "yes"}, b"{}")
                assert reply.fields["x-road-error"] == "Server.ClientProxy.InvalidRequest"
        assert len(road.service.seen) == 12

    told(tmp_path, story)


def test_a_field_that_cannot_be_signed_is_named(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        reply = await road.call("GET", ECHO, {"X-Road-Client": CONSUMER, "X-Road-Extra": "caf\xe9"})
        assert reply.fields["x-road-error"] == "Server.ClientProxy.InvalidRequest"
        assert road.service.seen == []
        assert (await road.call("GET", ECHO)).status == 200
        assert len(road.a.gateway.pool._links) == 1, "the link was given back"

    told(tmp_path, story)


class Failing:
    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        raise RuntimeError("a secret of the provider's gateway")


def test_a_defect_behind_the_gateway_is_recorded_and_not_told(tmp_path: Path) -> None:
    async def whole() -> None:
        async with a_pair(tmp_path, b={"provider": Failing()}) as road:
            reply = await road.call("GET", ECHO)
            assert reply.fields["x-road-error"] == "Server.ServerProxy.InternalError"
            assert "secret" not in str(reply)
            ((_, error),) = road.reported
            assert str(error) == "a secret of the provider's gateway"

    asyncio.run(asyncio.wait_for(whole(), 60))


def test_a_gateway_that_shows_no_known_certificate_is_refused_in_the_handshake(tmp_path: Path) -> None:
    async def whole() -> None:
        async with a_pair(tmp_path) as road:
            identity, _ = an_identity(tmp_path, "stranger")
            road.a.gateway.tls.renew(identity)
            reply = await road.call("GET", ECHO)
            codes = {"Server.ClientProxy.SslAuthenticationFailed", "Server.ClientProxy.NetworkError"}
            assert reply.fields["x-road-error"] in codes, "a reset may overtake the alert that tells why"
            assert "certificate" in reply.json["message"]
            assert road.b.log.kept == []

    asyncio.run(asyncio.wait_for(whole(), 60))


def test_a_nonce_counts_once_as_long_as_its_message_is_young_enough() -> None:
    nonces = Nonces(NOW, ())
    assert nonces.take("a", "1", int(NOW), NOW)
    for later in range(0, PEER_AGE_S + PEER_AHEAD_S, 7):
        assert not nonces.take("a", "1", int(NOW), NOW + later)
        assert nonces.take("b", f"other{later}", int(NOW), NOW + later)
    late = NOW + 10 * (PEER_AGE_S + PEER_AHEAD_S)
    assert nonces.take("a", "1", int(late), late), "long forgotten, for the clock refuses it by then"


def test_each_nonce_is_remembered_for_the_whole_window_whenever_it_came() -> None:
    nonces = Nonces(NOW, ())
    for at in range(0, 600, 3):
        assert nonces.take("a", str(at), int(NOW), NOW + at)
        for before in range(max(0, at - (PEER_AGE_S + PEER_AHEAD_S) + 1), at, 11):
            assert before % 3 or not nonces.take("a", str(before), int(NOW), NOW + at)


def test_a_start_without_memory_refuses_what_may_have_been_taken_before() -> None:
    nonces = Nonces(NOW, None)
    ahead = int(NOW) + PEER_AHEAD_S
    assert not nonces.take("a", "1", ahead, NOW)
    assert nonces.take("a", "1", ahead + 1, NOW + 1)
    assert not Nonces(NOW, [("a", "1")]).take("a", "1", int(NOW), NOW)


def test_the_memory_of_nonces_is_bounded() -> None:
    nonces = Nonces(NOW, (), most=3)
    assert [nonces.take("a", str(at), int(NOW), NOW) for at in range(5)] == [True] * 3 + [False] * 2


def test_a_restarted_gateway_recalls_what_its_log_has(tmp_path: Path) -> None:
    async def whole() -> None:
        async with a_pair(tmp_path, b={"recalled": None}) as road:
            reply = await road.call("GET", ECHO)
            assert (reply.status, reply.fields["x-road-error"]) == (409, "Server.ServerProxy.InvalidRequest")
            road.clock.now = EpochS(NOW + PEER_AHEAD_S + 1)
            assert (await road.call("GET", ECHO)).status == 200

    asyncio.run(asyncio.wait_for(whole(), 60))
