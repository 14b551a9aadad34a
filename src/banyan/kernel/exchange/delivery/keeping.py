"""Putting away what is over, so that nothing is kept longer than it is of use."""

from __future__ import annotations

from collections.abc import Callable

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery import contents, received, sent
from banyan.kernel.exchange.delivery.means import Means
from banyan.kernel.storage.store import Tx
from banyan.limits_road import (
    DELIVERY_ANSWER_KEPT_S,
    DELIVERY_REMEMBERED_S,
    DELIVERY_SWEEP_ROWS,
    DELIVERY_WINDOW_S,
)

_MORE_S = 86_400.0
"""Beyond the window, so that a refusal of what is too old always comes before it is forgotten."""


async def sweep(means: Means) -> int:
    """Once, in steps of DELIVERY_SWEEP_ROWS; how many messages were put away."""
    now, total = means.clock(), 0
    for job in _jobs(now):
        while True:
            count, blobs = await means.store.write(job)
            await means.contents.drop(means.store, blobs)
            total += count
            if count < DELIVERY_SWEEP_ROWS:
                break
    return total


def _jobs(now: EpochS) -> list[Callable[[Tx], tuple[int, list[str]]]]:
    day_ago, window_ago = EpochS(now - DELIVERY_REMEMBERED_S), EpochS(now - DELIVERY_WINDOW_S - _MORE_S)
    return [
        lambda tx: _close_unfetched(tx, EpochS(now - DELIVERY_ANSWER_KEPT_S), now),
        lambda tx: _close_dead(tx, window_ago, now),
        lambda tx: _forget_sent(tx, day_ago),
        lambda tx: _forget_received(tx, received.over(tx, "async", "returned", day_ago, DELIVERY_SWEEP_ROWS)),
        lambda tx: _forget_received(tx, received.over(tx, "sync", "answered", day_ago, DELIVERY_SWEEP_ROWS)),
        lambda tx: _forget_received(tx, received.over(tx, "sync", "handing", day_ago, DELIVERY_SWEEP_ROWS)),
        lambda tx: _forget_received(tx, received.unclaimed(tx, window_ago, DELIVERY_SWEEP_ROWS)),
    ]


def closed(tx: Tx, message: sent.Sent, now: EpochS) -> list[str]:
    """Only what a message is known by stays; the blobs that may go."""
    if not sent.close(tx, message.key, now=now):
        return []
    return contents.drop(tx, "sent", message.key, "request", "answer")


def _close_unfetched(tx: Tx, before: EpochS, now: EpochS) -> tuple[int, list[str]]:
    found = sent.old(tx, "answered", before, DELIVERY_SWEEP_ROWS)
    return len(found), [blob for message in found for blob in closed(tx, message, now)]


def _close_dead(tx: Tx, before: EpochS, now: EpochS) -> tuple[int, list[str]]:
    """Dead letters that nobody may revive any more."""
    found = sent.old(tx, "dead", before, DELIVERY_SWEEP_ROWS)
    return len(found), [blob for message in found for blob in closed(tx, message, now)]


def _forget_sent(tx: Tx, before: EpochS) -> tuple[int, list[str]]:
    found = sent.old(tx, "closed", before, DELIVERY_SWEEP_ROWS)
    for message in found:
        sent.forget(tx, message.key, "closed")
    return len(found), []


def _forget_received(tx: Tx, found: list[received.Received]) -> tuple[int, list[str]]:
    blobs = []
    for message in found:
        received.forget(tx, message)
        side: contents.Side = "sync" if message.kind == "sync" else "received"
        blobs += contents.drop(tx, side, message.key.pair, "request", "answer")
    return len(found), blobs
