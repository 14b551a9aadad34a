"""A gateway's directory on disk and in force: what is offered is checked (offered.py), written whole, then swapped in.

    anchor.json  head.json  tiles/  snapshot-HASH.json  revocations.json  evidence/

`head.json` is written last and names the rest, so a cut-off at any point leaves the state before. The log only grows
and is signed over: nothing older ever replaces something newer, whoever offers it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.directory import evidence, notes, offered, trust
from banyan.kernel.exchange.directory.document import BadDocument, Revoked
from banyan.kernel.exchange.directory.evidence import Evidence
from banyan.kernel.exchange.directory.mirror import alone, grown
from banyan.kernel.exchange.directory.notes import Announced, AuthorityKeys, Revocation
from banyan.kernel.exchange.directory.offered import Checked, Forked, Held, Offer, Refused, announced_snapshot
from banyan.kernel.exchange.directory.standing import Index, Standing
from banyan.kernel.exchange.directory.trust import Anchor, Contradiction
from banyan.kernel.ledger.tree import Tree
from banyan.kernel.storage.durable import make_folders, write_file
from banyan.limits_road import (
    DIRECTORY_AHEAD_S,
    DIRECTORY_EVIDENCE,
    DIRECTORY_PAGE_ENTRIES,
    DIRECTORY_REVOCATIONS,
)
from banyan.wire import jcs
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.tlog.merkle import consistency_proof, inclusion_proof, root_of
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.proof import Receipt


class _Kept(msgspec.Struct, frozen=True):
    """head.json. Notes as text."""

    size: int
    checkpoint: str
    handovers: list[str]
    snapshot: str = ""


class Keeper:
    """The directory of one gateway in `folder`. One process owns it; calls may come from any of its threads. `digest`
    is equal where the same revocations are held."""

    def __init__(self, folder: Path, anchor: Anchor, *, clock: Clock) -> None:
        self.anchor, self.folder, self._clock = anchor, folder, clock
        self.standing = Standing(clock)
        self._turn = threading.RLock()
        self._index: Index | None = None
        self._notes: dict[tuple[str, str], tuple[Revoked, bytes]] = {}
        self._evidence: dict[str, Evidence] = {}
        self.digest = ""
        make_folders(folder / "evidence")
        self.held = Held()
        self._tree = Tree(folder / "tiles")
        self._load()

    @property
    def _chain(self) -> tuple[AuthorityKeys, ...]:
        """The authority's keys that are known: the pinned ones until there is a log."""
        return self.held.facts.chain or (self.anchor.keys,)

    @property
    def alerts(self) -> tuple[str, ...]:
        """What officers must know, in sentences."""
        found = (evidence.verify(one, self.anchor.instance, self._chain) for one in list(self._evidence.values()))
        return tuple(f"{sentence} {evidence.REMEDY}" for sentence in found)

    def take(self, offer: Offer) -> bool:
        """Take what is newer; False when nothing is. Raises Refused, and Forked when the log is another."""
        with self._turn:
            try:
                checked = offered.checked(
                    offer,
                    self.held,
                    self._index,
                    anchor=self.anchor,
                    grow=partial(grown, self._tree),
                    ahead=self._clock() + DIRECTORY_AHEAD_S,
                )
            except Contradiction as error:
                self.accuse(evidence.entries(error.first, error.second))
                raise Refused(str(error)) from error
            except (BadNote, BadDocument) as error:
                raise Refused(str(error)) from error
            if checked is None:
                return False
            self._commit(offer, checked)
            return True

    def take_revocations(self, entries: Sequence[bytes]) -> int:
        """Merge revocations, each signed by a key of the authority, or by the key that it ends; how many are news. The
        end of a key that the snapshot does not have is passed over. Raises Refused for all."""
        with self._turn:
            found = [self._revocation(one) for one in entries[: DIRECTORY_REVOCATIONS + 1]]
            merged = dict(self._notes)
            for what, entry in filter(None, found):
                at = (what.kind, what.subject)
                held = merged.get(at)
                if held is None or (what.at, entry) > (held[0].at, held[1]):
                    merged[at] = (what, entry)
            if len(merged) > DIRECTORY_REVOCATIONS:
                raise Refused(f"at most {DIRECTORY_REVOCATIONS} revocations are kept")
            news = sum(self._notes.get(at) != one for at, one in merged.items())
            if news:
                write_file(self.folder / "revocations.json", _texts([entry for _, entry in merged.values()]))
                self._notes = merged
                self._swap()
            return news

    def accuse(self, found: Evidence) -> bool:
        """Keep evidence that holds; False when it is known or does not hold."""
        with self._turn:
            if found.name in self._evidence or len(self._evidence) >= DIRECTORY_EVIDENCE:
                return False
            chain = self._chain
            try:
                told = evidence.verify(found, self.anchor.instance, chain)
            except BadNote:
                return False
            if told in [evidence.verify(one, self.anchor.instance, chain) for one in self._evidence.values()]:
                return False  # the same two logs, with a newer time under one of them
            write_file(self.folder / "evidence" / f"{found.name}.json", found.encode())
            self._evidence[found.name] = found
            return True

    def suspect(self, checkpoint: bytes, entries: Sequence[bytes]) -> bool:
        """Another log, whole up to `checkpoint`, of which the authority's signature is good: keep what proves that it
        is not ours. `entries` are needed only when it is the larger one. True when there is new evidence."""
        with self._turn:
            chain = self.held.facts.chain
            if not chain:
                return False
            try:
                said, _ = trust.open_checkpoint(checkpoint, chain[-1])
            except BadNote:
                return False
            return self.accuse(found) if (found := self._compared(checkpoint, said, entries)) else False

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(self._evidence.copy().values())

    @property
    def revocations(self) -> tuple[bytes, ...]:
        """The signed notes that came by gossip or were made here, beside those in the log."""
        return tuple(entry for _, entry in list(self._notes.values()))

    def entries(self, start: int, most: int = DIRECTORY_PAGE_ENTRIES) -> list[bytes]:
        """Entries of the log from `start` on."""
        with self._turn:
            return [self._tree.entry(at) for at in range(start, min(start + most, self._tree.size))]

    def receipt(self, index: int) -> Receipt:
        """What proves an entry offline, to anyone with the authority's keys (c2sp.org/tlog-proof)."""
        with self._turn:
            size = self.held.facts.size
            assert 0 <= index < size, f"entry {index} of {size}"
            return Receipt(index, tuple(inclusion_proof(index, size, self._tree.subtree)), self.held.checkpoint)

    def announced_at(self) -> int:
        """The index of the newest snapshot's entry."""
        with self._turn:
            wanted = self.held.facts.announcement
            places = range(self.held.facts.size - 1, -1, -1)
            return next(at for at in places if self._tree.entry(at) == wanted)

    def root(self, size: int) -> bytes:
        with self._turn:
            return root_of(size, self._tree.subtree)

    def root_with(self, entries: Sequence[bytes]) -> bytes:
        """The root that the log would have with these entries behind it."""
        with self._turn:
            return root_of(self.held.facts.size + len(entries), grown(self._tree, entries))

    def snapshot(self) -> bytes:
        """The document in force as it was signed; empty before the first."""
        with self._turn:
            announced = self.held.facts.announced
            return self._snapshot_path(announced).read_bytes() if announced else b""

    def _commit(self, offer: Offer, checked: Checked) -> None:
        before = self.held.facts
        facts = checked.held.facts
        fresh = offer.entries[before.size - offer.start :]
        try:
            if fresh:
                self._tree.grow(list(fresh))
            if checked.snapshot and facts.announced:
                write_file(self._snapshot_path(facts.announced), checked.snapshot)
            self._write_head(checked.held)
        except OSError:  # a full disk: what was written beyond the head counts for nothing
            self._tree = Tree(self.folder / "tiles", before.size)
            raise
        is_other = checked.index is not self._index
        self.held, self._index = checked.held, checked.index
        is_moot = is_other and self._forget_moot()
        self._swap()
        if is_moot:  # last: when it fails, the next start forgets them
            self._write_revocations()
        if before.announced and facts.announced and before.announced.sha256 != facts.announced.sha256:
            self._snapshot_path(before.announced).unlink(missing_ok=True)

    def _write_head(self, held: Held) -> None:
        handovers = [one.decode() for one in held.handovers]
        name = held.facts.announced.sha256.hex() if held.facts.announced else ""
        kept = _Kept(held.facts.size, held.checkpoint.decode(), handovers, name)
        write_file(self.folder / "head.json", msgspec.json.encode(kept))

    def _swap(self) -> None:
        whole = sha256()
        for entry in sorted(self.revocations):
            whole.update(sha256(entry).digest())
        self.digest = whole.hexdigest()
        revoked = dict(self.held.facts.revoked)
        snapshot = self._index.snapshot if self._index else None
        loose = [what for what, _ in self._notes.values()]
        for what in (*loose, *(snapshot.revoked if snapshot else ())):
            revoked[what.kind, what.subject] = trust.later(revoked.get((what.kind, what.subject)), what)
        self.standing.swap(self._index, revoked, self.held.at)

    def _revocation(self, entry: bytes) -> tuple[Revoked, bytes] | None:
        for keys in reversed(self._chain):
            try:
                said = notes.opened(entry, self.anchor.instance, keys)
            except BadNote:
                continue
            if isinstance(said, Revocation):
                return said.what, entry
        try:
            ended = notes.opened_end(entry, self.anchor.instance, self._public_of)
        except (BadNote, BadDocument) as error:
            raise Refused(str(error)) from error
        return (ended.what, entry) if ended else None

    def _public_of(self, name: str) -> bytes | None:
        found = self._index.keys.get(name) if self._index else None
        return found.key.public if found else None

    def _forget_moot(self) -> bool:
        """Keys' own ends count while the snapshot has the key; everybody who has the snapshot forgets the same. False
        when there are none."""
        known, before = self._index.keys if self._index else {}, len(self._notes)
        self._notes = {at: one for at, one in self._notes.items() if not notes.is_own_end(one[1]) or at[1] in known}
        return len(self._notes) != before

    def _write_revocations(self) -> None:
        write_file(self.folder / "revocations.json", _texts(self.revocations))

    def _compared(self, checkpoint: bytes, said: Checkpoint, entries: Sequence[bytes]) -> Evidence | None:
        held = self.held.facts.size
        if said.size == held:
            return evidence.roots(checkpoint, self.held.checkpoint) if said.root != self.root(held) else None
        if 0 < said.size < held:
            root = self.root(said.size)
            path = consistency_proof(said.size, held, self._tree.subtree)
            return evidence.past(checkpoint, self.held.checkpoint, root, path) if said.root != root else None
        if not 0 < held < said.size == len(entries):
            return None
        other = alone(entries)
        root = root_of(held, other)
        if root == self.root(held) or root_of(said.size, other) != said.root:
            return None
        return evidence.past(self.held.checkpoint, checkpoint, root, consistency_proof(held, said.size, other))

    def _snapshot_path(self, announced: Announced) -> Path:
        return self.folder / f"snapshot-{announced.sha256.hex()}.json"

    def reload(self) -> None:
        """Take up what another process wrote meanwhile; it held the folder's lock, and this one does now."""
        with self._turn:
            self.held, self._index, self._notes, self._evidence = Held(), None, {}, {}
            self._load()

    def offer(self, start: int = 0) -> Offer:
        """All that is held from entry `start` on, for a keeper beside this one."""
        with self._turn:
            size = self.held.facts.size
            return Offer(start, self.entries(start, size), self.held.checkpoint, self.held.handovers, self.snapshot())

    def _load(self) -> None:
        """Take up what was written. Raises Problem when a file was changed since: such a state proves nothing."""
        for leftover in self.folder.glob("*.tmp"):
            leftover.unlink()
        path = self.folder / "head.json"
        try:
            if path.exists():
                self._load_head(msgspec.json.decode(path.read_bytes(), type=_Kept))
            for one in sorted((self.folder / "evidence").glob("*.json")):
                self._evidence[one.stem] = evidence.read(one.read_bytes())
            self._load_revocations()
        except (msgspec.DecodeError, ValueError, OSError) as error:
            raise _damaged(self.folder, str(error)) from error
        self._swap()

    def _load_head(self, kept: _Kept) -> None:
        self._tree = Tree(self.folder / "tiles", kept.size)
        entries = [self._tree.entry(at) for at in range(kept.size)]
        facts = trust.facts_of(entries, self.anchor)
        if not facts.chain:
            raise Refused("the log is empty")
        said, at = trust.open_checkpoint(kept.checkpoint.encode(), facts.chain[-1])
        if said.size != kept.size or said.root != root_of(kept.size, alone(entries)):
            raise Refused("the log is not the one that was signed")
        handovers = tuple(one.encode() for one in kept.handovers)
        if facts.announced:
            data = self._snapshot_path(facts.announced).read_bytes()
            self._index = Index(announced_snapshot(data, facts.announced, self.anchor.instance))
        self.held = Held(facts, kept.checkpoint.encode(), at, handovers)
        self._forget_others(facts.announced)

    def _load_revocations(self) -> None:
        path = self.folder / "revocations.json"
        entries = msgspec.json.decode(path.read_bytes(), type=list[str]) if path.exists() else []
        for what, entry in filter(None, (self._revocation(one.encode()) for one in entries)):
            self._notes[what.kind, what.subject] = (what, entry)

    def _forget_others(self, announced: Announced | None) -> None:
        for path in self.folder.glob("snapshot-*.json"):
            if announced is None or path != self._snapshot_path(announced):
                path.unlink()


def _texts(entries: Sequence[bytes]) -> bytes:
    return jcs.encode([one.decode() for one in sorted(entries)])


def _damaged(folder: Path, why: str) -> Problem:
    remedy = "Keep the folder for whoever examines it, move it aside and start again: it is fetched anew from peers."
    return Problem(f"The directory in {folder} was damaged: {why}.", remedy=remedy, kind="directory-damaged")


__all__ = ["Forked", "Held", "Keeper", "Offer", "Refused"]
