"""The SQL sandbox: what CKAN's clients ask works; a corpus of attacks is refused or bounded while the node lives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.service.opendata.tables.made import PHARMACIES, PHARMACY_ROWS, a_version, write_parquet

from banyan.errors import NotFound, Problem
from banyan.kernel.storage.lake import Lake
from banyan.service.opendata.tables import sqlcheck
from banyan.service.opendata.tables.sandbox import Sandbox, Sources
from banyan.service.opendata.tables.sqlworker import Reply

RID = "334e56a0-6424-4099-8667-f8fca41f57a1"
SECRET = "private-of-somebody"


def run(
    folder: Path, statements: Sequence[str], rows: Sequence[Sequence[object]] = PHARMACY_ROWS
) -> list[Reply | Problem]:
    """Each statement's rows or its refusal, in one sandbox beside a lake that also holds a private table."""
    lake = Lake(folder / "lake", folder / "work")
    version = a_version(lake, PHARMACIES, rows)
    write_parquet(folder / "lake" / "secret.parquet", {"x": "text"}, [[SECRET]])

    async def resolve(names: tuple[str, ...]) -> Sources:
        if any(name != RID for name in names):
            raise NotFound("no table")
        return {RID: (str(lake.path(version.parquet)), ("_id", *PHARMACIES))} if names else {}

    async def ask() -> list[Reply | Problem]:
        box = Sandbox()
        try:
            return [await _answer(box, sql.replace("{lake}", str(folder / "lake"))) for sql in statements]
        finally:
            await box.close()

    async def _answer(box: Sandbox, sql: str) -> Reply | Problem:
        try:
            return await box.run(sql, resolve)
        except Problem as problem:
            return problem

    return asyncio.run(ask())


def rows_of(found: Reply | Problem) -> list[list[object]]:
    assert isinstance(found, Reply), found
    return [list(row) for row in found.rows]


def test_what_clients_ask(tmp_path: Path) -> None:
    t = f'"{RID}"'
    names, sums, joined, common, times, unnamed = run(
        tmp_path,
        [
            f"SELECT 名稱, 成人 FROM {t} ORDER BY 成人 DESC NULLS LAST LIMIT 2",
            f"SELECT sum(成人) s, count(*) n FROM {t}",
            f"SELECT a.名稱 FROM {t} a JOIN {t} AS b USING (_id) WHERE b.縣市 = '臺北市'",
            f"WITH c AS (SELECT 縣市, count(*) n FROM {t} GROUP BY 1) SELECT max(n) FROM c",
            f"SELECT extract(year FROM 更新) y, date_trunc('month', 日期) FROM {t} WHERE _id = 1",
            f"SELECT count(*), max(成人) FROM {t}",
        ],
    )
    assert rows_of(names) == [["花蓮藥局", 20], ["臺北藥局", 10]]
    assert rows_of(sums) == [[30, 4]]
    assert isinstance(sums, Reply)
    assert [(field.id, field.type) for field in sums.fields] == [("s", "int8"), ("n", "int8")]
    assert rows_of(joined) == [["臺北藥局"]]
    assert rows_of(common) == [[2]]
    assert rows_of(times)[0][0] == 2020
    assert isinstance(unnamed, Reply)
    assert [field.id for field in unnamed.fields] == ["count", "max"]


REFUSED = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_parquet('{lake}/secret.parquet')",
    "SELECT * FROM parquet_scan('{lake}/secret.parquet')",
    "SELECT * FROM parquet_metadata('{lake}/secret.parquet')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '{lake}/secret.parquet'",
    'SELECT * FROM "{lake}/secret.parquet"',
    'SELECT * FROM "secret.parquet"',
    "SELECT * FROM glob('/**')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT getenv('HOME')",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "COPY t FROM '/etc/passwd'",
    "ATTACH '/tmp/x.db' AS x",
    "DETACH x",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA version",
    "PRAGMA database_list",
    "SET memory_limit='100GB'",
    "RESET memory_limit",
    "EXPORT DATABASE '/tmp/x'",
    "IMPORT DATABASE '/tmp/x'",
    "CREATE TABLE x AS SELECT 1",
    "CREATE MACRO f(x) AS x",
    f'DELETE FROM "{RID}"',
    f"UPDATE \"{RID}\" SET 名稱 = 'x'",
    f'INSERT INTO "{RID}" VALUES (1)',
    f'DROP TABLE "{RID}"',
    f'TRUNCATE "{RID}"',
    f'SELECT * INTO y FROM "{RID}"',
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM pg_user",
    'SELECT * FROM "pg_user"',
    "SELECT * FROM PG_USER",
    'SELECT * FROM U&"pg\\005fuser"',
    "SELECT * FROM sqlite_master",
    "SELECT * FROM pragma_version()",
    "SELECT current_setting('memory_limit')",
    "SELECT pg_sleep(100)",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('x')",
    "SELECT 1; SELECT 2",
    f'SELECT 1; DROP TABLE "{RID}"',
    "SELECT 1 -- \n; SELECT 2",
    "SELECT 1 /* ; */; COPY (SELECT 1) TO '/tmp/x'",
    "SELECT * FROM generate_series(1, 1000000000000)",
    "SELECT * FROM range(1000000000000)",
    "SELECT unnest(generate_series(1, 1000000000000))",
    "SELECT repeat('x', 1000000000)",
    "SELECT lpad('x', 1000000000, 'y')",
    "SELECT rpad('x', 1000000000, 'y')",
    "SELECT list_resize([1], 1000000000)",
    "WITH RECURSIVE r AS (SELECT 1 x UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r",
    'WITH "/etc/passwd" AS (SELECT 1) SELECT * FROM "/etc/passwd"',
    'SELECT * FROM (WITH "{lake}/secret.parquet" AS (SELECT 1) SELECT 1) q, "{lake}/secret.parquet"',
    "WITH x AS (SELECT * FROM read_csv('/etc/passwd')) SELECT * FROM x",
    f"SELECT (SELECT content FROM read_text('/etc/passwd')) FROM \"{RID}\"",
    f"SELECT * FROM \"{RID}\" WHERE 名稱 IN (SELECT content FROM read_text('/etc/passwd'))",
    f"SELECT * FROM \"{RID}\" ORDER BY (SELECT content FROM read_text('/etc/passwd'))",
    f'SELECT * FROM "{RID}" LIMIT (SELECT 1)',
    f"SELECT * FROM \"{RID}\" UNION SELECT * FROM read_csv('/etc/passwd')",
    f'SELECT * FROM public."{RID}"',
    "SELECT * FROM other.main.t",
    "EXPLAIN SELECT 1",
    "DESCRIBE SELECT 1",
    "SHOW TABLES",
    "CALL pragma_version()",
    "EXECUTE x",
    "PREPARE x AS SELECT 1",
    "BEGIN",
    "VACUUM",
    "CHECKPOINT",
    "FROM read_text('/etc/passwd')",
    "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "SELECT " + "1+" * 9000 + "1",
    "SELECT * FROM " + ", ".join([f'"{RID}" t{i}' for i in range(60)]),
    "SELEC",
    "",
    " ; ",
    "SELECT '",
    "SELECT \x00",
    "SELECT 1 FROM nope",
]


def test_attacks_are_refused_and_the_sandbox_lives(tmp_path: Path) -> None:
    found = run(tmp_path, [*REFUSED, "SELECT 1"])
    answered = [sql for sql, reply in zip(REFUSED, found, strict=False) if isinstance(reply, Reply)]
    assert not answered
    assert {reply.status for reply in found if isinstance(reply, Problem)} <= {403, 404, 409, 413}
    assert rows_of(found[-1]) == [[1]]


def test_errors_are_ckans() -> None:
    def status_of(sql: str) -> tuple[int, str]:
        with pytest.raises(Problem) as caught:
            sqlcheck.rewritten(sqlcheck.parse(sql), {})
        return caught.value.status, caught.value.fields[0].fix if caught.value.fields else ""

    assert status_of("SELECT * FROM pg_user") == (403, "Not authorized to access system tables")
    assert status_of("SELECT pg_sleep(1)") == (403, "Not authorized to call function pg_sleep")
    assert status_of('SELECT * FROM "nope"') == (404, "")
    assert status_of(f'DELETE FROM "{RID}"') == (409, "Invalid query AST element: DeleteStmt")
    assert status_of("SELECT 1; SELECT 2") == (409, "Query is not a single statement")
    assert status_of("SELEC") == (409, 'Invalid SQL: syntax error at or near "SELEC", at index 0')


def test_a_cte_hides_the_register_of_its_name(tmp_path: Path) -> None:
    [found] = run(tmp_path, [f'SELECT * FROM (SELECT 1 AS x) AS t, (SELECT count(*) AS n FROM "{RID}") AS pg_t'])
    assert rows_of(found) == [[1, 4]]


@pytest.mark.slow
def test_bombs_are_bounded_in_time_and_memory(tmp_path: Path) -> None:
    rows = [[f"{number:010}", "藥" * 50, "花蓮縣", number, None, None] for number in range(3000)]
    t = f'"{RID}"'
    doubled = f"SELECT 名稱 AS x FROM {t}"
    for _ in range(30):
        doubled = f"SELECT x || x AS x FROM ({doubled}) AS q"
    bombs = [
        f"SELECT count(*) FROM {t} a, {t} b, {t} c WHERE a.成人 + b.成人 + c.成人 > 1",
        f"SELECT a.名稱 || b.名稱 FROM {t} a, {t} b, {t} c ORDER BY 1",
        f"SELECT string_agg(a.名稱, ',') FROM {t} a, {t} b, {t} c",
        doubled,
        f"SELECT count(*) FROM {t} a, {t} b WHERE a.名稱 || b.名稱 ~ '(藥+)+(藥+)+(藥+)+x$'",
    ]
    found = run(tmp_path, [*bombs, f"SELECT count(*) FROM {t}"], rows)
    assert [reply.status for reply in found[:4] if isinstance(reply, Problem)] == [413] * 4
    assert isinstance(found[4], Reply) or found[4].status == 413  # RE2 is linear: no pattern explodes
    assert rows_of(found[-1]) == [[3000]]


def test_more_rows_than_the_cap_are_named_truncated(tmp_path: Path) -> None:
    [found] = run(tmp_path, [f'SELECT a._id FROM "{RID}" a, "{RID}" b'], [[str(n), *[None] * 5] for n in range(200)])
    assert isinstance(found, Reply)
    assert (len(found.rows), found.truncated) == (32_000, True)
