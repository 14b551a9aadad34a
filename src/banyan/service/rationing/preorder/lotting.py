"""The draw of a round by rationing's verifiable draw: committed when the round is published, closed with registration.

The randomness is drand's of a moment after registration closes. A node that was down at that moment cannot close the
list any more: that draw is given up in public and another is begun, under the next name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from banyan.craft.draw.beacon import round_at
from banyan.errors import Conflict
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.limits_rationing import DRAW_CLOSE_BEFORE_S, PREORDER_DRAW_S, PREORDER_DRAWS
from banyan.service.rationing.draw import desk, keeping
from banyan.service.rationing.draw.acts import Draw, Plan
from banyan.service.rationing.preorder.desk import Afresh
from banyan.service.rationing.preorder.rounds import Round

LATE: Final = "the list could not be closed in time"
UNWITNESSED: Final = "no checkpoint held the list before its randomness could be known"
EARLY: Final = ("too_early", "beacon", "unwitnessed", "moment")
"""The draw's own words for: come again."""


class DrawLots:
    """`Lots` by `service/rationing/draw`. A round's draw bears its name; one that follows a void one a number too."""

    async def begin(self, ctx: Context, round: Round) -> None:
        """Raises Conflict when the place of a draw is taken by somebody else's."""
        id, draw = await _current(ctx, round)
        if draw is None or draw.commit_index < 0:
            await desk.commit(ctx, draw.plan if draw is not None else _plan(id, round, ctx.now))

    async def name(self, ctx: Context, round: Round) -> str:
        id, draw = await _current(ctx, round)
        return id if draw is not None else ""

    async def key(self, ctx: Context, round: Round) -> bytes:
        return await desk.ticket_key(ctx, (await _current(ctx, round))[0])

    async def drawn(self, ctx: Context, round: Round, entries: Sequence[bytes]) -> Sequence[bytes] | None:
        """Raises Afresh when this draw cannot be had any more; then it is void."""
        id, draw = await _current(ctx, round)
        assert draw is not None, "a round's draw was begun"
        if draw.state == "committed":
            try:
                await desk.close(ctx, id, entries)
            except Conflict as conflict:
                if conflict.kind != "too_late":
                    raise
                await desk.void(ctx, id, LATE)
                raise Afresh from None
            return None
        if draw.state == "closed":
            try:
                await desk.reveal(ctx, id)
            except Conflict as conflict:
                if conflict.kind == "unwitnessed" and ctx.now >= draw.plan.decides_at:
                    await desk.void(ctx, id, UNWITNESSED)
                    raise Afresh from None
                if conflict.kind not in EARLY:
                    raise
                return None
        await desk.publish(ctx, id)
        return (await desk.drawn(ctx, id)).entries

    async def give_up(self, ctx: Context, round: Round, why: str) -> None:
        id, draw = await _current(ctx, round)
        if draw is not None and draw.state not in ("published", "void"):
            await desk.void(ctx, id, why)


async def _current(ctx: Context, round: Round) -> tuple[str, Draw | None]:
    """The round's draw that is not void, or the next to be begun. Raises Conflict when too many were void."""
    for number in range(1, PREORDER_DRAWS + 1):
        id = round.id if number == 1 else f"{round.id}-{number}"
        kept = await ctx.db.sql.read(partial(keeping.load, id=id))
        if kept is None or kept.draw.state != "void":
            return id, kept.draw if kept is not None else None
    raise Conflict(f"{PREORDER_DRAWS} draws of round {round.id} were void", remedy="cancel the round", kind="draws")


def _plan(id: str, round: Round, now: EpochS) -> Plan:
    moment = max(round.closes, now + DRAW_CLOSE_BEFORE_S) + PREORDER_DRAW_S
    return Plan(
        id=id, title_zh=round.title_zh, title_en=round.title_en, places=round.capacity, method="drand",
        round=round_at(moment),
    )  # fmt: skip
