"""`docs/verify-draw.py`, which knows nothing of Banyan: it holds on a real draw, and no tampering passes it."""

from __future__ import annotations

import asyncio
import base64
import csv
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.craft.draw.test_beacon import REAL
from tests.service.rationing.draw.world import DRAW, a_plan, a_world

from banyan.craft.draw import Entry, packed, ticket
from banyan.node import ROOT
from banyan.service.rationing.draw import desk

SCRIPT = ROOT / "docs" / "verify-draw.py"
Rows = list[dict[str, str]]
Tamper = Callable[[dict[str, Any], Rows], None]


class Published(msgspec.Struct):
    """A draw as anybody downloads it, and an environment that has drand-verify and nothing else."""

    draw: dict[str, Any]
    rows: Rows
    folder: Path
    library: Path

    def check(self, draw: dict[str, Any], rows: Rows, folder: Path) -> subprocess.CompletedProcess[str]:
        (folder / "draw.json").write_text(json.dumps(draw))
        with (folder / "ranks.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return self.run(str(SCRIPT), "draw.json", "ranks.csv", folder=folder)

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-S", "-P", *arguments]
        clean = {"PYTHONPATH": str(self.library), "PATH": ""}
        return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("draw")

    async def play() -> tuple[bytes, bytes]:
        async with a_world(folder / "node") as world:
            shares = [{"stratum": 1, "places": 9}, {"stratum": 2, "places": 3}]
            await world.call("draw_commit", **a_plan(shares=shares))
            key = await desk.ticket_key(world.context, DRAW)
            tickets = [ticket(key, b"person %d" % one) for one in range(60)]
            special = [Entry(one, at % 3, 1 + at % 4, 1 + at % 2) for at, one in enumerate(tickets[:30])]
            await world.until_drawn([*map(packed, special), *tickets[30:]])
            files = [await world.client.get(f"/rationing/draws/{DRAW}/{name}") for name in ("draw.json", "ranks.csv")]
            assert [one.status for one in files] == [200, 200]
            return files[0].body, files[1].body

    bundle, ranks = asyncio.run(play())
    found = importlib.util.find_spec("drand_verify")
    assert found is not None
    assert found.origin is not None
    shutil.copytree(Path(found.origin).parent, folder / "library" / "drand_verify")
    rows = list(csv.DictReader(ranks.decode().splitlines()))
    return Published(json.loads(bundle), rows, folder, folder / "library")


def test_it_is_one_page_and_imports_nothing_of_ours(published: Published) -> None:
    text = SCRIPT.read_text()
    assert len(text.splitlines()) <= 40
    assert "banyan" not in text
    assert published.run("-c", "import banyan", folder=published.folder).returncode == 1
    assert published.run("-c", "import drand_verify", folder=published.folder).returncode == 0


def test_a_real_draw_holds(published: Published, tmp_path: Path) -> None:
    done = published.check(published.draw, published.rows, tmp_path)
    assert done.stdout.startswith("HOLDS: 60 tickets, "), done.stderr
    assert done.returncode == 0
    assert (
        sha256((tmp_path / "ranks.csv").read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        == published.draw["ranks_sha256"]
    )


def _entry(act: str, **changed: Any) -> Tamper:
    """An entry that says otherwise, with a receipt that holds it, and the closing that follows it."""

    def tamper(draw: dict[str, Any], rows: Rows) -> None:
        draw[act] = json.dumps(json.loads(draw[act]) | changed)
        kept = base64.b64encode(json.dumps({"entry": base64.b64encode(draw[act].encode()).decode()}).encode())
        draw[act + "_receipt"] = f"c2sp.org/tlog-proof@v1\nextra {kept.decode()}\nindex 0\n\n"

    return tamper


def _field(**changed: Any) -> Tamper:
    def tamper(draw: dict[str, Any], rows: Rows) -> None:
        draw.update(changed)

    return tamper


def _other_nonce(draw: dict[str, Any], rows: Rows) -> None:
    draw["nonces"] = ["00" * 32]


def _two_places_swapped(draw: dict[str, Any], rows: Rows) -> None:
    rows[0]["ticket"], rows[7]["ticket"] = rows[7]["ticket"], rows[0]["ticket"]


def _rank_renumbered(draw: dict[str, Any], rows: Rows) -> None:
    rows[3]["rank"] = "3"


def _one_left_out(draw: dict[str, Any], rows: Rows) -> None:
    del rows[-1]


def _last_one_doubled(draw: dict[str, Any], rows: Rows) -> None:
    rows.append(rows[-1] | {"rank": str(len(rows) + 1)})


def _ticket_exchanged(draw: dict[str, Any], rows: Rows) -> None:
    """A friend's ticket put where it would have come by its own rank."""
    seed, taken = bytes.fromhex(draw["seed"]), {row["ticket"] for row in rows}
    plain = [row for row in rows if (row["stratum"], row["people"], row["lots"]) == ("0", "1", "1")]
    ranks = [sha256(seed + bytes.fromhex(row["ticket"])).digest() for row in plain]
    friends = (sha256(b"%d" % one).digest() for one in range(100_000))
    fits = (one for one in friends if ranks[3] < sha256(seed + one).digest() < ranks[4])
    friend = next(fits)
    assert friend.hex() not in taken
    plain[3]["ticket"] = friend.hex()
    _sorted_again(draw, rows)


def _sorted_again(draw: dict[str, Any], rows: Rows) -> None:
    seed = bytes.fromhex(draw["seed"])

    def rank(row: dict[str, str]) -> bytes:
        what = [int(row[name]) for name in ("stratum", "people", "lots")]
        entry = bytes.fromhex(row["ticket"]) + (b"" if what == [0, 1, 1] else bytes(what))
        return min(sha256(seed + entry + (bytes([lot]) if lot else b"")).digest() for lot in range(what[2]))

    rows.sort(key=rank)
    for place, row in enumerate(rows, 1):
        row["rank"] = str(place)


def _household_enlarged(draw: dict[str, Any], rows: Rows) -> None:
    next(row for row in rows if row["people"] == "4")["people"] = "1"
    _sorted_again(draw, rows)


def _lots_added(draw: dict[str, Any], rows: Rows) -> None:
    next(row for row in reversed(rows) if row["lots"] == "1")["lots"] = "9"
    _sorted_again(draw, rows)


def _moved_to_a_stratum(draw: dict[str, Any], rows: Rows) -> None:
    next(row for row in reversed(rows) if row["stratum"] == "0")["stratum"] = "2"
    _sorted_again(draw, rows)


def _winner_added(draw: dict[str, Any], rows: Rows) -> None:
    next(row for row in reversed(rows) if row["won"] == "0")["won"] = "1"


def _winner_taken(draw: dict[str, Any], rows: Rows) -> None:
    next(row for row in rows if row["won"] == "1")["won"] = "0"


def _receipt_of_another_act(draw: dict[str, Any], rows: Rows) -> None:
    draw["close_receipt"] = draw["commit_receipt"]


TAMPERS: dict[str, tuple[Tamper, str]] = {
    "another draw's name": (_field(draw="2023-w38-adult"), "the acts"),
    "another nonce": (_other_nonce, "nonce"),
    "no nonce": (_field(nonces=[]), "nonce"),
    "another round's signature": (_field(signature=REAL[1_000]), "drand did not sign"),
    "no signature": (_field(signature=""), "no signature"),
    "a signature that is none": (_field(signature="zz" * 48), "no signature"),
    "another seed": (_field(seed="11" * 32), "the seed"),
    "an earlier round named": (_entry("commit", round=1_000), "another commitment"),
    "more places": (_entry("commit", places=31), "another commitment"),
    "another list's root": (_entry("close", root="22" * 32), "the seed"),
    "another count": (_entry("close", count=61), "the list"),
    "a commitment without its receipt": (_field(commit_receipt="x"), ""),
    "a receipt of another act": (_receipt_of_another_act, "the receipt of another close"),
    "two places swapped": (_two_places_swapped, "the order"),
    "a rank renumbered": (_rank_renumbered, "the order"),
    "a ticket left out": (_one_left_out, "the list"),
    "a ticket doubled": (_last_one_doubled, "the order"),
    "a friend's ticket": (_ticket_exchanged, "the list"),
    "a household of another size": (_household_enlarged, "the list"),
    "more lots": (_lots_added, "the list"),
    "another stratum": (_moved_to_a_stratum, "the list"),
    "one winner more": (_winner_added, "who won"),
    "one winner less": (_winner_taken, "who won"),
}


@pytest.mark.parametrize("name", TAMPERS)
def test_a_tampered_draw_is_refused(name: str, published: Published, tmp_path: Path) -> None:
    tamper, why = TAMPERS[name]
    draw, rows = json.loads(json.dumps(published.draw)), [dict(row) for row in published.rows]
    tamper(draw, rows)
    done = published.check(draw, rows, tmp_path)
    assert done.returncode != 0
    assert "HOLDS" not in done.stdout
    assert why in done.stderr
