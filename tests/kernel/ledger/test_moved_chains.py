"""Records from before a use kept its chain's head: the newest of each subject gets it, and lists stay provable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.kernel.ledger.conftest import KEYS

from banyan.kernel.ledger import subjects
from banyan.kernel.ledger.entries import commitment_of
from banyan.kernel.ledger.log import Ledger, append, verify_history
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.statements import parse_statements
from banyan.kernel.storage.store import SchemaStore, Tx

PERSON, OTHER = bytes(32), bytes([7]) * 32
BEFORE = parse_statements(
    """
-- name: release
-- As it was written before.
insert into release (idx, subject, position, at, reveal_after, basis, receiver, salt, record)
values (:idx, :subject, :position, 1.0, 0.0, 'b', 'r', :salt, :record)

-- name: mapped
-- As far as the map had come.
update log_head set mapped = 2

-- name: subject
-- As it was written before.
insert into subject (key, uses, head) values (:key, :uses, :head)
""",
    where="test_moved_chains",
)


def used(tx: Tx, subject: bytes, uses: int) -> None:
    head = subjects.EMPTY
    for position in range(1, uses + 1):
        salt, record = bytes([position]) * 16, b"{}"
        head = subjects.chained(head, commitment_of(salt, record))
        index = append(tx, b"entry")
        tx.run(BEFORE["release"], idx=index, subject=subject, position=position, salt=salt, record=record)
    tx.run(BEFORE["subject"], key=subject, uses=uses, head=head)


def test_chains_go_on_where_they_stood(open_store: Callable[[], SchemaStore], tmp_path: Path) -> None:
    store = open_store()
    steps = load_steps("banyan.kernel.ledger")
    migrate(store, "ledger", steps[:2], at=0.0)

    async def story() -> None:
        await store.write(lambda tx: (used(tx, PERSON, 3), used(tx, OTHER, 1)))
        migrate(store, "ledger", steps, at=1.0)
        ledger = Ledger(store, tmp_path / "tiles", KEYS, random=bytes)
        await ledger.publish(1_600_000_000)
        for person, uses in ((PERSON, 3), (OTHER, 1)):
            history = await ledger.history(person, most=10)
            verify_history(history, person)
            assert (len(history.uses), history.proof.found is not None) == (uses, True)

    asyncio.run(story())


def test_a_chain_whose_head_was_not_kept_goes_on(open_store: Callable[[], SchemaStore], tmp_path: Path) -> None:
    """The map stood between two uses of a person when the records were moved."""
    store = open_store()
    steps = load_steps("banyan.kernel.ledger")
    migrate(store, "ledger", steps[:2], at=0.0)

    async def story() -> None:
        await store.write(lambda tx: (used(tx, PERSON, 3), tx.run(BEFORE["mapped"])))
        migrate(store, "ledger", steps, at=1.0)
        ledger = Ledger(store, tmp_path / "tiles", KEYS, random=bytes)
        before = await ledger.history(PERSON, most=10)
        assert [use.position for use in before.uses] == [1, 2, 0]
        await ledger.publish(1_600_000_000)
        history = await ledger.history(PERSON, most=10)
        verify_history(history, PERSON)
        assert [use.position for use in history.uses] == [1, 2, 3]

    asyncio.run(story())
