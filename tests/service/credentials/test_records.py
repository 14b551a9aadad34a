"""The records of offers, batches and status lists: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.kernel.conftest import engine, open_store, postgres

from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore
from banyan.limits_identity import OPENID_ACCESS_S
from banyan.limits_mydata import CREDENTIAL_BATCH, CREDENTIAL_OFFER_S
from banyan.service.credentials import records
from banyan.service.credentials.records import Ready

__all__ = ["engine", "open_store", "postgres"]
NOW = 1_795_438_800.0
READY = Ready("s-1", "civil.household", ("name", "members.name"), b"sealed", CREDENTIAL_BATCH)
Write = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture
def write(open_store: Callable[[], SchemaStore]) -> Write:
    opened = open_store()
    migrate(opened, "credentials", load_steps("banyan.service.credentials"), at=0.0)

    def run(job: Callable[[Any], Any]) -> Any:
        return asyncio.run(opened.write(job))

    return run


def batch(name: str, size: int, *draws: int, offer: str = "o-1", now: float = NOW) -> records.NewBatch:
    random = b"".join(draw.to_bytes(4) for draw in draws)
    return records.new_batch(name, offer, size, random=random, now=now)


def offered(write: Write, name: str = "o-1", now: float = NOW) -> None:
    write(partial(records.add_offer, id=name, ready=READY, now=now, expires=now + CREDENTIAL_OFFER_S))


def test_an_offer_is_fetched_until_nothing_is_left(write: Write) -> None:
    offered(write)
    assert write(partial(records.offer_by_id, id="o-1", now=NOW)) == READY
    places = write(partial(records.fetch, batch=batch("b-1", 6, 7, 7, 8, 9, 1, 2, 3, 4), ready=READY))
    assert places == [(1, 7), (1, 8), (1, 9), (1, 1), (1, 2), (1, 3)], "a drawn entry that is taken is passed over"
    assert write(partial(records.fetch, batch=batch("b-2", 5, *range(20, 40)), ready=READY)) is None
    left = write(partial(records.offer_by_id, id="o-1", now=NOW))
    assert (left.remaining, left.sealed) == (4, b"sealed")
    assert write(partial(records.fetch, batch=batch("b-3", 4, 7, 8, 20, 21, 22, 23), ready=READY)) == [
        (1, 20), (1, 21), (1, 22), (1, 23),
    ]  # fmt: skip
    gone = write(partial(records.offer_by_id, id="o-1", now=NOW))
    assert (gone.remaining, gone.sealed) == (0, None), "nothing is kept of what was fetched"
    assert [one.size for one in write(partial(records.batches_of, subject="s-1", now=NOW))] in ([6, 4], [4, 6])


def test_an_offer_ends_and_is_swept_with_what_it_held(write: Write) -> None:
    offered(write)
    end = NOW + CREDENTIAL_OFFER_S + OPENID_ACCESS_S
    assert write(partial(records.offer_by_id, id="o-1", now=end - 1)) is not None
    assert write(partial(records.offer_by_id, id="o-1", now=end)) is None
    assert write(partial(records.fetch, batch=batch("b", 1, 1, now=end), ready=READY)) is None
    offered(write, "o-2", end)
    assert write(partial(records.offer_by_id, id="o-1", now=NOW)) is None, "swept, not only out of sight"
    assert not write(partial(records.drop_offer, id="o-2", subject="s-2")), "another's"
    assert write(partial(records.drop_offer, id="o-2", subject="s-1"))
    assert write(partial(records.offers_of, subject="s-1", now=end)) == []


def test_revoking_turns_the_batchs_entries_and_no_others(write: Write) -> None:
    offered(write)
    write(partial(records.fetch, batch=batch("b-1", 2, 5, 900), ready=READY))
    write(partial(records.fetch, batch=batch("b-2", 1, 6), ready=READY))
    before = write(partial(records.list_version, number=1))
    assert write(partial(records.batch_of_entry, number=1, index=900)) == "b-1"
    assert write(partial(records.batch_of_entry, number=1, index=901)) == ""
    assert write(partial(records.subject_of_batch, id="b-1")) == "s-1"
    assert write(partial(records.revoke, batch="b-1", by="holder", now=NOW + 1))
    assert not write(partial(records.revoke, batch="b-1", by="other", now=NOW + 2)), "once"
    assert not write(partial(records.revoke, batch="none", by="other", now=NOW + 2))
    assert write(partial(records.list_version, number=1)) == before + 1
    assert write(partial(records.list_version, number=9)) == 0
    statuses = write(partial(records.status_list, number=1))
    assert [statuses[index] for index in (5, 6, 7, 900)] == [1, 0, 0, 1]
    held = {one.id: one for one in write(partial(records.batches_of, subject="s-1", now=NOW))}
    assert (held["b-1"].revoked_at, held["b-1"].revoked_by, held["b-2"].revoked_at) == (NOW + 1, "holder", None)
    assert held["b-1"].fields == READY.fields


def test_a_list_that_is_half_full_is_left(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CREDENTIAL_STATUSES", 8)
    offered(write)
    assert [place[0] for place in write(partial(records.fetch, batch=batch("b-1", 3, 1, 2, 3), ready=READY))] == [1] * 3
    assert [place[0] for place in write(partial(records.fetch, batch=batch("b-2", 2, 1, 2), ready=READY))] == [2] * 2
