"""What the centre's own gateway does beside every gateway's work: it lets the authority speak, and tells what was said.

The centre's folder is written by officers' commands too, so the gateway keeps a copy of its own and follows the folder.
A folder that was restored from a backup is brought on by that copy before the authority signs anything: a log is never
signed twice from one place.
"""

from __future__ import annotations

from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.keeper import Keeper


def tend(centre: Centre, keeper: Keeper) -> bool:
    """One turn, every few seconds, in a thread: True when `keeper`, the gateway's own, has news to tell. Raises Refused
    when the folder and the gateway hold two logs: then nothing more may be signed."""
    with centre.turn():
        if keeper.held.facts.size > centre.keeper.held.facts.size:
            centre.keeper.take(keeper.offer(centre.keeper.held.facts.size))
            centre.renew_signer()
        centre.keeper.take_revocations(keeper.revocations)
        centre.authority.beat()
        if centre.keeper.held == keeper.held and centre.keeper.digest == keeper.digest:
            return False
        offer, revocations = centre.keeper.offer(keeper.held.facts.size), centre.keeper.revocations
    is_news = keeper.take(offer)
    return bool(keeper.take_revocations(revocations)) or is_news
