"""The log over HTTP: files an auditor's own tools read, a witness others can ask, and the page for people."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from tests.kernel.policy.test_judging import FLAG, NOW
from tests.kernel.policy.test_orders import NHI, ORDER
from tests.make import Client, frozen_clock

from banyan.kernel.ledger.entries import ReleaseRecord, act_entry
from banyan.kernel.ledger.receipts import prove
from banyan.kernel.policy import orders, records
from banyan.node import Node, open_node
from banyan.settings import Settings
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import parse_text, verifier_of
from banyan.wire.tlog.merkle import leaf_hash, node_hash, root_of
from banyan.wire.tlog.proof import AddCheckpoint
from banyan.wire.tlog.tiles import decode_bundle

ONLY = Settings(services=("banyan.service.transparency.parts:SERVICE",))
PERSON = bytes(range(32))


def in_a_node(story: Callable[[Node, Client], Awaitable[None]]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with open_node(Path(folder), ONLY, clock=frozen_clock(NOW)) as node:
                await story(node, Client(node.app))

    asyncio.run(run())


async def fill(node: Node) -> int:
    """An order in force, a basis, a use of a person's data; the use's index."""
    approved = orders.approve(ORDER, NHI, NOW)
    assert isinstance(approved, orders.Order)
    await node.lawful.policy.write(lambda tx: records.put_basis(tx, FLAG, NOW))
    await node.lawful.policy.write(lambda tx: records.put_order(tx, approved))
    await node.lawful.ledger.append(act_entry("order", id=ORDER.id))
    record = ReleaseRecord(
        at=NOW,
        operation="travel.flag",
        action={"zh-Hant": "查", "en": "look"},
        receiver="TW/MED/H1",
        receiver_name="H1",
        system="api",
        basis=f"{FLAG.id}@{FLAG.version}",
        statute="x",
        purpose="012",
        fields=("flag",),
    )
    used = await node.lawful.ledger.release(PERSON, record)
    await node.lawful.ledger.publish(int(NOW))
    return used.index


def test_an_auditor_reads_the_whole_log_from_its_files() -> None:
    async def story(node: Node, client: Client) -> None:
        await fill(node)
        keys = [verifier_of(line) for line in (await client.get("/ledger/keys")).text.splitlines()]
        signed = (await client.get("/ledger/checkpoint")).body
        parsed = note.parse(signed)
        assert len(note.verified(parsed, keys)[0]) == 2, "both of the log's signatures"
        checkpoint = parse_text(parsed.text)
        bundle = await client.get(f"/ledger/tile/entries/000.p/{checkpoint.size}")
        assert "immutable" in bundle.header("cache-control")
        hashes = [leaf_hash(entry) for entry in decode_bundle(bundle.body)]
        assert (await client.get(f"/ledger/tile/0/000.p/{checkpoint.size}")).body == b"".join(hashes)

        def read(level: int, index: int) -> bytes:
            return hashes[index] if not level else node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

        assert root_of(checkpoint.size, read) == checkpoint.root
        assert (await client.get("/ledger/tile/0/000.p/1")).body == hashes[0], "also at a width never written"
        for path in ("0/000", "0/001", "0/000.p/200", "9/000", "0/../../keys", "entries/x000/001", "0/000.p/01"):
            assert (await client.get(f"/ledger/tile/{path}")).status == 404, path

    in_a_node(story)


def test_a_receipt_and_what_people_see() -> None:
    async def story(node: Node, client: Client) -> None:
        index = await fill(node)
        receipt = (await client.get("/api/transparency/receipt?index=0")).json["receipt"]
        keys = [verifier_of(key) for key in node.lawful.keys.vkeys]
        assert prove(receipt.encode(), logs=keys).entry == {"v": 1, "kind": "order", "id": ORDER.id}
        missing = await client.get("/api/transparency/receipt?index=999")
        assert missing.status == 404
        uses = (await client.get("/api/transparency/uses")).json["counts"]
        assert [(one["basis"], one["receiver"], one["uses"]) for one in uses] == [(FLAG.id, "TW/MED/H1", 1)]
        assert uses[0]["statute"]["zh-Hant"] == "傳染病防治法第 39 條"
        kinds = [one["kind"] for one in (await client.get("/api/transparency/entries")).json]
        assert kinds == ["order", "release", "subjects"]
        assert kinds[index] == "release"
        for path, words in (("/transparency", "邊境檢疫"), ("/en/transparency", "Border quarantine")):
            page = (await client.get(path)).text
            assert words in page
            assert "TW/MED/H1" in page
            assert f"<td>{FLAG.id}" not in page, "its name is said, in the orders too"
            assert "Z</time>" not in page, "times are Taiwan's, as everywhere"
            assert PERSON.hex() not in page

    in_a_node(story)


def test_an_empty_node_says_so() -> None:
    async def story(node: Node, client: Client) -> None:
        assert (await client.get("/ledger/checkpoint")).status == 404
        assert (await client.get("/api/transparency/entries")).json == []
        assert "No order is in force now." in (await client.get("/en/transparency")).text

    in_a_node(story)


def test_it_cosigns_only_logs_it_knows() -> None:
    async def story(node: Node, client: Client) -> None:
        await fill(node)
        body = AddCheckpoint(0, (), (await node.lawful.ledger.head()).checkpoint).encode()
        answer = await client.request("POST", "/witness/add-checkpoint", body=body)
        assert answer.status == 404
        assert answer.text == "unknown log\n"
        assert (await client.request("POST", "/witness/add-checkpoint", body=b"x")).status == 400

    in_a_node(story)


def test_nothing_personal_is_in_the_openapi_or_the_answers() -> None:
    async def story(node: Node, client: Client) -> None:
        await fill(node)
        for path in ("standing", "entries", "orders", "uses", "register"):
            answer = await client.get(f"/api/transparency/{path}")
            assert answer.status == 200, path
            assert PERSON.hex() not in answer.text
        register = (await client.get("/api/transparency/register")).json
        assert msgspec.convert(register[0], type(FLAG)) == FLAG

    in_a_node(story)
