"""A whole draw, from people to published ranks and back: 1,178,156 tickets, as many as eMask's first round had orders.

    ./banyan bench draw [--quick] [--json]

Each size runs in a process of its own, which reports CPU seconds by step and its largest memory: tickets (HMAC of each
person), list (sort, each once), tree (root before the seed, rows kept for paths), seed (drand's round 657413, verified
offline), ranks (hash and sort), allot (winners, reserve), order tree, file (`ranks.csv`), paths (microseconds a
receipt, checked). Then `docs/verify-draw.py`, in an environment without Banyan, runs the draw again from the files. The
sizes are a tenth, the whole and ten times it; the notes (supplies.md) measured 0.40 s to hash, 0.57 s to sort and
0.97 s for the tree at 1,178,156 on an idle core.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src")]

from banyan.craft.draw import TicketTree, canonical, ranks, seed, ticket  # noqa: E402
from banyan.craft.draw.allotting import marked  # noqa: E402
from banyan.craft.draw.beacon import Beacon, randomness_of  # noqa: E402
from banyan.craft.draw.bundle import csv_of  # noqa: E402
from banyan.kernel.ledger.entries import act_entry  # noqa: E402
from banyan.wire.tlog.merkle import check_inclusion, leaf_hash  # noqa: E402

WHOLE = 1_178_156
SIZES = (WHOLE // 10, WHOLE, WHOLE * 10)
QUICK_SIZES = (WHOLE // 100, WHOLE // 10)
ROUND = 657_413
SIGNATURE = "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"
PATHS = 2_000
VERIFIED_UP_TO = WHOLE
"""The verifier is plain Python for people to read: ten times the nation's round would be measuring patience."""


def one_draw(count: int, folder: Path) -> dict[str, float]:
    """Draw among `count` people; seconds of CPU by step."""
    spent: dict[str, float] = {}
    begun = time.process_time()

    def step(name: str) -> None:
        nonlocal begun
        spent[name] = time.process_time() - begun
        begun = time.process_time()

    key, nonce = sha256(b"key").digest(), sha256(b"nonce").digest()
    people = [at.to_bytes(16, "big") for at in range(count)]
    begun = time.process_time()
    tickets = [ticket(key, person) for person in people]
    step("tickets")
    del people
    entries = canonical(tickets)
    del tickets
    step("list")
    tree = TicketTree.over(entries)
    step("tree")
    made = seed(tree.root, randomness_of(Beacon(ROUND, SIGNATURE), round=ROUND), nonce)
    step("seed")
    order = ranks(made, entries)
    step("ranks")
    places = count // 2
    won, left = marked(order, places)
    step("allot")
    order_tree = TicketTree.over(order)
    step("order tree")
    with (folder / "ranks.csv").open("wb") as file:
        for part in csv_of(order, won):
            file.write(part)
    step("file")
    some = random.Random(7).sample(range(count), min(PATHS, count))
    begun = time.process_time()
    for index in some:
        check_inclusion(index, count, leaf_hash(entries[index]), tree.path(index), tree.root)
        check_inclusion(index, count, leaf_hash(order[index]), order_tree.path(index), order_tree.root)
    step("receipt_us")
    spent["receipt_us"] *= 1e6 / len(some)
    _bundle(folder, tree, made, nonce, places)
    spent["total"] = sum(value for name, value in spent.items() if name != "receipt_us")
    spent["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert sum(won) + left == places, "every place is given out"
    return spent


def verified(folder: Path) -> dict[str, float]:
    """Run the draw again as a stranger does: CPU seconds and memory of the verifier."""
    found = importlib.util.find_spec("drand_verify")
    assert found is not None, "drand-verify is locked"
    shutil.copytree(Path(str(found.origin)).parent, folder / "library" / "drand_verify")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    script = ROOT / "docs" / "verify-draw.py"
    told = "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss"
    memory = f"import resource, runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__'); print({told})"
    command = [sys.executable, "-S", "-P", "-c", memory, str(script), "draw.json", "ranks.csv"]
    clean = {"PYTHONPATH": str(folder / "library")}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("HOLDS"), done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"verifier": cpu, "verifier_mb": int(done.stdout.split()[-1]) / 1024}


def _bundle(folder: Path, tree: TicketTree, made: bytes, nonce: bytes, places: int) -> None:
    commit = act_entry(
        "draw", step="commit", id="bench", method="drand", nonces=sha256(nonce).hexdigest(), key="", places=places,
        shares="{}", round=ROUND,
    )  # fmt: skip
    close = act_entry(
        "draw", step="close", id="bench", count=tree.size, people=tree.size, root=tree.root.hex(),
        commit=sha256(commit).hexdigest(),
    )  # fmt: skip
    bundle = {
        "draw": "bench", "commit": commit.decode(), "close": close.decode(), "nonces": [nonce.hex()],
        "seed": made.hex(), "signature": SIGNATURE,
        "commit_receipt": _receipt(commit), "close_receipt": _receipt(close),
    }  # fmt: skip
    (folder / "draw.json").write_text(json.dumps(bundle))


def _receipt(entry: bytes) -> str:
    import base64

    kept = json.dumps({"entry": base64.b64encode(entry).decode()}).encode()
    return f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(kept).decode()}\nindex 0\n\n"


def alone(count: int) -> dict[str, float]:
    """One size in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, __file__, "--alone", str(count), "--folder", name]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
        figures: dict[str, float] = json.loads(done.stdout)
        return figures | (verified(Path(name)) if count <= VERIFIED_UP_TO else {})


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--json", action="store_true")
    options.add_argument("--alone", type=int, default=0)
    options.add_argument("--folder", type=Path, default=Path())
    asked = options.parse_args()
    if asked.alone:
        print(json.dumps(one_draw(asked.alone, asked.folder)))
        return 0
    found = {count: alone(count) for count in (QUICK_SIZES if asked.quick else SIZES)}
    names = list(dict.fromkeys(name for figures in found.values() for name in figures))
    print("CPU seconds".ljust(16) + "".join(f"{count:>14,}" for count in found))
    for name in names:
        cells = (f"{figures[name]:>14,.3f}" if name in figures else f"{'–':>14}" for figures in found.values())
        print(name.ljust(16) + "".join(cells))
    if asked.json:
        print(json.dumps({"draw": found}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
