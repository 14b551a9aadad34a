"""PostGIS and Redis for bench/nearest.py, as fast as each can be asked: own servers on Unix sockets, nothing fsynced.

PostGIS: geography(Point), GiST, `ORDER BY place <-> point LIMIT k` with the stock as filter, a prepared statement with
binary values through libpq; updates are one `UPDATE ... FROM unnest` a round, with room in the pages so that they need
not touch the index. Redis: GEOSEARCH on a set of those in stock, kept by GEOADD and ZREM when a stock leaves or reaches
zero, pipelined; as its search needs a radius, the one that is fastest for this data, doubled until k are found.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from _datastore_ckan import redis_program
from tests.postgres import postgres_server

POSTGRES = Path("/usr/lib/postgresql/15/bin")
CONTROL = Path("/usr/share/postgresql/15/extension/postgis.control")
DEBIAN = ("postgresql-15", "postgresql-15-postgis-3", "redis-tools")
START_S = 30.0
PIPELINE = 10_000
Query = tuple[float, float]
NEAREST = (
    "SELECT id FROM outlet WHERE stock >= 1"
    " ORDER BY place <-> ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography LIMIT $3"
)
EXACT = """
    SELECT id, metres FROM (
        SELECT id, ST_Distance(place, ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)::geography, true) AS metres
        FROM outlet WHERE stock >= 1
        ORDER BY place <-> ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)::geography LIMIT %(more)s
    ) AS near ORDER BY metres, id LIMIT %(k)s
"""
UPDATE = (
    "UPDATE outlet SET stock = new.stock FROM unnest(%s::int[], %s::int[]) AS new (id, stock) WHERE outlet.id = new.id"
)


def cpu_s(pid: int) -> float:
    """What a process has spent on a processor so far, in its first thread."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def missing() -> str:
    """Why the peers cannot run here; empty when they can. As root their Debian packages are installed first."""
    if not _present() and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", *DEBIAN]):
            subprocess.run(["apt-get", "-qq", *command], env=environment, capture_output=True, check=False, timeout=300)
    return "" if _present() else f"PostGIS and Redis come from Debian's {', '.join(DEBIAN)}, which cannot be had here."


def _present() -> bool:
    return CONTROL.exists() and (POSTGRES / "postgres").exists() and bool(redis_program())


class PostGis:
    """One table of outlets."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.sql = connection
        self.pq = connection.pgconn
        self.pid = connection.info.backend_pid
        self.version = self._one(
            "SELECT postgis_lib_version() || ' on PostgreSQL ' || current_setting('server_version')"
        )

    def _one(self, text: str) -> str:
        row = self.sql.execute(text).fetchone()
        assert row is not None
        return str(row[0])

    def load(self, lon: Sequence[float], lat: Sequence[float], stock: Sequence[int]) -> None:
        self.sql.execute("DROP TABLE IF EXISTS outlet")
        self.sql.execute(
            "CREATE TABLE outlet (id int NOT NULL, stock int NOT NULL, place geography(Point, 4326) NOT NULL)"
            " WITH (fillfactor = 70)"
        )
        self.sql.execute("CREATE TEMPORARY TABLE given (id int, lon float8, lat float8, stock int)")
        with self.sql.cursor().copy("COPY given FROM STDIN") as copy:
            for row in zip(range(len(lon)), lon, lat, stock, strict=True):
                copy.write_row(row)
        self.sql.execute(
            "INSERT INTO outlet SELECT id, stock, ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography FROM given"
        )
        self.sql.execute("DROP TABLE given")
        self.sql.execute("CREATE INDEX ON outlet USING gist (place)")
        self.sql.execute("ALTER TABLE outlet ADD PRIMARY KEY (id)")
        self.sql.execute("VACUUM ANALYZE outlet")
        float8, int4 = 701, 23
        self.sql.execute("DEALLOCATE ALL")
        self.pq.prepare(b"nearest", NEAREST.encode(), [float8, float8, int4])

    def nearest(self, at: Query, k: int) -> list[int]:
        values = [struct.pack(">d", at[0]), struct.pack(">d", at[1]), struct.pack(">i", k)]
        found = self.pq.exec_prepared(b"nearest", values, [1, 1, 1], 1)
        return [int.from_bytes(found.get_value(row, 0) or b"", "big") for row in range(found.ntuples)]

    def exact(self, at: Query, k: int) -> list[tuple[int, float]]:
        """By the spheroid: `<->` of geography orders by the sphere, so more than k are fetched and ordered again."""
        asked = {"lon": at[0], "lat": at[1], "k": k, "more": 4 * k}
        return [(int(one), float(metres)) for one, metres in self.sql.execute(EXACT, asked).fetchall()]

    def update(self, rows: np.ndarray, stock: np.ndarray) -> float:
        """Seconds."""
        given = rows.tolist(), stock.tolist()
        started = time.perf_counter()
        self.sql.execute(UPDATE, given)
        return time.perf_counter() - started


@contextmanager
def postgis() -> Iterator[PostGis]:
    settings = {
        "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "1GB", "jit": "off",
        "work_mem": "64MB", "maintenance_work_mem": "512MB", "max_wal_size": "8GB", "random_page_cost": "1.1",
        "max_connections": "10",
    }  # fmt: skip
    with postgres_server(programs=POSTGRES, **settings) as address, psycopg.connect(address, autocommit=True) as sql:
        sql.prepare_threshold = None
        sql.execute("CREATE EXTENSION postgis")
        yield PostGis(sql)


class Redis:
    """One sorted set of the outlets in stock, spoken to in RESP 2."""

    def __init__(self, path: str, pid: int) -> None:
        self.pid = pid
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.reader = self.socket.makefile("rb")
        self.radius_m = 1_000.0
        self.lon: list[str] = []
        self.lat: list[str] = []
        info = self.ask(b"INFO", b"server").decode()
        self.version = next(line.split(":")[1] for line in info.splitlines() if line.startswith("redis_version"))

    def ask(self, *words: bytes) -> Any:
        self.socket.sendall(_command(words))
        return self._read()

    def _read(self) -> Any:
        line = self.reader.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"*":
            return [self._read() for _ in range(int(rest))]
        if kind == b"$":
            return self.reader.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
        assert kind != b"-", rest
        return rest

    def load(self, lon: Sequence[float], lat: Sequence[float], stock: np.ndarray) -> None:
        self.ask(b"FLUSHALL")
        self.lon, self.lat = [repr(one) for one in lon], [repr(one) for one in lat]
        self._send(self._changes(np.arange(len(stock)), np.zeros_like(stock), stock))

    def nearest(self, at: Query, k: int) -> list[int]:
        lon, lat, count = repr(at[0]).encode(), repr(at[1]).encode(), b"%d" % k
        radius = self.radius_m
        while True:
            found = self.ask(
                b"GEOSEARCH", b"s", b"FROMLONLAT", lon, lat, b"BYRADIUS", b"%d" % radius, b"m", b"ASC", b"COUNT", count
            )
            if len(found) == k or radius > 2_000_000:
                return [int(one) for one in found]
            radius *= 2

    def calibrate(self, queries: Sequence[Query], k: int) -> None:
        """Take the first radius that answers fastest."""
        best = float("inf")
        for radius in (250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0):
            self.radius_m, started = radius, time.perf_counter()
            for at in queries:
                self.nearest(at, k)
            if (took := time.perf_counter() - started) < best:
                best, fastest = took, radius
        self.radius_m = fastest

    def update(self, rows: np.ndarray, before: np.ndarray, after: np.ndarray) -> float:
        """Seconds. Only the crossings are sent; making the commands is not counted."""
        commands = self._changes(rows, before, after)
        started = time.perf_counter()
        self._send(commands)
        return time.perf_counter() - started

    def _changes(self, rows: np.ndarray, before: np.ndarray, after: np.ndarray) -> list[bytes]:
        comes, goes = rows[(before == 0) & (after > 0)], rows[(before > 0) & (after == 0)]
        add = [(b"GEOADD", b"s", self.lon[one].encode(), self.lat[one].encode(), b"%d" % one) for one in comes.tolist()]
        return [_command(words) for words in (*add, *((b"ZREM", b"s", b"%d" % one) for one in goes.tolist()))]

    def _send(self, commands: list[bytes]) -> None:
        for start in range(0, len(commands), PIPELINE):
            part = commands[start : start + PIPELINE]
            self.socket.sendall(b"".join(part))
            for _ in part:
                self._read()


def _command(words: Sequence[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


@contextmanager
def redis(folder: Path) -> Iterator[Redis]:
    path = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", folder]
    server = subprocess.Popen(
        [str(part) for part in command], executable=redis_program(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_S
        while True:
            assert server.poll() is None, "redis-server ended"
            assert time.monotonic() < until, "redis-server did not start"
            try:
                redis_set = Redis(str(path), server.pid)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.02)
        yield redis_set
    finally:
        server.terminate()
        server.wait(START_S)
