"""A million entries into the log: durable, in tiles, signed; proofs made and checked; pymerkle on the same bytes.

    ./banyan bench ledger [--quick] [--json]

Ours writes entries to its records (SQLite, `synchronous=FULL`, 1,000 a transaction), then to C2SP tiles, then signs the
checkpoint with Ed25519 and ML-DSA-44. pymerkle is its SQLite tree filled by its own bulk append (100,000 a commit) and
asked for its root. Both are RFC 6962 trees; their roots are asserted equal. Bytes are what each keeps for good: our
tiles with the entries, its database. --quick takes 100,000 entries. `ratio` is pymerkle's CPU / ours, append and root;
rounds interleaved, medians; microseconds are CPU. `releases` are uses of 10,000 people by 64 callers, each durable
before it returns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = 1.0
WAYS: Final = {"ours": ROOT / ".venv/bin/python", "pymerkle": ROOT / ".venv-proof/bin/python"}


def once(who: str, count: int, folder: Path) -> dict[str, Any]:
    command = [str(WAYS[who]), str(ROOT / "bench/_ledger_run.py"), who, str(count), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def measure(folder: Path, count: int, rounds: int) -> dict[str, dict[str, float]]:
    found: dict[str, list[dict[str, Any]]] = {who: [] for who in WAYS}
    for number in range(rounds):
        for who, rows in found.items():
            rows.append(once(who, count, folder / f"{who}{number}"))
        roots = {rows[-1].pop("root") for rows in found.values()}
        assert len(roots) == 1, "two roots of the same entries"
    return {
        who: {name: round(statistics.median(row[name] for row in rows), 1) for name in rows[0]}
        for who, rows in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 entries, one round, under 60 s")
    parser.add_argument("--json", action="store_true", help="the last line is the result as one JSON object")
    options = parser.parse_args()
    print(__doc__.split("\n")[0])
    count, rounds = (100_000, 1) if options.quick else (1_000_000, 3)
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        found = measure(Path(folder), count, rounds)
    for who, values in found.items():
        for name, value in values.items():
            print(f"{who:10} {name:50} {value:>14,.1f}")
    ratio = round(found["pymerkle"]["append and root CPU s"] / found["ours"]["append and root CPU s"], 2)
    result = {
        "name": "ledger", "peer": "pymerkle, SQLite tree, bulk append", "ratio": ratio, "target": TARGET,
        "met": ratio >= TARGET, "detail": {"entries": count, "rounds": rounds, **found},
    }  # fmt: skip
    if options.json:
        print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
