"""Small tables for tests: Parquet as the ingest lays it out, with the version that describes it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import duckdb
import pyarrow
from tests.make import NOW, Node, a_node

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.lake import Lake
from banyan.service.opendata import registry
from banyan.service.opendata.model import Column, ColumnType, Dataset, Resource, Source, Version
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables import downloads, operations, places, sql_operation
from banyan.service.opendata.tables.columns import quoted

PARTS = (downloads, operations, places, sql_operation)
"""Imported for the operations and faces they register."""
DUCK = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
    "year": "INTEGER",
    "month": "DATE",
    "json": "VARCHAR",
}
Columns = Mapping[str, ColumnType]
Extra = Mapping[str, str]


def write_parquet(
    path: Path, columns: Columns, rows: Sequence[Sequence[object]], *, extra: Extra | None = None, order: str = "_id"
) -> None:
    """Rows as the ingest writes them: `_id` from 1, the columns, then `extra` derived ones (name -> DuckDB type)."""
    types = {name: DUCK[kind] for name, kind in columns.items()} | dict(extra or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    texts = {
        name: pyarrow.array([None if row[at] is None else str(row[at]) for row in rows], pyarrow.string())
        for at, name in enumerate(types)
    }
    connection.register("texts", pyarrow.table({"_id": list(range(1, len(rows) + 1))} | texts))
    cast = ", ".join(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in types.items())
    connection.execute(f"CREATE TABLE t AS SELECT CAST(_id AS BIGINT) AS _id, {cast} FROM texts")
    connection.execute(f"COPY (SELECT * FROM t ORDER BY {order}) TO '{path}' (FORMAT parquet)")
    connection.close()


def a_version(
    lake: Lake,
    columns: Columns,
    rows: Sequence[Sequence[object]],
    *,
    extra: Extra | None = None,
    order: str = "_id",
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    resource_id: str = "",
    number: int = 1,
) -> Version:
    resource_id = resource_id or str(uuid.uuid4())
    key = f"{resource_id}/{number}.parquet"
    write_parquet(lake.path(key), columns, rows, extra=extra, order=order)
    return Version(
        resource_id=resource_id,
        number=number,
        at=NOW,
        as_of=EpochS(NOW - 3600),
        rows=len(rows),
        columns=tuple(Column(name, kind, aliases=(aliases or {}).get(name, ())) for name, kind in columns.items()),
        source=Source("t.csv", "0" * 64, 1),
        parquet=key,
        geometry="point" if extra and "_lon" in extra else "",
    )


@asynccontextmanager
async def a_portal(folder: Path) -> AsyncIterator[Node]:
    """A node with the open-data service and no data."""

    async with a_node(folder, [SERVICE]) as node:
        yield node


async def publish(
    node: Node,
    name: str,
    version: Version,
    *,
    key: tuple[str, ...] = (),
    private: bool = False,
    aliases: tuple[str, ...] = (),
) -> Dataset:
    """Put a version into the registry as the only resource of the dataset `name`."""
    resource = Resource(
        id=version.resource_id, name="表", created=NOW, last_modified=NOW, version=version.number, key=key, format="CSV"
    )
    dataset = Dataset(
        id=str(uuid.uuid4()),
        name=name,
        title=f"資料集 {name}",
        metadata_created=NOW,
        metadata_modified=NOW,
        private=private,
        resources=(resource,),
    )

    def job(tx: object) -> None:
        registry.put_dataset(tx, dataset)
        registry.put_version(tx, version, choices="")
        if aliases:
            registry.set_aliases(tx, resource.id, aliases)

    await node.drawers["opendata"].sql.write(job)
    return dataset


PHARMACIES: Columns = {
    "代碼": "text",
    "名稱": "text",
    "縣市": "text",
    "成人": "integer",
    "更新": "datetime",
    "日期": "date",
}
PHARMACY_ROWS = [
    ["5901012345", "臺北藥局", "臺北市", 10, "2020-02-14 08:55:35", "2020-02-14"],
    ["5901012346", "花蓮藥局", "花蓮縣", 20, None, "2020-02-15"],
    ["5901012347", "ＡＢＣ藥局", "花蓮縣", None, "2020-02-14 09:00:00", None],
    ["0145080011", "=1+1", None, 0, None, None],
]
