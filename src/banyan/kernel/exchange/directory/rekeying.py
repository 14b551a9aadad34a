"""A gateway that runs takes up the signing key that `agency rotate-key` put in force, when peers have had time to hear,
and signs for nobody whom the directory does not have it host.

A key in a device stands in agency.json by its address, which is read again each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.directory.membership import Agency
from banyan.kernel.exchange.directory.standing import Standing
from banyan.kernel.exchange.road.desk import Desk, Signing
from banyan.limits_road import DIRECTORY_AHEAD_S, DIRECTORY_SETTLE_S
from banyan.wire.xroad.identifiers import ClientId


async def take_up_keys(desk: Desk, agencies: Iterable[Agency], standing: Standing, now: EpochS) -> list[str]:
    """Sign by what lies in the folders of `agencies` where `standing` has it; the names of keys that are new. Raises
    Problem or OSError: a key cannot be read."""
    new: dict[ClientId, Signing] = {}
    for agency in agencies:
        owner = agency.file.owner
        signing, held = await asyncio.to_thread(_lying_in, agency), desk.signing.get(owner)
        if held is None:
            if _is_ours(desk, owner, standing):
                new[owner] = signing
        elif signing.first.keyid != held.first.keyid and _counts(signing, held, standing, now):
            new[owner] = signing
    if new:
        desk.signing = {**desk.signing, **new}
    release(desk, standing)
    return [one.first.keyid for owner, one in new.items() if owner in desk.signing]


def release(desk: Desk, standing: Standing) -> None:
    """Sign no more for members that are hosted here no more."""
    left = {owner: one for owner, one in desk.signing.items() if _is_ours(desk, owner, standing)}
    if standing.snapshot is not None and len(left) < len(desk.signing):
        desk.signing = left


def _is_ours(desk: Desk, owner: ClientId, standing: Standing) -> bool:
    server = desk.server
    return owner == ClientId(server.instance, server.member_class, server.member) or standing.serves(server, owner)


def _lying_in(agency: Agency) -> Signing:
    agency.reread()
    return Signing(*agency.signers())


def _counts(signing: Signing, held: Signing, standing: Standing, now: EpochS) -> bool:
    """At once where the one in use counts no longer. A pair of keys that were read between two renames is none."""
    known, since = standing.keys(signing.first.keyid), standing.since(signing.first.keyid)
    if known is None or since is None:
        return False
    named = [one.keyid for one in (known.second, signing.second) if one is not None]
    if (known.second is None) != (signing.second is None) or len(set(named)) > 1:
        return False
    is_settled = now >= since + DIRECTORY_AHEAD_S + DIRECTORY_SETTLE_S
    return is_settled or standing.keys(held.first.keyid) is None
