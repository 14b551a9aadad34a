"""Our side of bench/datastore.py: a whole node that has ingested the CSV and serves it on its own server settings.

    python bench/_datastore_ours.py PORT FOLDER CSV

Prints one JSON line (`ingest_s`, `copy_s`, `index_s`) when it is about to listen. The copy in `_id` order and the
postings of county, category and town, which a running portal makes in the background after the first question that
wants them, are made before, as SQLite's indexes are.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from pathlib import Path

import duckdb
import uvicorn
from tests.make import NOW, a_node

from banyan.errors import Limit
from banyan.kernel.exchange.server import server_config
from banyan.service.opendata import registry
from banyan.service.opendata.ingest import Options, Table, ingest
from banyan.service.opendata.model import Column, Dataset, Resource, Source, Version
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables import FacetQuery, operations
from banyan.service.opendata.tables.tenancy import engine

PARTS = (operations,)


def columns_of(source: Path, work: Path) -> tuple[Column, ...]:
    """What the ingest says of the first 100,000 lines."""
    head = work / "head.csv"
    with source.open("rb") as lines, head.open("wb") as out:
        out.writelines(itertools.islice(lines, 100_001))
    [table] = ingest(
        head, head.name, options=Options(), work=work / "head", progress=lambda _: None, cancelled=lambda: False
    )
    return table.columns


def written(source: Path, work: Path) -> Table:
    """The same layout written by DuckDB, for a CSV that the ingest refuses for its memory bound."""
    columns = columns_of(source, work)
    target = work / "bench.parquet"
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '4GB'")
    connection.execute(f"SET temp_directory = '{work / 'spill'}'")
    names = ", ".join(f'"{column.name}"' for column in columns)
    rows = f"SELECT row_number() OVER () AS _id, {names} FROM read_csv('{source}')"
    connection.execute(f"COPY ({rows} ORDER BY county, category) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    [count] = connection.execute(f"SELECT count(*) FROM '{target}'").fetchone()
    connection.close()
    return Table(
        name="bench",
        parquet=target,
        rows=count,
        columns=columns,
        findings=(),
        source=Source(source.name, "", source.stat().st_size),
        sort=("county", "category"),
        bbox=None,
        geometry="",
        provenance=(),
    )


def ingested(source: Path, work: Path, adopt: object) -> tuple[Version, float]:
    """The CSV as a version in the lake, by the same ingest as `./banyan publish`."""
    started = time.perf_counter()
    work.mkdir(parents=True, exist_ok=True)
    try:
        [table] = ingest(
            source, source.name, options=Options(), work=work, progress=lambda _: None, cancelled=lambda: False
        )
    except Limit as limit:
        print(limit.title, file=sys.stderr)
        started, table = float("nan"), written(source, work)
    took = time.perf_counter() - started
    adopt(table.parquet, "bench/1.parquet")
    version = Version(
        resource_id="bench",
        number=1,
        at=NOW,
        as_of=NOW,
        rows=table.rows,
        columns=table.columns,
        source=table.source,
        parquet="bench/1.parquet",
        sort=table.sort,
        bbox=table.bbox,
        geometry=table.geometry,
    )
    return version, took


async def serve(port: int, folder: Path, source: Path) -> None:
    async with a_node(folder, [SERVICE]) as node:
        drawer = node.drawers["opendata"]
        version, ingest_s = await asyncio.to_thread(ingested, source, drawer.work / "bench", drawer.lake.adopt)
        resource = Resource(id="bench", name="bench", created=NOW, last_modified=NOW, version=1)
        dataset = Dataset(
            id="bench", name="bench", title="bench", metadata_created=NOW, metadata_modified=NOW, resources=(resource,)
        )

        def put(tx: object) -> None:
            registry.put_dataset(tx, dataset)
            registry.put_version(tx, version, choices="")

        await drawer.sql.write(put)
        started = time.perf_counter()
        await engine(drawer).warm(version)
        copied = time.perf_counter()
        for column in ("county", "category", "town"):
            await engine(drawer).facets(version, FacetQuery((column,), limit=1))
        await engine(drawer).indexed()
        print(
            json.dumps(
                {
                    "ingest_s": round(ingest_s, 2) if ingest_s == ingest_s else "refused: memory bound",
                    "copy_s": round(copied - started, 2),
                    "index_s": round(time.perf_counter() - copied, 2),
                    "sorted_by": version.sort,
                    "types": {column.name: column.type for column in version.columns},
                }
            ),
            flush=True,
        )
        config = server_config(node.app)
        config.port = port
        config.host = "127.0.0.1"
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
