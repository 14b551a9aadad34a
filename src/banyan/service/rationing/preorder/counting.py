"""A round in figures, for everybody: how many orders stand how, and the money; of nobody."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import msgspec

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage.store import Store, Tx
from banyan.limits_rationing import PREORDER_COUNT_S, PREORDER_COUNTED
from banyan.service.rationing.preorder.records import SQL, Kept


class Figures(msgspec.Struct, frozen=True):
    """Orders by state and by channel; whole NT$ kept for goods, held as part payments, and sent back by reason:
    `back` all of it, `back_done` what has arrived, `back_manual` what a person must pay out."""

    states: dict[str, int] = {}
    channels: dict[str, int] = {}
    kept: int = 0
    held: int = 0
    back: dict[str, int] = {}
    back_done: int = 0
    back_manual: int = 0


_seen: WeakKeyDictionary[Store, dict[str, tuple[float, Figures]]] = WeakKeyDictionary()


async def figures_of(ctx: Context, kept: Kept) -> Figures:
    """For everybody who looks: of a large round at most some seconds old, for counting reads every order."""
    store = ctx.db.sql
    known = _seen.setdefault(store, {})
    at, figures = known.get(kept.round.id, (0.0, Figures()))
    if not 0 <= ctx.now - at < PREORDER_COUNT_S or kept.figures:
        figures = await store.read_long(lambda tx: counted(tx, kept))
        if sum(figures.states.values()) >= PREORDER_COUNTED:
            known[kept.round.id] = (ctx.now, figures)
    return figures


def counted(tx: Tx, kept: Kept) -> Figures:
    """From the rows; of a round whose people were forgotten, what was written down then."""
    if kept.figures:
        return msgspec.json.decode(kept.figures, type=Figures)
    id = kept.round.id
    states: dict[str, int] = {}
    money = held = 0
    for state, orders, paid, part in tx.rows(SQL["counts"], round=id):
        states[str(state)] = _int(orders)
        money, held = money + _int(paid), held + _int(part)
    back: dict[str, int] = {}
    by_state: dict[str, int] = {}
    for reason, state, _, amount in tx.rows(SQL["refund_counts"], round=id):
        back[str(reason)] = back.get(str(reason), 0) + _int(amount)
        by_state[str(state)] = by_state.get(str(state), 0) + _int(amount)
    channels = {str(channel): _int(orders) for channel, orders in tx.rows(SQL["by_channel"], round=id)}
    return Figures(states, channels, money, held, back, by_state.get("done", 0), by_state.get("manual", 0))


def _int(value: object) -> int:
    return int(str(value))
