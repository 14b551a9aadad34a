"""Memory of the engine's state as persons come in, one purchase each: bytes a person, and the longest single sale.

.venv/bin/python bench/_rationing_memory.py [PERSONS ...]
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from banyan.service.rationing.engine.deciding import decide, put_book  # noqa: E402
from banyan.service.rationing.engine.desk import Desk  # noqa: E402
from banyan.service.rationing.engine.model import Buy, Buyer, Deliver, Receipt  # noqa: E402
from banyan.service.rationing.engine.rulebook import Edition, Rule, RuleBook  # noqa: E402
from banyan.service.rationing.engine.state import State  # noqa: E402

BOOK = RuleBook((Edition(since=date(2000, 1, 1), rule=(Rule(item="m", quantity=9, window_days=14),)),))
NOW_MS = 1_600_000_000_000
BORN = date(1980, 1, 1)


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main(steps: list[int]) -> None:
    desk, dice = Desk(State()), random.Random(3)
    desk.begin(NOW_MS)
    put_book(desk, BOOK)
    for place in range(6_500):
        decide(desk, Deliver(key=b"stock___" + place.to_bytes(8, "big"), outlet=str(place), item="m", qty=10**9))
    start_mb, sold = resident_mb(), 0
    for step in steps:
        longest, began, before = 0.0, time.process_time(), sold
        while sold < step:
            desk.begin(NOW_MS + sold)
            for _ in range(512):
                key = b"term%04d" % (sold & 4095) + (sold >> 12).to_bytes(8, "big")
                one = Buy(key=key, buyer=Buyer(dice.randbytes(16), BORN), item="m", qty=9, outlet=str(sold % 6_500))
                at = time.process_time()
                answer = decide(desk, one)
                longest = max(longest, time.process_time() - at)
                assert type(answer) is Receipt
                sold += 1
        took, grown = time.process_time() - began, resident_mb() - start_mb
        print(
            json.dumps(
                {
                    "persons": sold,
                    "MB": round(grown),
                    "bytes a person": round(grown * 1e6 / sold, 1),
                    "CPU us a sale": round(took / (sold - before) * 1e6, 2),
                    "longest sale ms CPU": round(longest * 1e3, 2),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [1_000_000, 5_000_000, 25_000_000])
