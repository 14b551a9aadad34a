"""The quality statements over SQLite and over PostgreSQL: the same rows, the same board."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.make import NOW, frozen_clock
from tests.postgres import postgres_server
from tests.service.opendata.export import seeds

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event
from banyan.kernel.identity.caller import SYSTEM
from banyan.kernel.storage import close_drawer, open_drawer
from banyan.service.opendata.quality import BoardQuery, QualityQuery, measure, schedule
from banyan.service.opendata.quality.operations import Board, quality, quality_board


async def board_of(folder: Path, store: str) -> tuple[Board, int]:
    db = open_drawer(folder, service="opendata", package="banyan.service.opendata", clock=frozen_clock(), store=store)

    async def call(operation: str, request: object, *, purpose: str = "") -> object:
        raise AssertionError(f"{operation} was called")

    async def emit(event: Event) -> None:
        raise AssertionError("nothing is emitted")

    ctx = Context(caller=SYSTEM, now=NOW, db=db, call=call, emit=emit, log=lambda name, fields: None)
    try:
        await db.sql.write(lambda tx: seeds.seed(tx, seeds.another(1)))
        await schedule.start(ctx)
        for dataset_id in (seeds.DATASET.id, seeds.another(1).id):
            await measure(ctx, dataset_id, may_look=False)
        await schedule.write_day(ctx, Event(topic="quality.board", subject="", data=b"null"))  # type: ignore[arg-type]
        report = await quality(ctx, QualityQuery("mask"))
        return await quality_board(ctx, BoardQuery()), report.quality.mqa_score
    finally:
        await close_drawer(db)


def test_both_engines_give_the_same_board(tmp_path: Path) -> None:
    here, points = asyncio.run(board_of(tmp_path / "sqlite", "sqlite"))
    with postgres_server() as address:
        there, same = asyncio.run(board_of(tmp_path / "postgres", address))
    assert here == there
    assert points == same
    assert (here.datasets, here.measured) == (2, 2)
    assert [day.datasets for day in here.agencies[0].trend] == [1]
