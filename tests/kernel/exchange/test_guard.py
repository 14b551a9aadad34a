"""Who is let in and how often: hosts, proxies, rates, tokens; what is written down about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.sample import sample
from tests.make import TOKEN, Node, a_node

from banyan.kernel.exchange.rates import Rates
from banyan.kernel.exchange.record import Access, AccessRecord, LogFile
from banyan.kernel.exchange.token import holder_of_hash, new_token, token_hash
from banyan.kernel.exchange.trace import Trace
from banyan.limits import RATES

Story = Callable[[Node], Awaitable[None]]


def on_node(folder: Path, story: Story, **settings: object) -> None:
    async def run() -> None:
        async with a_node(folder, [sample()], **settings) as node:
            await story(node)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.1.7", 200),
        ("data.example.gov.tw", 200),
        ("DATA.example.gov.tw:443", 200),
        ("evil.example", 421),
        ("", 421),
        ("localhost/..", 421),
        ("a@localhost", 421),
        ("localhost:80x", 421),
        ('localhost:"><script>', 421),
    ],
)
def test_we_answer_only_to_our_own_names(tmp_path: Path, host: str, status: int) -> None:
    async def story(node: Node) -> None:
        assert (await node.client.get("/health", headers={"Host": host})).status == status

    on_node(tmp_path, story, hosts=("data.example.gov.tw",))


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"bearer   {TOKEN}"},
        {"Authorization": TOKEN},
        {"X-CKAN-API-Key": TOKEN},
    ],
)
def test_a_token_is_read_in_ckans_three_ways(tmp_path: Path, headers: dict[str, str]) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.post("/api/sample/save", json={"name": "a"}, headers=headers)
        assert reply.json == {"name": "a", "by": "administrator"}
        wrong = {name: value.replace("token", "taken") for name, value in headers.items()}
        read = await node.client.get("/api/sample/item/1", headers=wrong)
        written = await node.client.post("/api/sample/save", json={"name": "a"}, headers=wrong)
        assert (read.status, written.status) == (200, 401)

    on_node(tmp_path, story)


def test_a_token_is_kept_only_as_its_hash() -> None:
    token = new_token()
    identify = holder_of_hash(token_hash(token))
    found = identify(token)
    assert found is not None
    assert found.may_write
    assert identify(token + "x") is None
    assert identify("") is None
    assert token not in token_hash(token)


def test_a_forwarded_address_is_believed_only_from_a_trusted_proxy(tmp_path: Path) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.7, 10.0.0.1", "X-Forwarded-Proto": "https"}

    async def trusted(node: Node) -> None:
        reply = await node.client.get("/metrics", headers=forwarded, address="10.0.0.1")
        assert (reply.status, bool(reply.header("strict-transport-security"))) == (403, False)
        health = await node.client.get("/health", headers=forwarded, address="10.0.0.1")
        assert health.header("strict-transport-security")

    async def untrusted(node: Node) -> None:
        spoofed = {"X-Forwarded-For": "127.0.0.1"}
        assert (await node.client.get("/metrics", headers=spoofed, address="198.51.100.1")).status == 403

    on_node(tmp_path / "a", trusted, trusted_proxies=("10.0.0.1",))
    on_node(tmp_path / "b", untrusted)


def test_a_rate_refills_and_says_when_to_come_back() -> None:
    now = [100.0]
    rates = Rates(1.0, lambda: now[0])
    per_s, burst = RATES["query"]
    assert all(rates.take("query", "203.0.113.7") is None for _ in range(int(burst)))
    wait = rates.take("query", "203.0.113.7")
    assert wait is not None
    assert wait.seconds == 1
    assert dict(wait.headers)["RateLimit"] == '"query";r=0;t=1'
    assert rates.take("query", "203.0.113.8") is None
    assert rates.take("read", "203.0.113.7") is None
    now[0] += 1
    assert [rates.take("query", "203.0.113.7") is None for _ in range(int(per_s) + 1)] == [True] * int(per_s) + [False]


def test_one_home_of_ipv6_is_one_caller() -> None:
    rates = Rates(1.0, lambda: 0.0)
    waits = [rates.take("login", f"2001:db8:0:1::{number:x}") for number in range(11)]
    assert waits[-1] is not None
    assert rates.take("login", "2001:db8:0:2::1") is None


def test_too_many_requests_are_told_in_both_languages(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        away = "203.0.113.7"
        replies = [await node.client.get("/api/feed/stream?limit=0", address=away) for _ in range(50)]
        assert {reply.status for reply in replies} == {422}
        for _ in range(400):  # a slow machine's bucket refills meanwhile
            refused = await node.client.get("/api/feed/stream?limit=0", address=away)
            if refused.status == 429:
                break
        assert (refused.status, refused.header("ratelimit-policy")) == (429, '"stream";q=50;w=25')
        english = await node.client.get("/api/feed/stream", headers={"Accept-Language": "en"}, address=away)
        assert english.json["title"] == "Too many requests"
        free = await node.client.get("/api/feed/stream?limit=0", token=TOKEN, address=away)
        local = await node.client.get("/api/feed/stream?limit=0")
        assert (free.status, local.status) == (422, 422)
        passed_on = {"X-Forwarded-For": "198.51.100.9"}
        proxied = {(await node.client.get("/api/feed/stream?limit=0", headers=passed_on)).status for _ in range(200)}
        assert 429 in proxied, "an undeclared proxy is one caller"

    on_node(tmp_path, story, rate_scale=1.0)


def test_an_access_line_names_the_route_and_nothing_of_the_person(tmp_path: Path) -> None:
    lines: list[bytes] = []

    async def story() -> None:
        from tests.make import SECRET, Client

        from banyan.kernel.catalogue import Catalogue
        from banyan.kernel.exchange import DoorSettings, build_door
        from banyan.kernel.exchange.token import holder_of

        async with a_node(tmp_path, [sample()]) as node:
            record = AccessRecord(lines.append)
            app = build_door(
                Catalogue([sample()]),
                node.gate,
                identify=holder_of(TOKEN),
                settings=DoorSettings(secret=SECRET, work=tmp_path, member="TW/GOV/1"),
                log=lambda *_: None,
                record=record,
            )
            client = Client(app)
            parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            await client.get("/api/sample/item/7?id=A123456789", headers={"traceparent": parent})
            await client.get("/api/sample/echo?word=A123456789", headers={"traceparent": parent})
            await client.get("/A123456789")
            record.flush()

    asyncio.run(story())
    found = [msgspec.json.decode(line, type=Access) for line in b"".join(lines).splitlines()]
    assert [(line.route, line.status, line.op, line.basis) for line in found] == [
        ("/api/sample/item/{id}", 422, "", "open"),
        ("/api/sample/echo", 200, "sample.echo", "open"),
        ("", 404, "", ""),
    ]
    assert {line.member for line in found} == {"TW/GOV/1"}
    assert found[1].trace == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert b"A123456789" not in b"".join(lines)


def test_metrics_are_prometheus_text(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await node.client.get("/api/sample/item/7")
        await node.client.get("/api/sample/item/999")
        text = (await node.client.get("/metrics")).text
        assert 'banyan_requests_total{route="/api/sample/item/{id}",method="GET",status="200"} 1' in text
        assert 'banyan_requests_total{route="/api/sample/item/{id}",method="GET",status="404"} 1' in text
        assert 'banyan_request_seconds_bucket{route="/api/sample/item/{id}",method="GET",le="+Inf"} 2' in text
        assert 'operation="sample.item",channel="api",basis="open",outcome="answered"} 1' in text
        for line in text.splitlines():
            assert line.startswith("# TYPE ") or len(line.rsplit(" ", 1)) == 2

    on_node(tmp_path, story)


@pytest.mark.parametrize(
    "sent",
    [b"", b"junk", b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01", b"01-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"],
)
def test_a_wrong_traceparent_starts_a_new_trace(sent: bytes) -> None:
    first, second = Trace(sent), Trace(sent)
    assert first.id != second.id
    version, trace, span, flags = first.traceparent.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "00")
    assert int(span, 16) > 0


def test_a_log_rotates_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.kernel.exchange.record.LOG_FILE_BYTES", 100)
    monkeypatch.setattr("banyan.kernel.exchange.record.LOG_FILES", 3)
    log = LogFile(tmp_path / "log" / "access.jsonl")
    for number in range(20):
        log.write(b"%030d\n" % number)
    log.close()
    names = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert names == ["access.jsonl", "access.jsonl.1", "access.jsonl.2", "access.jsonl.3"]
    assert (tmp_path / "log/access.jsonl").read_bytes().endswith(b"19\n")
