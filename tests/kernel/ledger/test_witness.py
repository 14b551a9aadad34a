"""The witness: litewitness' own exchanges, a real sum.golang.org checkpoint among them, give its answers."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from tests.kernel.ledger.conftest import KEYS, ORIGIN, OpenLedger
from tests.make import shared_data

from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.ledger.witness import add_checkpoint
from banyan.kernel.storage.store import SchemaStore
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.merkle import consistency_proof
from banyan.wire.tlog.proof import AddCheckpoint, parse_add_checkpoint

NOW = 1_790_000_000
WITNESS = verifier_of(KEYS.witness_vkey)


def exchanges() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Those of one witness in their order; the one through a bastion begins with a fresh witness."""
    known = json.loads(shared_data("exchange/witness/litewitness_exchanges.json").read_text(encoding="utf-8"))
    return known["trusted"], [one for one in known["exchanges"] if "bastion" not in one["source"]]


def test_the_exchanges_of_litewitness(ledger_store: SchemaStore) -> None:
    """Their unknown log is 403, as in their earlier text; the specification says 404 and so do we."""
    trusted, known = exchanges()
    sigsum = bytes.fromhex(trusted["sigsum_log_public_key_hex"])
    logs: dict[str, list[note.Verifier]] = {"go.sum database tree": [verifier_of(trusted["go.sum database tree"])]}
    for exchange in known:
        origin = parse_add_checkpoint(exchange["body"].encode()).opened()[1].origin
        if origin.startswith("sigsum.org/") and origin not in logs and not origin.endswith("563"):
            logs[origin] = [note.Ed25519Verifier(origin, sigsum)]

    async def run() -> None:
        for exchange in known:
            asked = exchange["body"].encode()
            answer = await add_checkpoint(ledger_store, KEYS, logs, asked, NOW)
            unknown = any("unknown log" in one for one in exchange["asserts"])
            assert answer.status == (404 if unknown else exchange["status"]), exchange["asserts"]
            if answer.status == 200:
                text = parse_add_checkpoint(asked).opened()[0].text
                note.opened(note.written(text, [note.parse_line(answer.body[:-1])]), [WITNESS])
            if answer.status == 409:
                assert answer.media_type == "text/x.tlog.size"
                assert answer.body.strip().isdigit()

    asyncio.run(run())


def test_our_own_log_is_witnessed_as_it_grows_and_never_rolled_back(
    open_ledger: OpenLedger, ledger_store: SchemaStore
) -> None:
    logs = {ORIGIN: [verifier_of(vkey) for vkey in KEYS.vkeys]}

    async def run() -> None:
        ledger, sizes = open_ledger(), [0]
        asked: list[bytes] = []
        for number in range(4):
            for entry in range(number * 3 + 1):
                await ledger.append(act_entry("order", id=f"{number}.{entry}"))
            checkpoint = await ledger.publish(NOW)
            assert checkpoint is not None
            proof = consistency_proof(sizes[-1], checkpoint.size, (await ledger.tree()).subtree)
            body = AddCheckpoint(sizes[-1], tuple(proof), (await ledger.head()).checkpoint).encode()
            assert (await add_checkpoint(ledger_store, KEYS, logs, body, NOW)).status == 200
            sizes.append(checkpoint.size)
            asked.append(body)
        again = await add_checkpoint(ledger_store, KEYS, logs, asked[1], NOW)
        assert (again.status, again.body) == (409, f"{sizes[-1]}\n")
        torn = bytearray(asked[3])
        torn[torn.index(b"\n") + 5] ^= 1
        assert (await add_checkpoint(ledger_store, KEYS, logs, bytes(torn), NOW)).status in (400, 409, 422)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"old 1", 400), (b"old x\n\n", 400), (b"old 0\n\nx\n1\nx\n\n", 400), (b"o" * 70_000, 413)],
)
def test_bad_requests(ledger_store: SchemaStore, body: bytes, status: int) -> None:
    assert asyncio.run(add_checkpoint(ledger_store, KEYS, {}, body, NOW)).status == status


def test_a_split_view_is_refused(open_ledger: OpenLedger, ledger_store: SchemaStore) -> None:
    """Another tree of the same size, signed by the log itself."""
    logs = {ORIGIN: [verifier_of(vkey) for vkey in KEYS.vkeys]}

    async def run() -> None:
        ledger = open_ledger()
        await ledger.append(act_entry("order", id="one"))
        await ledger.publish(NOW)
        signed = (await ledger.head()).checkpoint
        assert (
            await add_checkpoint(ledger_store, KEYS, logs, AddCheckpoint(0, (), signed).encode(), NOW)
        ).status == 200
        other = note.parse(signed).text.split("\n")
        other[2] = base64.b64encode(bytes(32)).decode()
        forked = KEYS.sign("\n".join(other), NOW)
        assert (
            await add_checkpoint(ledger_store, KEYS, logs, AddCheckpoint(1, (), forked).encode(), NOW)
        ).status == 409

    asyncio.run(run())
