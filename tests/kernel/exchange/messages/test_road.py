"""Two real gateways over mTLS with real message logs: what is called is kept on both sides, witnessed by the other over
the road's own connections, found under the client's id, proven to strangers, and agrees in an audit."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ECDSA_P256_SHA256
from tests.kernel.exchange.messages.house import counted
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, PRODUCER, Moving, Road, a_key, a_pair, keyid_of
from tests.make import missing

from banyan.auditing import run as audit
from banyan.cli import _parser
from banyan.errors import Unavailable
from banyan.kernel.exchange.messages.neighbours import WITNESSED, Neighbours, over_peer
from banyan.kernel.exchange.messages.opening import Opened, open_messages, origin_of
from banyan.kernel.exchange.messages.pages import LogPages
from banyan.kernel.exchange.messages.proving import Refused, check_signatures, request_of, response_of
from banyan.kernel.exchange.messages.record import Record, read_record
from banyan.kernel.ledger.receipts import Kept
from banyan.verifying import run as verify
from banyan.wire.httpsig.peer import TAG
from banyan.wire.tlog.proof import parse_receipt
from banyan.wire.xroad.identifiers import parse_client

PEERS = Path(__file__).parent / "peers"
ASKER, ANSWERER = parse_client("EE/BUSINESS/consumer"), parse_client(PRODUCER)


class Stage(msgspec.Struct):
    """The stage with both logs."""

    road: Road
    a: Opened
    b: Opened
    near: Neighbours
    far: Neighbours


@asynccontextmanager
async def a_logged_pair(folder: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        clock = Moving()
        made = []
        for seed, (name, member) in enumerate((("ss1", ASKER), ("ss2", ANSWERER))):
            origin = origin_of((*member.parts, name))
            opened = await stack.enter_async_context(
                open_messages(
                    folder / name, origin=origin, members=[member], clock=clock, random=counted(seed * 100_000)
                )
            )
            made.append(opened)
        logs = [{"log": one.messages} for one in made]
        road = await stack.enter_async_context(a_pair(folder, a=logs[0], b=logs[1]))
        clock.now = road.clock.now
        beside = []
        for opened, keeper, name in zip(made, (road.a, road.b), ("ss1", "ss2"), strict=True):
            ask = over_peer(
                keeper.gateway.peer,
                lambda: {one.server: road.route(key) for key, one in road.keepers.items()},
                road.clock,
                5.0,
            )
            servers = [one.server for one in road.keepers.values()]
            neighbours = Neighbours(
                keeper.server,
                opened.keys,
                opened.store,
                folder / name / "log" / WITNESSED,
                servers=lambda servers=servers: servers,
                ask=ask,
                clock=road.clock,
                wait_s=20.0,
            )
            LogPages(opened.messages, opened.keys, neighbours).place(keeper.gateway.pages)
            beside.append(neighbours)
        yield Stage(road, *made, *beside)


async def called(road: Road, count: int = 3) -> None:
    for number in range(count):
        fields = {"X-Road-Client": CONSUMER, "X-Road-Id": f"call-{number}", "Content-Type": "application/json"}
        reply = await road.call("POST", f"{ECHO}/people?id=A1234%20{number}&q=", fields, b'{"n": %d}' % number)
        assert reply.status == 200, (reply, road.reported)


def pem(owner: Any) -> str:
    public = a_key(owner.member).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def record_in(receipt: bytes) -> bytes:
    return msgspec.json.decode(parse_receipt(receipt).extra, type=Kept).record


def test_both_sides_keep_witness_and_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def story() -> None:
        async with a_logged_pair(tmp_path) as stage:
            await called(stage.road)
            await stage.a.messages.publish(stage.near)
            await stage.b.messages.publish(stage.far)
            for one in (stage.near, stage.far):
                assert one.last is not None
                assert [told.result for told in one.last.witnesses] == ["cosigned"], stage.road.reported
            (asked,) = await stage.a.messages.find("call-1", parse_client(CONSUMER), 5)
            (answered,) = await stage.b.messages.find("call-1", parse_client(f"{PRODUCER}/sub"), 5)
            assert asked.xid == answered.xid
            for found, name in ((asked, "client"), (answered, "provider")):
                (tmp_path / f"{name}.tlog-proof").write_bytes(found.receipt)
            keys = {keyid_of(owner): stage.road.directory.keys(keyid_of(owner)) for owner in (ASKER, ANSWERER)}
            for found in (asked, answered):
                signed = check_signatures(read_record(record_in(found.receipt)), keys.get)
                assert signed.request is not None
                assert signed.answer is not None
                assert (signed.request.keyid, signed.answer.keyid) == (keyid_of(ASKER), keyid_of(ANSWERER))
            seen = await stage.b.messages.recent(stage.road.clock.now - 60)
            assert len({one.nonce for one in seen}) == 3
            assert await stage.a.messages.recent(stage.road.clock.now - 60) == [], "it asked; it took no request"

    asyncio.run(story())
    options = _parser().parse_args(
        ["audit", "--json", "--slack=-3600", str(tmp_path / "ss1/log"), str(tmp_path / "ss2/log")]
    )
    assert audit(options, Moving()) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["joined"]["pairs"] == 3
    assert [one["compared"] for one in said["logs"]] == [1, 1], "each is held to what the other cosigned"
    assert [len(one["witnesses"]) for one in said["logs"]] == [1, 1], "and each bears the other's cosignature"
    options.quorum = 1
    assert audit(options, Moving()) == 1, "which the auditor was not told to trust"
    assert "0 of the 1 witnesses" in capsys.readouterr().out
    options.witness = [(tmp_path / name / "log/witness.vkey").read_text(encoding="ascii") for name in ("ss1", "ss2")]
    assert audit(options, Moving()) == 0
    capsys.readouterr()
    verified(tmp_path, capsys)


def test_an_auditor_among_the_members_reads_both_logs_over_the_road(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By address, showing a gateway's certificate; a stranger's is refused."""

    async def story() -> None:
        async with a_logged_pair(tmp_path) as stage:
            await called(stage.road, 2)
            await stage.a.messages.publish(stage.near)
            await stage.b.messages.publish(stage.far)
            urls = [f"https://127.0.0.1:{one.gateway.peer_port}/log" for one in (stage.road.a, stage.road.b)]
            trust = tmp_path / "trust.pem"
            trust.write_text(stage.road.a.pem + stage.road.b.pem, encoding="ascii")
            identity = stage.road.a.identity
            asked = ["audit", "--json", "--slack=-3600", "--trust", str(trust)]
            shown = ["--tls", str(identity.certificate), str(identity.key)]
            options = _parser().parse_args([*asked, *shown, *urls])
            assert await asyncio.to_thread(audit, options, Moving()) == 0
            said = json.loads(capsys.readouterr().out)
            assert said["joined"]["pairs"] == 2
            assert [one["keys"] for one in said["logs"]] == ["itself", "itself"]
            assert [one["compared"] for one in said["logs"]] == [1, 1]
            with pytest.raises(Unavailable):
                await asyncio.to_thread(audit, _parser().parse_args([*asked, *urls]), Moving())

    asyncio.run(story())


def verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`./banyan verify` of both sides' receipts, with the witness of the other side and both members' keys."""
    signers = []
    for owner in (ASKER, ANSWERER):
        path = folder / f"{owner.member}.pem"
        path.write_text(pem(owner), encoding="ascii")
        signers.append(f"{keyid_of(owner)}={path}")
    given = {"history": None, "log": [], "issuer": [], "witness": [], "quorum": 0, "signer": signers}
    for name, place in (("client", "ss1"), ("provider", "ss2")):
        receipt = folder / f"{name}.tlog-proof"
        options = Namespace(**given, receipt=receipt, keys=folder / place / "log/log.vkeys")
        assert verify(options) == 0
        said = capsys.readouterr().out
        assert "機關間的一次交換" in said
        assert f"signature holds: request, {keyid_of(ASKER)}" in said
        assert f"signature holds: answer, {keyid_of(ANSWERER)}" in said
        assert "/people?id=A1234%201&q=" in said
        options.signer = [f"{keyid_of(owner)}={folder / 'consumer.pem'}" for owner in (ASKER, ANSWERER)]
        assert verify(options) == 1, "the answer is not signed by the asker's key"
        assert "DOES NOT HOLD" in capsys.readouterr().err
        options.signer = []
        assert verify(options) == 0
        assert "signatures not checked" in capsys.readouterr().out


def changes(record: Record) -> list[Record]:
    """The record with one thing in it changed: line, status, authority, each signed field, a signature."""
    assert record.request is not None
    assert record.answer is not None
    found = []
    for name in ("request", "answer"):
        head = getattr(record, name)
        heads = [msgspec.structs.replace(head, line=head.line.replace("POST", "PUT").replace("200", "203"))]
        if name == "request":
            heads.append(msgspec.structs.replace(head, authority="other.example:5500"))
            heads.append(msgspec.structs.replace(head, line=head.line.replace("people", "nobody")))
            heads.append(msgspec.structs.replace(head, line=head.line.replace("q=", "q=1")))
        lines = head.fields.split("\r\n")
        for place, line in enumerate(lines):
            field = line.partition(":")[0]
            if f'"{field}"' in head.fields or field in ("signature", "signature-input"):
                other = line[:-3] + ("x" if line[-3] != "x" else "y") + line[-2:]
                heads.append(
                    msgspec.structs.replace(head, fields="\r\n".join([*lines[:place], other, *lines[place + 1 :]]))
                )
        found += [msgspec.structs.replace(record, **{name: one}) for one in heads]
    return found


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """What the provider's side kept of one call."""

    async def story() -> bytes:
        async with a_logged_pair(tmp_path_factory.mktemp("road")) as stage:
            await called(stage.road, 1)
            (kept,) = await stage.b.messages.find("call-0", parse_client(f"{PRODUCER}/sub"), 1)
            assert await stage.b.messages.find("call-0", ANSWERER, 1) == [], (
                "the member did not answer; its subsystem did"
            )
            found = await stage.b.messages.prove(kept.xid, "provider")
            assert found is not None
            return record_in(found.receipt)

    return read_record(asyncio.run(story()))


def test_we_refuse_any_change(record: Record) -> None:
    known = {keyid_of(owner): pem(owner) for owner in (ASKER, ANSWERER)}
    keys = keys_of(known)
    assert check_signatures(record, keys.get).answer is not None
    tampered = changes(record)
    assert len(tampered) >= 20
    for one in tampered:
        with pytest.raises(Refused):
            check_signatures(one, keys.get)
    assert check_signatures(msgspec.structs.replace(record, answer=None), keys.get).answer is None


def keys_of(known: Mapping[str, str]) -> dict[str, Any]:
    from banyan.wire.httpsig.keys import verifier_of
    from banyan.wire.httpsig.peer import Keys

    loaded = {keyid: serialization.load_pem_public_key(text.encode()) for keyid, text in known.items()}
    return {keyid: Keys(verifier_of(keyid, key)) for keyid, key in loaded.items()}


@pytest.mark.peers
def test_two_npm_libraries_take_the_messages_and_refuse_any_change(record: Record) -> None:
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules").is_dir():
        missing("run npm ci in tests/kernel/exchange/messages/peers")
    tampered = changes(record)
    records = [base64.b64encode(msgspec.json.encode(one)).decode() for one in (record, *tampered)]
    asked = json.dumps({"records": records, "keys": {keyid_of(owner): pem(owner) for owner in (ASKER, ANSWERER)}})
    command = [node, str(PEERS / "check.mjs")]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    whole, *others = json.loads(done.stdout)
    assert whole == {"http-message-signatures": [True, True], "http-message-sig": [True, True]}
    for one, told in zip(tampered, others, strict=True):
        for library, (request, answer) in told.items():
            assert not (request and answer), (library, one)
            if one.answer != record.answer:
                assert request, "the request is as it was"


@pytest.mark.parametrize("place", ["request", "answer"])
def test_the_python_library_takes_the_messages(record: Record, place: str) -> None:
    assert record.request is not None
    assert record.answer is not None
    request, answer = request_of(record.request), response_of(record.answer)

    class Theirs:
        def __init__(self, message: Any) -> None:
            self.headers = {name: ", ".join(lines) for name, lines in message.fields.items()}

    asked: Any = Theirs(request)
    asked.method, asked.url = request.method, f"https://{request.authority}{request.target}"
    message = asked
    if place == "answer":
        message = Theirs(answer)
        message.status_code, message.request = answer.status, asked

    class Resolver(HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> Any:
            return next(a_key(one.member).public_key() for one in (ASKER, ANSWERER) if keyid_of(one) == key_id)

        def resolve_private_key(self, key_id: str) -> Any:
            raise AssertionError

    verifier = HTTPMessageVerifier(signature_algorithm=ECDSA_P256_SHA256, key_resolver=Resolver())
    verifier.validate_created_and_expires = lambda *_, **__: None  # its clock is today's, the record's is not
    (found,) = verifier.verify(message, expect_tag=TAG)
    assert found.covered_components['"content-digest"'] in (message.headers["content-digest"],)
