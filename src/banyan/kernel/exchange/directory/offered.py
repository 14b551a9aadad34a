"""What is offered of a directory, checked whole against what is held. Values in, values out.

A log that only grows, a checkpoint of the authority over all of it, the keys handed on from those that were pinned, and
the very document that the log announces last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from banyan.kernel.exchange.directory import document, notes, trust
from banyan.kernel.exchange.directory.document import Snapshot
from banyan.kernel.exchange.directory.notes import Announced
from banyan.kernel.exchange.directory.standing import Index
from banyan.kernel.exchange.directory.trust import Anchor, Facts
from banyan.limits_road import DIRECTORY_ENTRIES, DIRECTORY_HANDOVERS
from banyan.wire.tlog.merkle import ReadSubtree, root_of
from banyan.wire.tlog.note import BadNote

Grow = Callable[[Sequence[bytes]], ReadSubtree]
"""The tree that is held with entries behind it."""


class Refused(ValueError):
    """What was offered is not taken; the text says why. Nothing has changed."""


class Forked(Refused):
    """A log signed by the authority that is not the one held here."""


class Offer(msgspec.Struct, frozen=True):
    """The log from `start` on, its checkpoint, and the document that it announces last (empty: the one held)."""

    start: int
    entries: Sequence[bytes]
    checkpoint: bytes
    handovers: Sequence[bytes] = ()
    snapshot: bytes = b""


class Held(msgspec.Struct, frozen=True):
    """What a gateway holds. `at`: when the authority signed the checkpoint."""

    facts: Facts = Facts()
    checkpoint: bytes = b""
    at: int = 0
    handovers: tuple[bytes, ...] = ()


class Checked(msgspec.Struct, frozen=True):
    """What is to be held, and the document's bytes when it is another."""

    held: Held
    index: Index | None
    snapshot: bytes


def checked(
    offer: Offer, held: Held, index: Index | None, *, anchor: Anchor, grow: Grow, ahead: float
) -> Checked | None:
    """What would be held with it; None when nothing of it is newer. `index` is of the document held, `ahead` the
    latest moment at which a checkpoint may be signed. Raises Refused, BadNote, BadDocument or Contradiction."""
    if offer.start > held.facts.size:
        raise Refused(f"entries from {held.facts.size} on are missing")
    fresh = offer.entries[held.facts.size - offer.start :]
    if held.facts.size + len(fresh) > DIRECTORY_ENTRIES:
        raise Refused(f"the directory's log has at most {DIRECTORY_ENTRIES} entries")
    facts = trust.facts_of(fresh, anchor, held.facts)
    if not facts.chain or facts.chain[-1].serial < anchor.keys.serial:
        raise Refused("the log is older than the keys that were pinned")
    read = grow(fresh)
    handovers = _handovers(facts, offer.handovers, held, anchor=anchor, read=read)
    said, at = trust.open_checkpoint(offer.checkpoint, facts.chain[-1])
    if said.size != facts.size:
        raise Refused("the checkpoint is not of this many entries")
    if said.root != root_of(facts.size, read):
        raise Forked("the authority signed another log")
    if at > ahead:
        raise Refused("the authority's clock is ahead of ours")
    if not fresh and at <= held.at:
        return None
    snapshot = b""
    if facts.announcement != held.facts.announcement:
        assert facts.announced is not None, "an announcement was parsed"
        snapshot = offer.snapshot
        index = Index(announced_snapshot(snapshot, facts.announced, anchor.instance))
    return Checked(Held(facts, offer.checkpoint, max(at, held.at), handovers), index, snapshot)


def _handovers(
    facts: Facts, offered: Sequence[bytes], held: Held, *, anchor: Anchor, read: ReadSubtree
) -> tuple[bytes, ...]:
    """Those held and the new ones, each good; a change of keys above the pinned one needs its own."""
    kept = list(held.handovers)
    for place in range(max(1, len(held.facts.chain)), len(facts.chain)):
        size, before = facts.turns[place], facts.chain[place - 1]
        found = next((one for one in offered[:DIRECTORY_HANDOVERS] if _is_handover(one, before, size, read)), None)
        if found is not None:
            kept.append(found)
        elif facts.chain[place].serial > anchor.keys.serial:
            raise Refused("the authority's keys before did not hand over to its new ones")
    return tuple(kept)


def _is_handover(checkpoint: bytes, before: notes.AuthorityKeys, size: int, read: ReadSubtree) -> bool:
    try:
        said, _ = trust.open_checkpoint(checkpoint, before)
    except BadNote:
        return False
    return said.size == size and said.root == root_of(size, read)


def announced_snapshot(data: bytes, announced: Announced, instance: str) -> Snapshot:
    """The document that the log announces. Raises Refused or BadDocument."""
    if len(data) != announced.size or notes.digest_of(data) != announced.sha256:
        raise Refused("the snapshot is not the one that the log announces")
    snapshot = document.decode(data)
    if (snapshot.instance, snapshot.version, snapshot.issued) != (instance, announced.version, announced.at):
        raise Refused("the snapshot says of itself other than the log")
    return snapshot
