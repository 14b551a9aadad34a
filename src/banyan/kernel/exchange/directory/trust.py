"""What a gateway pins when it joins, and how trust in the authority's keys is carried on.

The log is read from its first entry. A change of keys above the pinned serial counts only under a *handover*: the
checkpoint of just that size, signed by the keys before. So a stolen old key cannot continue the log by itself, and the
chain of handovers holds against a quantum computer as checkpoints do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from banyan.kernel.exchange.directory import notes
from banyan.kernel.exchange.directory.document import Revoked
from banyan.kernel.exchange.directory.notes import Announced, AuthorityKeys, Revocation, Succession
from banyan.limits_road import DIRECTORY_HANDOVERS, DIRECTORY_REVOCATIONS
from banyan.wire import jcs
from banyan.wire.tlog import checkpoint, note
from banyan.wire.tlog.checkpoint import Checkpoint, signed_at
from banyan.wire.tlog.note import BadNote

ANCHOR_BYTES: Final = 16_384


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is pinned at joining: the authority's keys, and where its pages stand (`https://…`, tried in order)."""

    instance: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    keys: AuthorityKeys
    pages: Annotated[tuple[str, ...], msgspec.Meta(max_length=8)] = ()

    @property
    def fingerprint(self) -> str:
        """What two people read to each other: of the instance and keys, not of addresses."""
        digits = sha256(jcs.encode({"instance": self.instance, "vkeys": list(self.keys.vkeys)})).hexdigest()[:32]
        return " ".join(digits[at : at + 4] for at in range(0, 32, 4))

    @property
    def origin(self) -> str:
        return notes.origin_of(self.instance)


def read_anchor(data: bytes) -> Anchor:
    """Raises BadNote."""
    try:
        anchor = msgspec.json.decode(data[: ANCHOR_BYTES + 1], type=Anchor)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadNote(f"no anchor of a directory: {error}") from error
    notes.check_vkeys(anchor.keys, anchor.instance)
    return anchor


class Facts(msgspec.Struct, frozen=True):
    """What the entries up to `size` say. `chain`: the authority's keys, oldest first; `turns[n]` is the size of the log
    just after chain[n] was named."""

    size: int = 0
    chain: tuple[AuthorityKeys, ...] = ()
    turns: tuple[int, ...] = ()
    announced: Announced | None = None
    announcement: bytes = b""
    """The newest snapshot's entry, whole."""
    revoked: Mapping[tuple[str, str], Revoked] = {}


class Contradiction(BadNote):
    """The authority said two things that cannot both be. `first` and `second` are the notes, signed by it."""

    def __init__(self, text: str, first: bytes, second: bytes) -> None:
        super().__init__(text)
        self.first, self.second = first, second


def facts_of(entries: Sequence[bytes], anchor: Anchor, known: Facts | None = None) -> Facts:
    """`known` and what `entries` after it say. Raises BadNote: an entry that is none or not signed by the keys of its
    place; Contradiction: a snapshot that is not newer than the one before."""
    facts = known or Facts()
    size, chain, turns = facts.size, list(facts.chain), list(facts.turns)
    announced, announcement, revoked = facts.announced, facts.announcement, dict(facts.revoked)
    for entry in entries:
        size += 1
        if not chain:
            first = notes.peek(entry, anchor.instance)
            if not isinstance(first, Succession) or first.keys.serial != 1:
                raise BadNote("the log begins with the authority's first keys")
            said: notes.Said = notes.opened(entry, anchor.instance, first.keys)
        else:
            said = notes.opened(entry, anchor.instance, chain[-1])
        match said:
            case Succession(keys):
                _check_succession(keys, chain, anchor)
                chain.append(keys)
                turns.append(size)
            case Announced():
                if announced and (said.version <= announced.version or said.at < announced.at):
                    raise Contradiction("a snapshot is not newer than the one before", announcement, entry)
                announced, announcement = said, entry
            case Revocation(what):
                revoked[what.kind, what.subject] = later(revoked.get((what.kind, what.subject)), what)
    if len(revoked) > DIRECTORY_REVOCATIONS:
        raise BadNote(f"the log revokes more than {DIRECTORY_REVOCATIONS} things")
    return Facts(size, tuple(chain), tuple(turns), announced, announcement, revoked)


def later(one: Revoked | None, other: Revoked) -> Revoked:
    """Of two revocations of the same thing the later: a member that was let in again may be put out again."""
    return other if one is None or other.at > one.at else one


def open_checkpoint(data: bytes, keys: AuthorityKeys) -> tuple[Checkpoint, int]:
    """A checkpoint that both keys signed, and when (POSIX seconds). Raises BadNote."""
    parsed = note.parse(data)
    if note.written(parsed.text, parsed.signatures) != data:
        raise BadNote("a checkpoint is in its canonical spelling")
    first, second = keys.verifiers
    good, _ = note.verified(parsed, [first, second])
    by = {(one.name, one.key_id): one for one in good}
    if (first.name, first.key_id) not in by or (second.name, second.key_id) not in by:
        raise BadNote("the authority's keys did not both sign the checkpoint")
    found = checkpoint.parse_text(parsed.text)
    if found.origin != first.name:
        raise BadNote("the checkpoint is another log's")
    return found, signed_at(by[second.name, second.key_id])


def _check_succession(keys: AuthorityKeys, chain: Sequence[AuthorityKeys], anchor: Anchor) -> None:
    if keys.serial != len(chain) + 1:
        raise BadNote("the authority's keys are counted one by one")
    if len(chain) >= DIRECTORY_HANDOVERS:
        raise BadNote(f"the authority's keys change at most {DIRECTORY_HANDOVERS} times")
    if keys.serial == anchor.keys.serial and keys.vkeys != anchor.keys.vkeys:
        raise BadNote("the log names other keys of the authority than those that were pinned")
