"""The page that checks receipts: its script says what `./banyan verify` says, and needs no network once it is open."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.make import Client
from tests.service.transparency.test_log import PERSON, fill, in_a_node

from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.ledger.tree import Tree
from banyan.node import Node
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import COSIGNATURE_ED25519, cosign_ed25519

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "web/portal/receipt-check.js"
DRIVER = Path(__file__).parent / "receipts.mjs"
WITNESS, WITNESS_KEY = "witness.example/w", Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32)
WITNESS_VKEY = note.verifier_key(WITNESS, COSIGNATURE_ED25519, WITNESS_KEY.public_key().public_bytes_raw())
AT = 1_700_000_000


async def cosigned(_old: int, signed: bytes, _tree: Tree) -> bytes:
    return signed + cosign_ed25519(WITNESS, WITNESS_KEY, note.parse(signed).text, AT).line.encode()


async def receipts(node: Node, *, others: int = 0) -> tuple[bytes, bytes]:
    """Of a use (the index after `others` acts) and of a public act, under a checkpoint that a witness cosigned."""
    for number in range(others):
        await node.lawful.ledger.append(act_entry("order", id=f"o-{number}"))
    index = await fill(node)
    await node.lawful.ledger.append(act_entry("order", id="last"))
    await node.lawful.ledger.publish(AT, cosigned)
    (use,) = (await node.lawful.ledger.history(PERSON, most=1)).uses
    told, act = await receipt_of(node.lawful.ledger, index, use), await receipt_of(node.lawful.ledger, index - 1)
    assert told is not None
    assert act is not None
    return told, act


def in_javascript(*asked: tuple[bytes, dict[str, Any]]) -> list[dict[str, Any]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node")
    given = [{"receipt": base64.b64encode(receipt).decode(), "asked": by} for receipt, by in asked]
    done = subprocess.run(
        [node, str(DRIVER)], input=json.dumps({"script": str(SCRIPT), "receipts": given}), capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_script_tells_what_the_receipt_proves() -> None:
    async def story(node: Node, client: Client) -> None:
        by = {"keys": list(node.lawful.keys.vkeys), "witnesses": [WITNESS_VKEY], "quorum": 1}
        use, act = await receipts(node, others=300)
        of_use, of_act = (one["told"] for one in await asyncio.to_thread(in_javascript, (use, by), (act, by)))
        assert of_use["record"]["operation"] == "travel.flag"
        assert (of_use["entry"]["kind"], of_use["index"], of_use["origin"]) == (
            "release",
            "301",
            node.lawful.keys.origin,
        )
        assert of_use["witnesses"] == [{"name": WITNESS, "at": AT}]
        assert of_use["unchecked"] == [node.lawful.keys.origin], "the signature that WebCrypto does not know"
        assert (of_act["record"], of_act["entry"]["kind"]) == (None, "order")

    in_a_node(story)


def test_every_changed_byte_is_refused() -> None:
    """But in the line of the post-quantum signature, which the page says that it does not check."""

    async def story(node: Node, client: Client) -> None:
        by = {"keys": list(node.lawful.keys.vkeys), "witnesses": [WITNESS_VKEY], "quorum": 1}
        use, _ = await receipts(node, others=5)
        unchecked = max(re.finditer(rb"\xe2\x80\x94 [^\n]+\n", use), key=lambda line: len(line[0]))
        places = [at for at in range(len(use)) if not unchecked.start() <= at < unchecked.end()]
        changed = [(use[:at] + bytes([use[at] ^ 1]) + use[at + 1 :], by) for at in places]
        told = await asyncio.to_thread(in_javascript, (use, by), *changed)
        assert "told" in told[0]
        assert [place for place, one in zip(places, told[1:], strict=True) if "refused" not in one] == []
        assert {"shape", "head", "signature", "proof", "record"} <= {one["refused"] for one in told[1:]}

    in_a_node(story)


def test_each_lie_is_refused_with_its_reason() -> None:
    async def story(node: Node, client: Client) -> None:
        keys = list(node.lawful.keys.vkeys)
        by = {"keys": keys, "witnesses": [WITNESS_VKEY], "quorum": 1}
        use, act = await receipts(node)
        stranger = note.verifier_key("log.example", note.ED25519, WITNESS_KEY.public_key().public_bytes_raw())
        extra = re.search(rb"extra [^\n]+\n", act)
        assert extra is not None
        without = re.sub(rb"\xe2\x80\x94 " + WITNESS.encode() + rb" [^\n]+\n", b"", use)
        lies = {
            "keys": [(use, {**by, "keys": []}), (use, {**by, "keys": ["log+00000000+AAAA"]})],
            "signer": [(use, {**by, "keys": [stranger]}), (use, {**by, "keys": [*keys, stranger]})],
            "quorum": [(without, by), (use, {**by, "quorum": 2})],
            "proof": [(re.sub(rb"extra [^\n]+\n", extra[0], use), by), (use.replace(b"index 1", b"index 0"), by)],
            "entry": [(re.sub(rb"extra [^\n]+\n", b"", use), by)],
            "shape": [(b"", by), (use[:-1], by), (use + b"x", by), (use.replace(b"index 1", b"index 01"), by)],
        }
        asked = [(reason, one) for reason, some in lies.items() for one in some]
        told = await asyncio.to_thread(in_javascript, *(one for _, one in asked))
        wrong = [(reason, one) for (reason, _), one in zip(asked, told, strict=True) if one.get("refused") != reason]
        assert wrong == []
        (alone,) = await asyncio.to_thread(in_javascript, (without, {"keys": keys}))
        assert alone["told"]["witnesses"] == []

    in_a_node(story)


def test_the_page_brings_its_keys_and_its_words() -> None:
    async def story(node: Node, client: Client) -> None:
        await fill(node)
        for path, words in (("/transparency/check", "查驗收據"), ("/en/transparency/check", "Check a receipt")):
            page = await client.get(path)
            assert page.status == 200
            assert words in page.text
            found = re.search(r'id="receipt-keys">(.*?)</script>', page.text)
            assert found is not None
            assert json.loads(found[1])["keys"] == list(node.lawful.keys.vkeys)
            assert "receipt-check.js" in page.text
            assert 'method="post"' not in page.text.split("<main", 1)[1].split("</main>", 1)[0]
        assert "/transparency/check" in (await client.get("/transparency")).text

    in_a_node(story)
