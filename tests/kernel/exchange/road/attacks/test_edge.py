"""Attacks by a client at its own gateway: names that are not its own, line breaks in disguise, paths that climb."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath
from unicodedata import normalize
from urllib.parse import unquote

import pytest
from tests.kernel.exchange.road.attacks.siege import BODY, HONEST, MALLORY, Siege, a_siege, written
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, PRODUCER

from banyan.wire.xroad.access import Endpoint

PROXY = "Server.ClientProxy."


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with a_siege(tmp_path_factory.mktemp("siege")) as made:
        guarded = made.road.offer(f"{PRODUCER}/sub/guarded")
        made.road.b.grants.give(CONSUMER, guarded, Endpoint("GET", "/public/**"))
        yield made


@pytest.mark.parametrize("client", [f"{MALLORY}/sub", "EE/BUSINESS/consumer", "EE/BUSINESS/consumer/other", PRODUCER])
def test_a_client_that_is_not_of_this_gateway(siege: Siege, client: str) -> None:
    reply = siege.repels(siege.road.call("POST", ECHO, {"X-Road-Client": client}, BODY))
    assert reply.fields["x-road-error"] == PROXY + "UnknownMember"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Road-Client", CONSUMER + "%0d%0aX-Evil: 1"),
        ("X-Road-Client", CONSUMER + "%0aX-Evil: 1"),
        ("X-Road-Client", CONSUMER + "%00"),
        ("X-Road-Client", CONSUMER + "%e2%80%a8"),
        ("X-Road-Represented-Party", "BUSINESS/x%0d%0aX-Evil: 1"),
        ("X-Road-Security-Server", "EE/BUSINESS/producer/ss2%0d%0a"),
    ],
)
def test_a_line_break_in_disguise(siege: Siege, name: str, value: str) -> None:
    reply = siege.repels(siege.road.call("POST", ECHO, {**HONEST, name: value}, BODY))
    assert reply.fields["x-road-error"].startswith(PROXY), reply
    assert name in reply.json["message"]
    assert "evil" not in reply.body.decode().lower(), "what was sent is not repeated"


@pytest.mark.parametrize("target", [ECHO + "%0d%0aX-Evil:%201", "/r1/EE/BUSINESS/producer/sub%0d%0a/echo"])
def test_a_line_break_in_the_address_opens_no_line(siege: Siege, target: str) -> None:
    """In a path of the service's own it is its own business, encoded as it came; in an identifier it is refused."""
    seen = len(siege.road.service.seen)
    reply = siege.run(siege.road.call("POST", target, HONEST, BODY))
    for one in siege.road.service.seen[seen:]:
        assert "\r" not in one.target
        assert one.get("X-Evil") is None
    assert reply.status == 200 or reply.fields["x-road-error"].startswith(PROXY)
    siege.serves()


def test_fields_of_the_leg_sent_by_a_client_change_nothing(siege: Siege) -> None:
    """They come through to the service as the client's own, and the leg keeps its own."""
    seen = len(siege.road.service.seen)
    evil = {
        **HONEST,
        "Signature": "gw=:AAAA:",
        "Signature-Input": 'gw=("@method")',
        "Content-Digest": "sha-256=:AAAA:",
        "X-Banyan-Left": "1",
        "X-Directory-Version": "999",
        "X-Banyan-Carried-Signature": "gw=:AAAA:",
        "X-Road-Request-Id": "forged",
        "X-Road-Service": "EE/BUSINESS/other/sub/echo",
        "X-Road-Error": "forged",
    }
    reply = siege.run(siege.road.call("POST", ECHO, evil, BODY))
    assert (reply.status, reply.body) == (200, BODY), reply
    (one,) = siege.road.service.seen[seen:]
    assert one.get("X-Road-Request-Id") != "forged"
    assert [one.get(name) for name in ("Signature", "X-Banyan-Left", "X-Directory-Version")] == [
        "gw=:AAAA:",
        "1",
        "999",
    ]
    assert one.get("X-Banyan-Carried-Signature") == "gw=:AAAA:"
    assert reply.fields["x-road-service"] == f"{PRODUCER}/sub/echo"


CLIMBS = [
    "/public/../secret",
    "/public/..%2fsecret",
    "/public/%2e%2e/secret",
    "/public/%2E%2e%2Fsecret",
    "/public/.%2e/secret",
    "/public/..;/secret",
    "/public/..;a=b/secret",
    "/public/..%3b/secret",
    "/public/..%5csecret",
    "/public/..\\secret",
    "/public/%252e%252e/secret",
    "/public/%25252e%25252e%25252fsecret",
    "/public/%c0%ae%c0%ae/secret",
    "/public/%ef%bc%8e%ef%bc%8e/secret",
    "/public/%e2%80%a5/secret",
    "/public/..%ef%bc%8fsecret",
    "/public/a/../../secret",
    "/public/a%2f..%2f..%2fsecret",
    "/public//../secret",
    "/./secret",
    "/%2e/secret",
    "//secret",
    "/publicity",
    "/secret",
    "/public/../../../../etc/passwd",
    "/public%2f..%2fsecret",
    "/secret/../public/x/../../secret",
]


@pytest.mark.parametrize("path", CLIMBS)
def test_a_path_that_climbs_out_of_its_right(siege: Siege, path: str) -> None:
    """Refused, or, where it stays below `/public/` in every reading, passed on; no reader finds another place in it."""
    target = f"/r1/{PRODUCER}/sub/guarded{path}"
    seen = len(siege.road.service.seen)
    got = siege.run(siege.at_edge(written("GET", target, [(b"Host", b"x"), (b"X-Road-Client", CONSUMER.encode())])))
    for one in siege.road.service.seen[seen:]:
        text = one.target
        for _ in range(4):
            for read in (text, text.replace("\\", "/"), text.replace(";", "/"), normalize("NFKC", text)):
                assert normpath(read).lstrip("/").startswith("public/"), (path, one.target)
            text = unquote(text)
    if got.status != 200:
        assert got.error or got.status == 400, got
    assert siege.road.reported == []
    siege.serves()


def test_most_of_the_climbs_are_refused_by_the_right_fault(siege: Siege) -> None:
    refused = []
    for path in CLIMBS:
        target = f"/r1/{PRODUCER}/sub/guarded{path}"
        lines = [(b"Host", b"x"), (b"X-Road-Client", CONSUMER.encode())]
        refused.append(siege.run(siege.at_edge(written("GET", target, lines))).error)
    known = {"Server.ServerProxy.AccessDenied", "Server.ServerProxy.InvalidRequest", PROXY + "InvalidRequest"}
    assert set(refused) - {""} <= known, refused
    assert refused.count("") <= 1, [path for path, error in zip(CLIMBS, refused, strict=True) if not error]
