"""The SQL sandbox's second wall: a process of its own, with little memory, no files but the named ones, no settings.

It reads one msgpack frame at a time from its input and writes one answer. Whatever a query does to it, the node
goes on: the parent kills it and starts another. Run as `python -m banyan.service.opendata.tables.sqlworker`.
"""

from __future__ import annotations

import resource
import sys
import threading
from typing import BinaryIO

import duckdb
import msgspec

from banyan.errors import FieldError, Problem
from banyan.limits import (
    QUERY_MEMORY_BYTES,
    QUERY_ROWS,
    QUERY_TIME_S,
    SQL_ANSWER_BYTES,
    SQL_PROCESS_BYTES,
    TABLE_THREADS,
)
from banyan.service.opendata.tables import sqlcheck
from banyan.service.opendata.tables.columns import ckan_type
from banyan.service.opendata.tables.query import Field
from banyan.service.opendata.tables.records import Plain, plain_rows
from banyan.service.opendata.tables.refusals import bad_sql, too_much
from banyan.service.opendata.tables.workers import setting

_BATCH = 1_000
LENGTH_BYTES = 4


class Order(msgspec.Struct, frozen=True):
    """Without `sources`: which registers does the query read? With: run it. name -> (Parquet path, columns)."""

    sql: str
    sources: dict[str, tuple[str, tuple[str, ...]]] | None = None


class Refused(msgspec.Struct, frozen=True):
    """A Problem on its way to the parent."""

    status: int
    kind: str
    title: str
    remedy: str
    fields: tuple[FieldError, ...]


class Reply(msgspec.Struct, frozen=True):
    """One of: the registers, the rows, a refusal."""

    tables: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    rows: list[list[Plain]] = []
    truncated: bool = False
    refused: Refused | None = None


def answer(order: Order) -> Reply:
    """Answer one order; a Problem becomes a refusal."""
    try:
        query = sqlcheck.parse(order.sql)
        if order.sources is None:
            return Reply(tables=sqlcheck.tables_of(query))
        paths = sorted(path for path, _ in order.sources.values())
        return _run(sqlcheck.rewritten(query, order.sources), paths)
    except Problem as problem:
        return Reply(refused=Refused(problem.status, problem.kind, problem.title, problem.remedy, problem.fields))
    except (MemoryError, RecursionError):
        return _refusal(too_much("query_memory"))


def _run(sql: str, paths: list[str]) -> Reply:
    connection = _locked(paths)
    clock = threading.Timer(QUERY_TIME_S, connection.interrupt)
    clock.start()
    try:
        return _fetched(connection.execute(sql))
    except duckdb.InterruptException:
        return _refusal(too_much("query_time", seconds=QUERY_TIME_S))
    except duckdb.OutOfMemoryException:
        return _refusal(too_much("query_memory"))
    except duckdb.Error as error:
        said = str(error).split("\n", 1)[0][:300]
        return _refusal(bad_sql("failed", said, detail=said))
    finally:
        clock.cancel()
        connection.close()


def _locked(paths: list[str]) -> duckdb.DuckDBPyConnection:
    """A fresh instance that can read these files and nothing else, and whose settings stay."""
    connection = duckdb.connect(":memory:")
    settings: dict[str, str | int | bool | list[str]] = {
        "memory_limit": f"{QUERY_MEMORY_BYTES}B",
        "threads": TABLE_THREADS,
        "temp_directory": "",
        "TimeZone": "UTC",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "allowed_paths": paths,
        "enable_external_access": False,
        "lock_configuration": True,
    }
    for key, value in settings.items():
        connection.execute(f"SET {key} = {setting(value)}")
    return connection


def _fetched(found: duckdb.DuckDBPyConnection) -> Reply:
    described = found.description or []
    fields = tuple(Field(column[0], ckan_type(str(column[1]))) for column in described)
    rows: list[list[Plain]] = []
    size = 0
    while batch := found.fetchmany(_BATCH):
        plain = plain_rows(fields, batch, "ckan")
        size += len(msgspec.msgpack.encode(plain))
        if size > SQL_ANSWER_BYTES:
            return _refusal(too_much("query_memory"))
        rows += plain
    return Reply(fields=fields, rows=rows[:QUERY_ROWS], truncated=len(rows) > QUERY_ROWS)


def _refusal(problem: Problem) -> Reply:
    return Reply(refused=Refused(problem.status, problem.kind, problem.title, problem.remedy, problem.fields))


def read_frame(source: BinaryIO) -> bytes:
    """One frame: 4 bytes of length, big-endian, then as many bytes. Empty at the end of input."""
    head = source.read(LENGTH_BYTES)
    return source.read(int.from_bytes(head, "big")) if len(head) == LENGTH_BYTES else b""


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def main() -> None:
    """Answer orders until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (SQL_PROCESS_BYTES, SQL_PROCESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while body := read_frame(source):
        reply = answer(msgspec.msgpack.decode(body, type=Order))
        sink.write(frame(msgspec.msgpack.encode(reply)))
        sink.flush()


if __name__ == "__main__":
    main()
