"""A running node and its witnesses, both ways: aics-witness cosigns it, it cosigns aics' log; no failure stops it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest
from tests.kernel.ledger.witnesses import PROOF, aics_serving, make_aics_witness, witness_keys
from tests.kernel.policy.test_judging import NOW
from tests.make import Client, frozen_clock
from tests.portal import LivePortal, free_port, live_portal, until

from banyan.errors import Invalid
from banyan.kernel.events.clock import system_clock
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.ledger.keys import load_keys
from banyan.lawful import keep_publishing
from banyan.node import open_node
from banyan.settings import LedgerSettings, Settings, WitnessAt
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.witnessing import cosigner_of, witnessed_by

ORIGIN = "tw.gov.banyan/ledger"
CHECK = Path(__file__).parent / "kernel/ledger/aics_check.py"
BASIS = {
    "id": "b-{number}", "title": {"zh-Hant": "依據", "en": "Basis"}, "kind": "legal-obligation", "pdpa": "16-1",
    "statute": {"pcode": "L0050001", "article": "39", "name": {"zh-Hant": "法", "en": "Act"}}, "operations": ["a.b"],
    "purposes": ["012"], "categories": ["C034"], "recipients": ["TW/MED/H1"], "fields": ["x"], "valid_from": 0.0,
    "retention_days": 1,
}  # fmt: skip


def act(live: LivePortal, number: int) -> None:
    """Something new for the log: a basis is registered."""
    body = json.dumps({**BASIS, "id": f"b-{number}"}).encode()
    request = urllib.request.Request(f"{live.url}/api/powers/register_basis", body, method="POST")
    request.add_header("Authorization", f"Bearer {live.token}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def standing(live: LivePortal) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(live.get("/api/transparency/standing"))
    return found


def told(live: LivePortal, size: int) -> Callable[[], str]:
    """The witness' result once a checkpoint covers `size` entries."""

    def look() -> str:
        found = standing(live)
        return str(found["witnesses"][0]["result"]) if found["published"] >= size else ""

    return look


@pytest.mark.peers
@pytest.mark.skipif(not PROOF.exists(), reason="needs .venv-proof (./banyan test makes it)")
def test_aics_witness_cosigns_a_running_node_and_is_cosigned_by_it(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    (data / "ledger").mkdir(parents=True)
    keys = load_keys(data / "ledger/keys", ORIGIN, random=token_bytes)
    theirs = make_aics_witness(tmp_path / "aics", ORIGIN, keys.vkeys[0])
    log = subprocess.run([PROOF / "python", CHECK, "key"], capture_output=True, text=True, check=True).stdout.strip()
    (data / "node.toml").write_text(
        f'[ledger]\nwitness_for = ["{log}"]\n'
        f'[[ledger.witnesses]]\nname = "aics"\nkey = "{theirs}"\nurl = "http://127.0.0.1:{port}"\n'
    )
    with live_portal(data) as live, ExitStack() as stack:
        stack.enter_context(aics_serving(tmp_path / "aics", port))
        act(live, 1)
        assert until(told(live, 1)) == "cosigned"
        signed = live.get("/ledger/checkpoint").encode()
        good, _ = note.verified(note.parse(signed), [*map(verifier_of, keys.vkeys), verifier_of(theirs)])
        assert len(good) == 3
        found = standing(live)
        assert (found["is_met"], found["quorum"], found["witness_for"]) == (True, 1, ["log.aics.example/demo"])
        for words in ("Enough witnesses cosigned", "aics", theirs.split("+")[0]):
            assert words in live.get("/en/transparency")
        # The other way: their client feeds our witness, and neither a rollback nor a fork gets a cosignature.
        command = [PROOF / "python", CHECK, "feed", f"{live.url}/witness", found["witness_key"]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "4 cosigned\n"), done.stderr
        # It dies: the log goes on and says so. It comes back: the same checkpoint gets its cosignature.
        stack.close()
        act(live, 2)
        assert until(told(live, 2)) in ("unreachable", "resting")
        assert "Not enough witnesses" in live.get("/en/transparency")
        assert not standing(live)["is_met"]
        stack.enter_context(aics_serving(tmp_path / "aics", port))
        until(lambda: standing(live)["is_met"], within_s=60.0)
        assert standing(live)["published"] == 2, "nothing new was needed for it"


def test_a_dead_witness_does_not_stop_the_publishing(tmp_path: Path) -> None:
    """The loop of the node itself, until two checkpoints came about in spite of a witness nobody answers for."""
    dead = WitnessAt("dead", witness_keys().witness_vkey, f"http://127.0.0.1:{free_port()}")
    settings = Settings(services=("banyan.service.transparency.parts:SERVICE",), ledger=LedgerSettings((dead,)))

    async def story() -> None:
        async with open_node(tmp_path, settings, clock=system_clock) as node:
            loop = asyncio.create_task(keep_publishing(node.lawful, clock=system_clock, log=lambda *_: None))
            for size in (1, 2):
                await node.lawful.ledger.append(act_entry("order", id=str(size)))
                end = time.monotonic() + 30
                while (await node.lawful.ledger.head()).published < size:
                    assert time.monotonic() < end, "no checkpoint"
                    await asyncio.sleep(0.05)
            found = (await Client(node.app).get("/api/transparency/standing")).json
            assert (found["is_met"], found["quorum"]) == (False, 1)
            assert found["witnesses"][0]["result"] in ("unreachable", "resting")
            assert found["witnesses"][0]["has_cosigned"] is False
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    asyncio.run(story())


def test_a_node_without_the_configuration_is_no_witness_and_has_none(tmp_path: Path) -> None:
    async def story() -> None:
        only = Settings(services=("banyan.service.transparency.parts:SERVICE",))
        async with open_node(tmp_path, only, clock=frozen_clock(NOW)) as node:
            client = Client(node.app)
            assert (await client.get("/api/transparency/standing")).json["witnesses"] == []
            assert "has no witnesses yet" in (await client.get("/en/transparency")).text
            signed = witness_keys().sign("agency1.example\n1\n" + "A" * 43 + "=\n", int(NOW))
            answer = await client.request("POST", "/witness/add-checkpoint", body=b"old 0\n\n" + signed)
            assert (answer.status, answer.text) == (404, "unknown log\n")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (LedgerSettings((WitnessAt("a", "x", "http://h"),)), "ledger.witnesses"),
        (LedgerSettings((WitnessAt("a", witness_keys().vkeys[0], "http://h"),)), "cosignatures"),
        (LedgerSettings((WitnessAt("a", witness_keys().witness_vkey, "http://h"),) * 2), "defined already"),
        (LedgerSettings((WitnessAt("a", witness_keys().witness_vkey, "http://h"),), quorum=2), "ledger.quorum"),
        (LedgerSettings(witness_for=("x",)), "ledger.witness_for"),
    ],
)
def test_a_wrong_key_of_the_configuration_is_named(settings: LedgerSettings, names: str) -> None:
    def read() -> None:
        cosigner_of(settings, clock=frozen_clock())
        witnessed_by(settings)

    with pytest.raises(Invalid, match=names):
        read()
