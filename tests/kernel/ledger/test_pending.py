"""Entries singly and many at once, in any mixture and over restarts, are the same log as one after another."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest
from tests.kernel.ledger.conftest import OpenLedger

from banyan.kernel.ledger import log
from banyan.kernel.ledger.log import SQL, append_all
from banyan.kernel.storage.store import SchemaStore
from banyan.wire.tlog.merkle import leaf_hash, node_hash


def root_of(entries: list[bytes]) -> bytes:
    """RFC 6962 s2.1 word for word."""
    if len(entries) == 1:
        return leaf_hash(entries[0])
    left = 1 << (len(entries) - 1).bit_length() - 1
    return node_hash(root_of(entries[:left]), root_of(entries[left:]))


@pytest.mark.parametrize("growth", [256, 700, 65_536])
def test_a_mixture_is_one_log(
    ledger_store: SchemaStore, open_ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch, growth: int
) -> None:
    monkeypatch.setattr(log, "LEDGER_GROWTH", growth)
    dice = random.Random(growth)
    written: list[bytes] = []

    async def story() -> None:
        for turn in range(12):
            ledger = open_ledger()
            for _ in range(dice.randrange(1, 5)):
                many = [
                    b"%d" % (len(written) + at) * dice.randrange(1, 9)
                    for at in range(dice.choice((1, 2, 255, 256, 600)))
                ]
                if len(many) == 1:
                    assert await ledger.append(many[0]) == len(written)
                else:
                    assert await ledger_store.write(partial(append_all, entries=many)) == len(written)
                written.extend(many)
            checkpoint = await ledger.publish(1_600_000_000 + turn)
            assert checkpoint is not None
            assert (checkpoint.size, checkpoint.root) == (len(written), root_of(written))
        ledger = open_ledger()
        for index in dice.sample(range(len(written)), 40):
            assert await ledger.entry(index) == written[index]
        left = await ledger_store.read(
            lambda tx: [tx.rows(SQL[name], first=0, limit=9) for name in ("pending_after", "bundles_after")]
        )
        assert left == [[], []]

    asyncio.run(story())
