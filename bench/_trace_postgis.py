"""PostGIS of bench/trace.py: a throw-away PostgreSQL of Debian's on a Unix socket, where postgresql-*-postgis is there.

The table has the bucket and the point as a geography, indexed together (btree_gist); each case's ping probes it within
502 m on the sphere, then the same haversine as the others' decides, so that the answer is the same to the phone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
import pyarrow.parquet as pq
from tests.postgres import postgres_server

TICKS_S: Final = 0.01
ROWS: Final = 50_000
MAKE: Final = """create extension postgis; create extension btree_gist;
create table raw_pings (phone int, bucket int, lon int, lat int);
create table raw_cases (phone int, bucket int, lon int, lat int);"""
INDEX: Final = """create table {name} as select phone, bucket, lon, lat,
st_setsrid(st_makepoint(lon / 1e6, lat / 1e6), 4326)::geography as place from raw_{name};
drop table raw_{name};"""
SQL: Final = """select p.phone, count(distinct p.bucket) from cases c join pings p
on p.bucket = c.bucket and st_dwithin(p.place, c.place, 502, false)
where 2 * 6371008.8 * asin(sqrt(pow(sin(radians((p.lat - c.lat) / 1e6) / 2), 2) + cos(radians(p.lat / 1e6))
* cos(radians(c.lat / 1e6)) * pow(sin(radians((p.lon - c.lon) / 1e6) / 2), 2))) <= 500 group by 1"""
Found = tuple[np.ndarray, np.ndarray]


def programs() -> Path | None:
    """The newest PostgreSQL of Debian's that has PostGIS."""
    controls = sorted(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))
    return Path("/usr/lib/postgresql", controls[-1].parts[-3], "bin") if controls else None


@contextmanager
def in_postgis(folder: Path, binaries: Path) -> Iterator[Callable[[], tuple[Found, float, float]]]:
    """A question's answer, wall seconds and the backend's CPU seconds, with `folder`'s Parquet files loaded."""
    given = {"shared_buffers": "1GB", "work_mem": "256MB", "maintenance_work_mem": "512MB", "fsync": "off"}
    with (
        postgres_server(programs=binaries, max_parallel_workers_per_gather="0", **given) as address,
        psycopg.connect(address, autocommit=True) as db,
    ):
        db.execute(MAKE)
        for name, files in (("pings", "pings-*"), ("cases", "cases")):
            for path in sorted(folder.glob(f"{files}.parquet")):
                _copy(db, f"raw_{name}", path)
            db.execute(INDEX.format(name=name))  # type: ignore[arg-type]  # two names of our own
        db.execute("create index on pings using gist (bucket, place)")
        db.execute("vacuum analyze")
        row = db.execute("select pg_backend_pid()").fetchone()
        assert row is not None, "a connection has a backend"
        pid = int(row[0])

        def run() -> tuple[Found, float, float]:
            wall, used = time.perf_counter(), _cpu_s(pid)
            rows = db.execute(SQL).fetchall()
            found = np.array(rows, np.int64).reshape(-1, 2)
            return (found[:, 0], found[:, 1]), time.perf_counter() - wall, _cpu_s(pid) - used

        yield run


def _copy(db: psycopg.Connection[Any], name: str, path: Path) -> None:
    statement = f"copy {name} (phone, bucket, lon, lat) from stdin"
    with db.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[arg-type]  # as above
        for batch in pq.ParquetFile(path).iter_batches(ROWS, columns=["phone", "bucket", "lon", "lat"]):
            columns = [column.to_numpy(zero_copy_only=False).astype(str) for column in batch.columns]
            copy.write("".join("\t".join(row) + "\n" for row in zip(*columns, strict=True)))


def _cpu_s(pid: int) -> float:
    """User and system time, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICKS_S
