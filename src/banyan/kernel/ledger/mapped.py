"""The map of subjects as the store holds it: each subject's chain of uses, and the nodes of the tree over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from banyan.kernel.ledger import subjects
from banyan.kernel.ledger.entries import commitment_of
from banyan.kernel.ledger.subjects import Node, Position, Subject
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Tx

SQL: Final = load_statements("banyan.kernel.ledger", "ledger.sql")


def chained_uses(tx: Tx, used: Sequence[Row]) -> list[Subject]:
    """Put uses at their places in their subjects' chains; each subject as it then stands."""
    found: dict[bytes, Subject] = {}
    rows: list[dict[str, SqlValue]] = []
    for index, key, salt, record in used:
        subject = as_bytes(key)
        before = found.get(subject) or _chain(tx, subject)
        head = subjects.chained(before.head, commitment_of(as_bytes(salt), as_bytes(record)))
        found[subject] = Subject(subject, before.count + 1, head)
        rows.append({"subject": subject, "position": before.count + 1, "idx": index, "head": head})
    rows.sort(key=lambda row: as_bytes(row["subject"]))  # the order of the table; a subject's own keep theirs
    tx.run_many(SQL["add_use_of"], rows)
    return [found[subject] for subject in sorted(found)]


def _chain(tx: Tx, subject: bytes) -> Subject:
    """A subject's chain as the map has it; one from before uses kept their head is chained again."""
    row = tx.row(SQL["chain"], subject=subject)
    if row is None:
        return Subject(subject, 0, subjects.EMPTY)
    count = as_int(row[0])
    if row[1] is not None:
        return Subject(subject, count, as_bytes(row[1]))
    head = subjects.EMPTY
    for _, _, _, salt, record in tx.rows(SQL["releases_of"], subject=subject, until=count, limit=count):
        head = subjects.chained(head, commitment_of(as_bytes(salt), as_bytes(record)))
    return Subject(subject, count, head)


def node_at(tx: Tx, position: Position) -> Node | None:
    """A node of the map; None where nobody's subject lies."""
    row = tx.row(SQL["map_node"], depth=position[0], prefix=_prefix(position))
    if row is None:
        return None
    subject = None if row[1] is None else Subject(as_bytes(row[1]), as_int(row[2]), as_bytes(row[3]))
    return Node(as_bytes(row[0]), subject)


def node_row(position: Position, node: Node) -> dict[str, SqlValue]:
    """The node as its table's row."""
    subject = node.subject
    return {
        "depth": position[0],
        "prefix": _prefix(position),
        "hash": node.hash,
        "key": subject.key if subject else None,
        "uses": subject.count if subject else 0,
        "head": subject.head if subject else None,
    }


def _prefix(position: Position) -> bytes:
    depth, bits = position
    return bits.to_bytes((depth + 7) // 8)


def as_int(value: SqlValue) -> int:
    assert isinstance(value, int), f"an integer, not {value!r}"
    return value


def as_bytes(value: SqlValue) -> bytes:
    assert isinstance(value, bytes), f"bytes, not {type(value).__name__}"
    return value
