"""The ledger: entries durable first, then in tiles, then under a signed checkpoint that witnesses cosign.

`append` and `release` answer when the entry is on disk with its index (law 4). `publish` grows the tree, commits the
map of subjects and signs; it is called every second or so and may be repeated or cut off anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec

from banyan.kernel.ledger import subjects
from banyan.kernel.ledger.entries import (
    SALT_BYTES,
    ReleaseRecord,
    commitment_of,
    encode_record,
    release_entry,
    subjects_entry,
)
from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.mapped import as_bytes, as_int, chained_uses, node_at, node_row
from banyan.kernel.ledger.subjects import MapProof
from banyan.kernel.ledger.tree import Tree
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Store, Tx
from banyan.kernel.storage.worker import to_the_end
from banyan.limits import LEDGER_GROWTH, LEDGER_MAP_RELEASES
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.tlog.merkle import inclusion_proof
from banyan.wire.tlog.proof import Receipt
from banyan.wire.tlog.tiles import WIDTH, decode_bundle, encode_bundle

SQL: Final = load_statements("banyan.kernel.ledger", "ledger.sql")
W = TypeVar("W")
Random = Callable[[int], bytes]
Cosign = Callable[[int, bytes, Tree], Awaitable[bytes]]
"""`cosign(old, note, tree)`: the note with the cosignatures that witnesses gave; `old` is the size published before."""


class Head(msgspec.Struct, frozen=True):
    """`entries` are durable, `tiled` of them in tiles, `mapped` covered by the map, `published` under `checkpoint`."""

    entries: int
    tiled: int
    mapped: int
    published: int
    checkpoint: bytes


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A use in the ledger: its entry, its position among the subject's uses (0 while the map does not cover it), and
    what proves its content."""

    index: int
    position: int
    salt: bytes
    record: bytes
    reveal_after: float = 0.0


class Count(msgspec.Struct, frozen=True):
    """Uses on a basis by an agency, and when the last was (epoch seconds)."""

    basis: str
    receiver: str
    uses: int
    last_at: float


class Published(msgspec.Struct, frozen=True):
    """A checkpoint as it was signed, at POSIX seconds."""

    size: int
    at: int
    signed: bytes


class History(msgspec.Struct, frozen=True):
    """A subject's uses with the proof that none is left out: the chain of `uses` leads to the head that the map holds,
    the map's root is in the entry that `receipt` proves (None until the next checkpoint). `covers` entries are covered;
    newer uses follow without it."""

    uses: tuple[Recorded, ...]
    proof: MapProof
    root: bytes
    covers: int
    receipt: Receipt | None


class Alongside(msgspec.Struct, Generic[W], frozen=True, gc=False):
    """What a use takes in its own commit: `take(tx, [(index, what)])` gets those of several uses together."""

    take: Callable[[Tx, Sequence[tuple[int, W]]], None]
    what: W


class _Use(msgspec.Struct, frozen=True, gc=False):
    subject: bytes
    record: ReleaseRecord
    salt: bytes
    encoded: bytes
    commitment: bytes
    alongside: Alongside[Any] | None
    once: str = ""


class Ledger:
    """A node's log in `store` (records) and `folder` (tiles). One process writes it."""

    def __init__(self, store: Store, folder: Path, keys: LedgerKeys, *, random: Random) -> None:
        self._store, self._folder, self._keys, self._random = store, folder, keys, random
        self._tree: Tree | None = None
        self._turn = asyncio.Lock()
        self._opening = asyncio.Lock()

    @property
    def store(self) -> Store:
        """Where its records stand: what shares a commit with a use stands there too."""
        return self._store

    @property
    def origin(self) -> str:
        return self._keys.origin

    async def head(self) -> Head:
        return await self._store.read(_head)

    async def append(self, entry: bytes) -> int:
        """Write a public entry; its index once it is durable."""
        return await self._store.write(partial(append, entry=entry))

    async def append_once(self, key: str, entry: bytes) -> int:
        """Write the entry of the act named `key` unless one is written; its index, durable. A retry after a crash finds
        the first."""

        def job(tx: Tx) -> int:
            row = tx.row(SQL["act"], key=key)
            if row is not None:
                return as_int(row[0])
            index = append(tx, entry)
            tx.run(SQL["add_act"], key=key, idx=index)
            return index

        return await self._store.write(job)

    async def release(
        self, subject: bytes, record: ReleaseRecord, *, alongside: Alongside[W] | None = None, once: str = ""
    ) -> Recorded:
        """Write the use of a subject's data; returns once it is durable, before anything is released.

        `subject` is the person's pseudonym in the ledger, 32 bytes. What is `alongside` is in the same commit: when it
        raises, there is no use. A use that has a name, `once`, is written the first time; again, the first is answered
        and nothing is taken."""
        assert len(subject) * 8 == subjects.KEY_BITS, "a subject is named by 32 bytes"
        salt, encoded = self._random(SALT_BYTES), encode_record(record)
        use = _Use(subject, record, salt, encoded, commitment_of(salt, encoded), alongside, once)
        return await self._store.write_each(_released, use)

    async def publish(self, now: int, cosign: Cosign | None = None) -> Checkpoint | None:
        """Put what is durable into tiles and sign it; None when nothing is new. `now` in POSIX seconds."""
        async with self._turn:
            tree = await self._open()
            while await self._map_some():
                pass
            head = await self.head()
            while tree.size < head.entries:
                await self._grow(tree)
            if tree.size == head.published and head.checkpoint:
                return None
            root = await asyncio.to_thread(tree.root)
            checkpoint = Checkpoint(self._keys.origin, tree.size, root)
            signed = self._keys.sign(checkpoint.text, now)
            if cosign is not None:
                signed = await cosign(head.published, signed, tree)

            def job(tx: Tx) -> None:
                tx.run(SQL["set_published"], published=checkpoint.size, checkpoint=signed)
                tx.run(SQL["keep_checkpoint"], size=checkpoint.size, at=now, signed=signed)

            await self._store.write(job)
            return checkpoint

    async def cosign_again(self, cosign: Cosign) -> bool:
        """Ask for the cosignatures that the newest checkpoint lacks, and keep those that come; False when none do. New
        entries do not wait for it: a checkpoint that was published meanwhile stands."""
        head = await self.head()
        if not head.checkpoint:
            return False
        signed = await cosign(head.published, head.checkpoint, await self._open())
        if signed == head.checkpoint:
            return False

        def job(tx: Tx) -> bool:
            if _head(tx).checkpoint != head.checkpoint:
                return False
            tx.run(SQL["set_published"], published=head.published, checkpoint=signed)
            tx.run(SQL["recosign_checkpoint"], size=head.published, signed=signed)
            return True

        return await self._store.write(job)

    async def acts(self, keys: Sequence[str]) -> dict[str, int]:
        """The entries of those of the acts so named that are written."""

        def job(tx: Tx) -> dict[str, int]:
            rows = ((key, tx.row(SQL["act"], key=key)) for key in keys)
            return {key: as_int(row[0]) for key, row in rows if row is not None}

        return await self._store.read(job)

    async def receipt(self, index: int, *, extra: bytes = b"") -> Receipt | None:
        """What proves an entry offline; None until a checkpoint covers it."""
        head = await self.head()
        if index >= head.published:
            return None
        tree = await self._open()
        proof = await asyncio.to_thread(inclusion_proof, index, head.published, tree.subtree)
        return Receipt(index, tuple(proof), head.checkpoint, extra)

    async def history(self, subject: bytes, *, most: int) -> History:
        """A subject's uses, oldest first, with the proof of completeness."""

        def job(tx: Tx) -> tuple[list[Row], MapProof, Row | None]:
            rows = tx.rows(SQL["releases_of"], subject=subject, until=most, limit=most)
            if len(rows) < most:
                rows += tx.rows(SQL["releases_after"], subject=subject, limit=most - len(rows))
            root = tx.row(SQL["newest_map_root"])
            return rows, subjects.prove(partial(node_at, tx), subject), root

        rows, proof, root = await self._store.read_long(job)
        uses = tuple(
            Recorded(as_int(index), as_int(position), as_bytes(salt), as_bytes(record), float(reveal or 0))
            for index, position, reveal, salt, record in rows
        )
        if root is None:
            return History(uses, proof, subjects.EMPTY, 0, None)
        return History(uses, proof, as_bytes(root[2]), as_int(root[1]), await self.receipt(as_int(root[0])))

    async def counts(self, most: int, now: float) -> list[Count]:
        """How often each basis let each agency read, all time. A use whose notice is deferred is not counted before its
        day: its subject, who knows that there is one, would see here whose count went up."""
        rows = await self._store.read_long(lambda tx: tx.rows(SQL["release_counts"], now=now, limit=most))
        return [Count(str(basis), str(receiver), as_int(uses), float(at or 0)) for basis, receiver, uses, at in rows]

    async def checkpoints(self, most: int) -> list[Published]:
        """The newest published checkpoints, newest first."""
        rows = await self._store.read(lambda tx: tx.rows(SQL["checkpoints"], limit=most))
        return [Published(as_int(size), as_int(at), as_bytes(signed)) for size, at, signed in rows]

    async def entry(self, index: int) -> bytes:
        """An entry that is in a tile."""
        tree = await self._open()
        return await asyncio.to_thread(tree.entry, index)

    async def tree(self) -> Tree:
        """The tiles, for those who serve or audit them."""
        return await self._open()

    async def _open(self) -> Tree:
        """The one tree: a second, opened beside it, would not grow with it."""
        if self._tree is not None:
            return self._tree
        async with self._opening:
            if self._tree is None:
                head = await self.head()
                self._tree = await asyncio.to_thread(Tree, self._folder, head.tiled)
            return self._tree

    async def _grow(self, tree: Tree) -> None:
        """Bring the next entries into tiles: files first, then the record that they are there."""
        size = tree.size
        entries = await self._store.read_long(partial(_pending, first=size))
        assert entries, f"entry {size} is neither in a tile nor pending"
        try:
            await to_the_end(asyncio.to_thread(tree.grow, entries))
        except BaseException:
            self._tree = None  # half grown; opened again as the records have it
            raise
        tiled = tree.size

        def job(tx: Tx) -> None:
            tx.run(SQL["set_tiled"], tiled=tiled)
            tx.run(SQL["drop_pending"], until=tiled)
            tx.run(SQL["drop_bundles"], until=tiled)

        await self._store.write(job)

    async def _map_some(self) -> bool:
        """Bring the map of subjects on by some releases and commit its root as an entry; False when none are new."""
        return await self._store.write(_map_some)


def append(tx: Tx, entry: bytes) -> int:
    """Append in this transaction."""
    index = _taken(tx, 1)
    tx.run(SQL["add_pending"], idx=index, entry=entry)
    return index


def append_all(tx: Tx, entries: Sequence[bytes]) -> int:
    """Append many in this transaction; the index of the first. A tenth of the cost an entry of `append`."""
    if len(entries) == 1:
        return append(tx, entries[0])
    first = _taken(tx, len(entries))
    bundles: list[dict[str, SqlValue]] = [
        {"idx": first + at, "entries": encode_bundle(entries[at : at + WIDTH])} for at in range(0, len(entries), WIDTH)
    ]
    tx.run_many(SQL["add_bundle"], bundles)
    return first


def _released(tx: Tx, uses: Sequence[_Use]) -> list[Recorded]:
    """Write uses that came together; of those with one name, the first ever."""
    if not any(use.once for use in uses):
        return _added(tx, uses)
    names = [use.once or place for place, use in enumerate(uses)]
    known = {name: found for name in names if isinstance(name, str) and (found := _named(tx, name)) is not None}
    fresh: dict[str | int, _Use] = {}
    for name, use in zip(names, uses, strict=True):
        if name not in known:
            fresh.setdefault(name, use)
    added: dict[str | int, Recorded] = dict(zip(fresh, _added(tx, list(fresh.values())) if fresh else (), strict=True))
    tx.run_many(
        SQL["add_act"], [{"key": name, "idx": one.index} for name, one in added.items() if isinstance(name, str)]
    )
    return [added[name] if name in added else known[str(name)] for name in names]


def _named(tx: Tx, name: str) -> Recorded | None:
    """The use that was written by this name."""
    act = tx.row(SQL["act"], key=name)
    row = tx.row(SQL["release_at"], idx=as_int(act[0])) if act is not None else None
    if row is None:
        return None
    index, reveal, salt, record = row
    return Recorded(as_int(index), 0, as_bytes(salt), as_bytes(record), float(reveal or 0))


def _added(tx: Tx, uses: Sequence[_Use]) -> list[Recorded]:
    """Their entries, what those commit to, and what they take."""
    first = append_all(tx, [release_entry(use.record, use.commitment) for use in uses])
    rows: list[dict[str, SqlValue]] = []
    taking: dict[Any, list[tuple[int, Any]]] = {}
    for index, use in enumerate(uses, first):
        record = use.record
        rows.append({
            "idx": index, "subject": use.subject, "at": record.at, "reveal_after": record.reveal_after,
            "basis": record.basis, "receiver": record.receiver, "salt": use.salt, "record": use.encoded,
        })  # fmt: skip
        if use.alongside is not None:
            taking.setdefault(use.alongside.take, []).append((index, use.alongside.what))
    tx.run_many(SQL["add_release"], rows)
    for take, what in taking.items():
        take(tx, what)
    return [Recorded(index, 0, use.salt, use.encoded, use.record.reveal_after) for index, use in enumerate(uses, first)]


def _pending(tx: Tx, first: int) -> list[bytes]:
    """Entries from `first` on without a gap, at most about LEDGER_GROWTH; a bundle comes whole."""
    singly = tx.rows(SQL["pending_after"], first=first, limit=LEDGER_GROWTH)
    together = tx.rows(SQL["bundles_after"], first=first, limit=LEDGER_GROWTH // WIDTH)
    parts = [(as_int(index), [as_bytes(entry)]) for index, entry in singly]
    parts += [(as_int(index), decode_bundle(as_bytes(bundle))) for index, bundle in together]
    parts.sort()
    found: list[bytes] = []
    for index, entries in parts:
        if index != first + len(found):
            break
        found += entries
    return found


def _taken(tx: Tx, count: int) -> int:
    tx.run(SQL["take_indexes"], count=count)
    row = tx.row(SQL["next_index"])
    assert row is not None, "the head is made by its migration"
    return as_int(row[0]) - count


def _map_some(tx: Tx) -> bool:
    head = _head(tx)
    until = min(head.entries, head.mapped + LEDGER_MAP_RELEASES)
    used = tx.rows(SQL["releases_between"], first=head.mapped, until=until)
    tx.run(SQL["set_mapped"], mapped=until)
    if not used:
        return until < head.entries
    read = partial(node_at, tx)
    newest = chained_uses(tx, used)
    nodes = subjects.updated(read, newest)
    tx.run_many(SQL["set_map_node"], [node_row(position, node) for position, node in nodes.items()])
    root = nodes[0, 0].hash
    index = append(tx, subjects_entry(until, root))
    tx.run(SQL["add_map_root"], idx=index, covers=until, root=root)
    if until == index:  # the root's own entry uses nobody's data
        tx.run(SQL["set_mapped"], mapped=index + 1)
        return False
    return True


def _head(tx: Tx) -> Head:
    row = tx.row(SQL["head"])
    assert row is not None, "the head is made by its migration"
    entries, tiled, mapped, published = (as_int(value) for value in row[:4])
    return Head(entries, tiled, mapped, published, b"" if row[4] is None else as_bytes(row[4]))


def verify_history(history: History, subject: bytes) -> None:
    """Raise ValueError unless `history` holds every use up to what its map covers, unchanged and in order."""
    head, covered = subjects.EMPTY, 0
    held = subjects.checked(history.proof, subject, history.root)
    for place, use in enumerate(history.uses, 1):
        if use.index < history.covers:
            if use.position != place:
                raise ValueError(f"use {place} is missing")
            covered = place
            head = subjects.chained(head, commitment_of(use.salt, use.record))
    expected = (held.count, held.head) if held else (0, subjects.EMPTY)
    if (covered, head) != expected:
        raise ValueError(f"the map holds {expected[0]} uses and the list {covered}, or one was changed")
