"""Measures a dataset: reads it, looks through its tables, looks at its links, keeps the report and its summary.

Content checks are kept per table version and links per address, so measuring again is cheap. One table is looked
through and LINKS_AT_ONCE links looked at side by side, however many timers are due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import msgspec

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, SqlValue, Store, Tx, load_statements
from banyan.limits import LINKS_AT_ONCE, LINKS_PER_DATASET, QUALITY_EVERY_S, QUALITY_KEPT
from banyan.service.opendata import registry, searching
from banyan.service.opendata.export import addresses
from banyan.service.opendata.export.describe import describe
from banyan.service.opendata.export.entry import Entry, entry_of
from banyan.service.opendata.model import Check, DataRequest, Quality, Resource, Version
from banyan.service.opendata.quality import conformance, content, indicators, links, mqa, scan
from banyan.service.opendata.quality.indicators import Seen

SQL = load_statements("banyan.service.opendata.quality", "quality.sql")
_BASE = "https://portal.invalid"
"""A stand-in for our own address: what is measured does not depend on it."""
_PAGES = frozenset(("HTML", "API", "SERVICE", "WMS", "WFS"))


class _Turns(msgspec.Struct, frozen=True):
    tables: asyncio.Semaphore
    links: asyncio.Semaphore


_turns: WeakKeyDictionary[Store, _Turns] = WeakKeyDictionary()


async def measure(ctx: Context, dataset_id: str, *, may_look: bool, allow_private: bool = False) -> Quality | None:
    """Measure now and keep the report; None when the dataset is gone. `may_look`: links may be fetched."""
    entry = await ctx.db.sql.read(lambda tx: _entry(tx, dataset_id))
    if entry is None:
        return None
    tables = await _content(ctx.db, entry)
    seen = await _seen(ctx, entry, may_look=may_look, allow_private=allow_private)
    asked = await ctx.db.sql.read(lambda tx: _requests(tx, entry.dataset.name))
    quality = judge(entry, content.merged(tables), seen, asked, ctx.now)
    before = entry.quality
    await ctx.db.sql.write(lambda tx: _keep(tx, entry, quality))
    if before is None or before.medal != quality.medal:
        await searching.refresh(ctx.db, entry.dataset.id)
    return quality


def judge(
    entry: Entry,
    found: tuple[Check, ...],
    seen: Mapping[str, Seen],
    asked: list[DataRequest],
    now: EpochS,
) -> Quality:
    """The report from what was read and looked at: pure."""
    described = describe(entry, _BASE)
    answers: dict[str, bool | None] = {}
    for resource in entry.dataset.resources:
        look = seen.get(resource.id)
        for address in _addresses(entry, resource):
            answers[address] = look.ok if look else None
    checks = mqa.score(described, links=answers, faults=conformance.faults(described))
    points = mqa.total(checks)
    judged = indicators.judge(entry, seen=seen, requests=asked, now=now)
    return Quality(
        dataset_id=entry.dataset.id,
        at=now,
        indicators=judged,
        medal=indicators.medal(judged, found),
        mqa=checks,
        mqa_score=points,
        mqa_rating=mqa.rating(points),
        content=found,
    )


def _addresses(entry: Entry, resource: Resource) -> list[str]:
    """Every address the description gives for a resource."""
    page = addresses.resource_page(_BASE, entry.dataset, resource)
    version = entry.versions.get(resource.id)
    if version is None:
        return [page, addresses.absolute(_BASE, resource.url)]
    kinds = addresses.formats_of(version)
    return [page, *(addresses.table_file(_BASE, resource, kind) for kind in kinds)]


async def _content(db: Drawer, entry: Entry) -> list[tuple[Check, ...]]:
    return [await _table(db, resource, version) for resource, version in entry.tables()]


async def _table(db: Drawer, resource: Resource, version: Version) -> tuple[Check, ...]:
    key: dict[str, SqlValue] = {"resource_id": resource.id, "number": version.number}
    row = await db.sql.read(lambda tx: tx.row(SQL["content"], **key))
    if row is not None:
        return msgspec.json.decode(str(row[0]), type=tuple[Check, ...])
    path = db.lake.path(version.parquet)
    if not path.exists():
        return ()
    async with _turn(db).tables:
        seen = await asyncio.to_thread(scan.scan, path, version.columns, key=resource.key)
    checks = content.judge(version, seen)
    document = msgspec.json.encode(checks).decode()

    def keep(tx: Tx) -> None:
        tx.run(SQL["put_content"], document=document, **key)
        tx.run(SQL["drop_older_content"], resource_id=resource.id, number=version.number - 10)

    await db.sql.write(keep)
    return checks


async def _seen(ctx: Context, entry: Entry, *, may_look: bool, allow_private: bool) -> dict[str, Seen]:
    """By resource id: our own tables by their file, links by the last look, or a new one when it is old."""
    found: dict[str, Seen] = {}
    active = [resource for resource in entry.dataset.resources if resource.state == "active"]
    looks = []
    for resource in active[:LINKS_PER_DATASET]:
        version = entry.versions.get(resource.id)
        if version is not None or not resource.url.startswith("http"):
            found[resource.id] = _ours(ctx, version, resource)
        else:
            looks.append(resource)
    done = await asyncio.gather(*(_linked(ctx, one, may_look, allow_private) for one in looks))
    return found | {one.id: look for one, look in zip(looks, done, strict=True) if look is not None}


def _ours(ctx: Context, version: Version | None, resource: Resource) -> Seen:
    if version is not None:
        there = ctx.db.lake.path(version.parquet).exists()
    else:
        there = bool(resource.hash) and ctx.db.blobs.has(resource.hash)
    return Seen(ok=there, direct=there, status=200 if there else 404, at=ctx.now)


async def _linked(ctx: Context, resource: Resource, may_look: bool, allow_private: bool) -> Seen | None:
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["link"], url=resource.url))
    last = msgspec.json.decode(str(row[1]), type=Seen) if row else None
    if not may_look or (last is not None and ctx.now - last.at < QUALITY_EVERY_S / 2):
        return last
    async with _turn(ctx.db).links:
        seen = await links.look(
            resource.url,
            wants_page=resource.format.upper() in _PAGES,
            encoding=resource.encoding,
            allow_private=allow_private,
            now=ctx.now,
        )
    document = msgspec.json.encode(seen).decode()
    await ctx.db.sql.write(lambda tx: tx.run(SQL["put_link"], url=resource.url, at=ctx.now, document=document))
    return seen


def _keep(tx: Tx, entry: Entry, quality: Quality) -> None:
    """The report, its summary and its problems, in one transaction."""
    dataset_id = entry.dataset.id
    registry.put_quality(tx, quality)
    series = registry.quality_series(tx, dataset_id, limit=QUALITY_KEPT)
    if len(series) == QUALITY_KEPT:
        tx.run(registry.SQL["drop_old_quality"], dataset_id=dataset_id, before=series[-1].at)
    tx.run(SQL["put_summary"], dataset_id=dataset_id, at=quality.at, medal=quality.medal, mqa=quality.mqa_score)
    tx.run(SQL["clear_problems"], dataset_id=dataset_id)
    failed = [check for check in (*quality.indicators, *quality.content) if check.passed is False]
    rows: list[dict[str, SqlValue]] = [
        {"dataset_id": dataset_id, "code": check.code, "cells": check.count} for check in failed
    ]
    tx.run_many(SQL["put_problem"], rows)


def _entry(tx: Tx, dataset_id: str) -> Entry | None:
    dataset = registry.dataset_by(tx, dataset_id)
    return None if dataset is None or dataset.state == "deleted" else entry_of(tx, dataset)


def _requests(tx: Tx, name: str) -> list[DataRequest]:
    rows = tx.rows(registry.SQL["requests_page"], status="", limit=500, offset=0)
    asked = (msgspec.json.decode(str(row[0]), type=DataRequest) for row in rows)
    return [one for one in asked if one.dataset == name]


def _turn(db: Drawer) -> _Turns:
    found = _turns.get(db.sql)
    if found is None:
        found = _turns[db.sql] = _Turns(asyncio.Semaphore(1), asyncio.Semaphore(LINKS_AT_ONCE))
    return found
