"""A draw in the demonstration, from commitment to publication within two minutes, and a waiting room that one can try.

No beacon of drand can be had offline for a moment to come, so the draw is of the other kind: two bodies' nonces and
numbers drawn in public, all of them made up here. Everything goes through the operations that officers use.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from secrets import randbelow, token_bytes
from typing import Any, Final

from banyan.errors import Problem
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import Caller

OFFICE: Final = Caller(
    "officer", "demo-seed", channel="system", agency="TW/GOV/CDC", roles=("supplies",), assurance="aal2"
)
TICKETS: Final = 600
PLACES: Final = 200
DECIDES_S: Final = 75
"""From the commitment to the numbers: a list stands a minute before them."""
WAITS: Final = 150
"""Seconds that are waited for the numbers' moment, at most."""
ROOM_S: Final = 45
BODIES: Final = ("公證人（示範） Notary (demo)", "消費者團體（示範） Consumers' union (demo)")


async def seed_draw(gate: Gate) -> None:
    """Hold today's draw and open today's room; again on the same day changes nothing."""
    if "rationing.draw_commit" not in gate.catalogue.operations:
        return
    now = int(gate.clock())
    id = f"demo-draw-{datetime.fromtimestamp(now, UTC):%y%m%d}"
    if any(one.draw == id for one in await gate.call("rationing.draws", {}, caller=OFFICE)):
        return
    await _ask(gate, "waiting_open", room=id, title_zh="示範候位室", title_en="A waiting room to try", pace=20.0,
               paths=["/rationing/draw-check"], gathers=now, opens=now + ROOM_S, until=now + 12 * 3_600)  # fmt: skip
    nonces = [token_bytes(32) for _ in BODIES]
    bodies = [{"name": name, "nonce": sha256(one).hexdigest()} for name, one in zip(BODIES, nonces, strict=True)]
    await _ask(gate, "draw_commit", id=id, title_zh="示範抽籤：篩檢試劑", title_en="Demo draw: test kits",
               places=PLACES, shares=[{"stratum": 1, "places": 40}], method="numbers", bodies=bodies,
               source=f"示範公開抽號 Numbers drawn for {id}", drawn_at=now + DECIDES_S)  # fmt: skip
    entries = [
        {"ticket": ticket(one), "stratum": int(one % 5 == 0), "people": 1 + (one % 7 == 0) * (one % 4)}
        for one in range(TICKETS)
    ]
    await _ask(gate, "draw_close", draw=id, entries=entries)
    numbers = " ".join(str(1 + randbelow(39)) for _ in range(5))
    for _ in range(WAITS):
        await asyncio.sleep(1)
        try:
            await _ask(gate, "draw_reveal", draw=id, numbers=numbers, nonces=[one.hex() for one in nonces])
        except Problem as problem:
            if problem.kind != "too_early":
                return  # the ledger signed too late: the draw stands as it is, for an officer to give up
        else:
            await _ask(gate, "draw_publish", draw=id)
            return


def ticket(one: int) -> str:
    """The ticket of somebody of the demonstration, to be looked up on the draw's page."""
    return sha256(b"demo ticket %d" % one).hexdigest()


async def _ask(gate: Gate, operation: str, **asked: Any) -> None:
    await gate.call(f"rationing.{operation}", asked, caller=OFFICE)
