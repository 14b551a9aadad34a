"""What a message log does by itself: publish each second, destroy each day, once more at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.messages.archive import Messages
from banyan.kernel.exchange.messages.daykeys import day_of
from banyan.kernel.exchange.messages.neighbours import Neighbours
from banyan.limits import LEDGER_PUBLISH_S

Tell = Callable[[str, dict[str, object]], None]
_EVERY_S: Final = LEDGER_PUBLISH_S


async def keep_publishing(
    messages: Messages, neighbours: Neighbours | None, *, clock: Clock, tell: Tell, every_s: float = _EVERY_S
) -> None:
    """Until cancelled; then once more without the witnesses, whom the next start asks: a stop waits for nobody."""
    day = -1
    try:
        while True:
            await asyncio.sleep(every_s)
            try:
                day = await one_round(messages, neighbours, day=day, clock=clock, tell=tell)
            except (Problem, OSError) as problem:  # a full disk passes; what is durable waits
                tell("messages.publish_failed", {"kind": type(problem).__name__})
    finally:
        await asyncio.shield(messages.publish())


async def one_round(messages: Messages, neighbours: Neighbours | None, *, day: int, clock: Clock, tell: Tell) -> int:
    """Publish what is new; on a new day destroy what is due. `day` is that of the round before; the one of this."""
    today = day_of(clock())
    if today != day:
        for gone in await messages.destroy_due():
            tell("messages.destroyed", {"day": gone})
    is_new = await messages.publish(neighbours) is not None
    if neighbours is not None and not is_new and not neighbours.is_met:
        await messages.cosign_again(neighbours)
    return today
