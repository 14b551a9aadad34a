"""Selling without a network: what a terminal's snapshot costs the node and the line, and what a merge costs.

    ./banyan bench offline [--quick] [--json]

CPU time of this process, medians; a filter beside a list of the same marks. `town` is a town of the mean size (23.5
million people in 368), `county` of 22, `nation` all. A merge is of a pharmacy's day of 200 receipts: each is verified
(ES256), its card opened (ECDH-ES), kept (fsync) and told to the engine (fsync).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from tests.service.rationing.offline.world import HERE, MASK, a_light_world, numbers  # noqa: E402

from banyan.limits_rationing import OFFLINE_FILTER_BITS  # noqa: E402
from banyan.service.rationing.offline import filters  # noqa: E402

SIZES = {"town": 23_500_000 // 368, "county": 23_500_000 // 22, "nation": 23_500_000}
RECEIPTS = 200


def a_filter(count: int) -> dict[str, float]:
    """Entries of `count` marks (HMAC each) and the filter of them, as a snapshot is built."""
    marks = [at.to_bytes(16, "big") for at in range(count)]
    started = time.process_time()
    entries = [filters.entry(b"k" * 32, mark) for mark in marks]
    keyed = time.process_time()
    filled = filters.built(entries, filters.bits_for(count, OFFLINE_FILTER_BITS))
    ended = time.process_time()
    return {
        "people": count,
        "bytes": len(filled),
        "list_bytes": count * 16,
        "key_s": round(keyed - started, 3),
        "build_s": round(ended - keyed, 3),
        "false_positives": round(filters.false_positives(filled), 4),
    }


async def merges(rounds: int) -> dict[str, float]:
    """Milliseconds of a merge of RECEIPTS, and of the same sent again."""
    people = numbers(RECEIPTS)
    new, again = [], []
    with tempfile.TemporaryDirectory() as folder:
        async with a_light_world(Path(folder)) as world:
            for at in range(rounds):
                await world.deliver(HERE, 2 * RECEIPTS)
                device = await world.enrol()
                lease = await world.lease(device, 2 * RECEIPTS, f"{at:032x}")
                tokens = [device.sell(lease, MASK, 1, number) for number in people]
                for kept in (new, again):
                    started = time.process_time()
                    await world.merge(*tokens)
                    kept.append(time.process_time() - started)
    return {
        "receipts": RECEIPTS,
        "merge_ms": round(median(new) * 1000, 1),
        "again_ms": round(median(again) * 1000, 1),
        "receipt_bytes": len(tokens[0]),
        "per_cpu_s": round(RECEIPTS / median(new)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args()
    sizes = {name: size for name, size in SIZES.items() if not options.quick or name != "nation"}
    told = {name: a_filter(size) for name, size in sizes.items()}
    for name, one in told.items():
        size = f"{one['bytes'] / 1e6:6.2f} MB (a list: {one['list_bytes'] / 1e6:.1f})"
        cost = f"keyed {one['key_s']:.2f} s, built {one['build_s']:.2f} s"
        print(f"{name:8}{one['people']:>12,} people {size}  {cost}  false positives {one['false_positives']:.2%}")
    merged = asyncio.run(merges(2 if options.quick else 5))
    print(
        f"merge of {RECEIPTS} receipts ({merged['receipt_bytes']:.0f} B each): {merged['merge_ms']} ms of CPU, "
        f"{merged['per_cpu_s']:.0f}/s a core; sent again {merged['again_ms']} ms"
    )
    if options.json:
        print(json.dumps({"filters": told, "merge": merged}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
