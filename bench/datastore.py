"""The table API over HTTP beside Datasette 0.65 (and CKAN 2.12 where set up), same rows, rounds interleaved.

    ./banyan bench datastore [--quick] [--json] [--ckan]      python bench/datastore.py [--rows N ...] [--ckan-rows N]

11 generated columns; SQLite and PostgreSQL have indexes on county and category, all servers are warmed. Each question
has parameters that were not asked before, so neither our cache of answers nor its totals are measured; answers are
asserted equal. Medians of single requests on one kept connection. `--ckan` makes CKAN's environment; once it is there
each run measures CKAN too. Loading is not measured: CKAN's takes 40 s a million rows, so the loaded database is kept
in .venv-ckan, and a quick run without `--ckan` takes CKAN only when it is there. The targets are against Datasette.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import _datastore_ckan as ckan
import duckdb
from _server import ROOT, Server, free_port

CKAN_ROWS = 1_000_000  # the most rows loaded into CKAN unless asked for more
TARGETS = {"facet": 10.0, "group": 20.0, "page": 1.0}
COUNTY_NAMES = (
    "臺北市 新北市 桃園市 臺中市 臺南市 高雄市 基隆市 新竹市 嘉義市 新竹縣 苗栗縣 "
    "彰化縣 南投縣 雲林縣 嘉義縣 屏東縣 宜蘭縣 花蓮縣 臺東縣 澎湖縣 金門縣 連江縣"
)
COUNTIES = COUNTY_NAMES.split()
CATEGORIES = [f"類別{number:02}" for number in range(12)]
TYPES = (
    "id TEXT, county TEXT, town TEXT, category TEXT, name TEXT, adult INTEGER, price REAL, opened TEXT, updated TEXT, "
    "lon REAL, lat REAL"
)
ROWS_SQL = """
    SELECT 'R' || lpad(CAST(i AS VARCHAR), 9, '0') AS id,
        $counties[1 + CAST(hash(i) % 22 AS INTEGER)] AS county,
        '鄉鎮' || CAST(hash(i * 7) % 368 AS VARCHAR) AS town,
        $categories[1 + CAST(hash(i * 3) % 12 AS INTEGER)] AS category,
        '第' || CAST(hash(i * 11) % 100000 AS VARCHAR) || '號藥局' AS "name",
        CAST(hash(i * 13) % 1000 AS BIGINT) AS adult,
        CAST(hash(i * 17) % 100000 AS BIGINT) / 100.0 AS price,
        CAST(DATE '2020-01-01' + CAST(hash(i * 19) % 2000 AS INTEGER) AS DATE) AS opened,
        strftime(TIMESTAMP '2020-01-01' + to_seconds(CAST(hash(i * 23) % 100000000 AS BIGINT)), '%Y-%m-%d %H:%M:%S')
            AS updated,
        119.5 + CAST(hash(i * 29) % 25000 AS BIGINT) / 10000.0 AS lon,
        21.9 + CAST(hash(i * 31) % 34000 AS BIGINT) / 10000.0 AS lat
    FROM range($rows) AS t(i)
"""


def generate(path: Path, rows: int) -> None:
    """The same CSV for both sides."""
    connection = duckdb.connect()
    text = ROWS_SQL.replace("$counties", str(COUNTIES)).replace("$categories", str(CATEGORIES))
    connection.execute(f"COPY ({text.replace('$rows', str(rows))}) TO '{path}' (HEADER)")
    connection.close()


def load_sqlite(source: Path, target: Path) -> float:
    """CSV -> SQLite with the indexes of the field notes; seconds."""
    started = time.perf_counter()
    database = sqlite3.connect(target)
    database.execute("PRAGMA journal_mode=OFF")
    database.execute(f"CREATE TABLE t ({TYPES})")
    with source.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        database.executemany(f"INSERT INTO t VALUES ({','.join('?' * 11)})", reader)
    database.execute("CREATE INDEX t_county ON t (county)")
    database.execute("CREATE INDEX t_category ON t (category)")
    database.execute("ANALYZE")
    database.commit()
    database.close()
    return time.perf_counter() - started


def datasette(database: Path) -> Server:
    port = free_port()
    settings = {
        "sql_time_limit_ms": 300_000,
        "facet_time_limit_ms": 300_000,
        "max_returned_rows": 10_000,
        "suggest_facets": "off",
    }
    command = [str(ROOT / ".venv-peers/bin/datasette"), "serve", str(database), "-p", str(port)]
    for name, value in settings.items():
        command += ["--setting", name, str(value)]
    return Server(command, port, "/-/versions.json", wait_s=60)


def banyan(folder: Path, source: Path) -> Server:
    port = free_port()
    command = [
        str(ROOT / ".venv/bin/python"),
        str(ROOT / "bench/_datastore_ours.py"),
        str(port),
        str(folder),
        str(source),
    ]
    return Server(command, port, "/api/opendata/rows/bench?limit=1", wait_s=900)


Same = Callable[[Any, Any], None]


class Question(NamedTuple):
    """One question as each side is asked it, and what must hold of a peer's answer beside ours."""

    peer: str
    ckan: ckan.Question
    ours: str
    same: Same
    same_ckan: Same


def page(round_: int) -> Question:
    """100 rows of one county or category with the total: SQLite's best case. Each round another value."""
    if round_ % 3:
        return _page({"county": COUNTIES[round_ % 22]})
    return _page({"category": CATEGORIES[round_ // 3 % 12]})


def pair_page(round_: int) -> Question:
    """100 rows under two equality filters, with the total; each round another pair of values."""
    return _page({"county": COUNTIES[round_ % 22], "category": CATEGORIES[(round_ * 5 + round_ // 22) % 12]})


def _page(filters: dict[str, str]) -> Question:
    asked = {f"{name}__exact": value for name, value in filters.items()}
    peer = "/bench/t.json?" + urlencode(asked | {"_size": 100, "_nofacet": 1})
    ours = "/api/opendata/rows/bench?" + urlencode({"filters": json.dumps(filters), "limit": 100})

    def same(theirs: Any, mine: Any) -> None:
        assert theirs["filtered_table_rows_count"] == mine["total"]
        at = theirs["columns"].index("id")
        assert [row[at] for row in theirs["rows"]] == [record["id"] for record in mine["records"]]
        assert mine["records"]

    return Question(peer, ckan.page(filters), ours, same, ckan.same_page)


def facet(round_: int) -> Question:
    """Towns of one county, all 368 counted; each round another county."""
    county = COUNTIES[round_ % 22]
    peer = "/bench/t.json?" + urlencode({"county__exact": county, "_facet": "town", "_facet_size": 400, "_size": 0})
    ours = "/api/opendata/facets/bench?" + urlencode(
        {"fields": "town", "limit": 400, "filters": json.dumps({"county": county})}
    )
    sql = f"select town, count(*) as n from t where county = '{county}' group by 1"

    def same(theirs: Any, mine: Any) -> None:
        expected = {one["value"]: one["count"] for one in theirs["facet_results"]["town"]["results"]}
        assert expected == {one["value"]: one["count"] for one in mine["facets"][0]["values"]}
        assert expected

    return Question(peer, ckan.sql(sql), ours, same, ckan.same_facet)


def group(round_: int) -> Question:
    """Sum and average by county and category over the rows above a threshold; each round another threshold."""
    sql = f"select county, category, sum(adult) as s, avg(price) as a from t where adult >= {round_} group by 1, 2"
    peer = "/bench.json?" + urlencode({"sql": sql, "_size": 1000})
    measured = [("by", "county"), ("by", "category"), ("measures", "sum:adult"), ("measures", "avg:price")]
    ours = "/api/opendata/aggregate/bench?" + urlencode(
        [*measured, ("filters", json.dumps({"adult": {"gte": round_}}))]
    )

    def same(theirs: Any, mine: Any) -> None:
        expected = {(county, category): (s, a) for county, category, s, a in theirs["rows"]}
        found = {(one["county"], one["category"]): (one["sum_adult"], one["avg_price"]) for one in mine["records"]}
        assert expected.keys() == found.keys()
        for key, (total, average) in expected.items():
            assert found[key][0] == total
            assert abs(found[key][1] - average) < 1e-6 * average

    return Question(peer, ckan.sql(sql), ours, same, ckan.same_group)


QUESTIONS = {"page": page, "pair_page": pair_page, "facet": facet, "group": group}


def ckan_left_out(source: Path, rows: int, options: argparse.Namespace) -> str:
    """Why CKAN is not measured at this size; empty when it is."""
    if reason := ckan.why_not():
        return reason
    if rows > options.ckan_rows:
        return f"not run above {options.ckan_rows:,} rows: loading takes 40 s a million; --ckan-rows raises it"
    if options.quick and not options.ckan and not ckan.kept_for(source, rows).exists():
        return "not run: its rows are not loaded yet, and 60 s are too few; one run with --ckan loads and keeps them"
    return ""


def measure(rows: int, rounds: dict[str, int], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Medians in milliseconds of every question on every side, and our ratios to them."""
    source, database = folder / "bench.csv", folder / "bench.db"
    generate(source, rows)
    sqlite_s = load_sqlite(source, database)
    said = ckan_left_out(source, rows, options)
    servers: dict[str, Server] = {}
    resource = ""
    with ExitStack() as running:
        if not said:
            try:
                servers["ckan"], resource, said = ckan.start(folder, source, rows)
                running.callback(servers["ckan"].stop)
            except (RuntimeError, AssertionError) as failed:  # the other peer is measured all the same
                said = f"not run: {failed}"
        servers["ours"] = banyan(folder / "node", source)
        running.callback(servers["ours"].stop)
        assert servers["ours"].process.stdout is not None
        made = json.loads(servers["ours"].process.stdout.readline())
        servers["peer"] = datasette(database)
        running.callback(servers["peer"].stop)
        times = ask(servers, resource, rounds)
    return {
        "rows": rows,
        "csv_mb": round(source.stat().st_size / 1e6),
        "sqlite_load_s": round(sqlite_s, 1),
        "ckan": said,
        **made,
        **{name: summary(one) for name, one in times.items()},
    }


def ask(servers: dict[str, Server], resource: str, rounds: dict[str, int]) -> dict[str, dict[str, list[float]]]:
    """Milliseconds by question and side. Every round another side is asked first."""
    times: dict[str, dict[str, list[float]]] = {name: {side: [] for side in servers} for name in QUESTIONS}
    for round_ in range(max(rounds.values()) + 1):
        for name, make in QUESTIONS.items():
            if round_ > rounds[name]:
                continue
            question = make(round_)
            asked = {"peer": question.peer, "ckan": question.ckan(resource), "ours": question.ours}
            first = round_ % len(servers)
            order = [*servers][first:] + [*servers][:first]
            answers = {side: servers[side].get(asked[side]) for side in order}
            question.same(answers["peer"][1], answers["ours"][1])
            if "ckan" in answers:
                question.same_ckan(answers["ckan"][1], answers["ours"][1])
            if round_:  # the first round only warms
                for side, (took, _) in answers.items():
                    times[name][side].append(took)
    return times


def summary(times: dict[str, list[float]]) -> dict[str, float]:
    """`peer_ms`, `ours_ms`, `ratio`, and CKAN's when it ran."""
    medians = {side: statistics.median(one) for side, one in times.items()}
    found = {f"{side}_ms": round(median, 2) for side, median in sorted(medians.items(), reverse=True)}
    found["ratio"] = round(medians["peer"] / medians["ours"], 2)
    if "ckan" in medians:
        found["ckan_ratio"] = round(medians["ckan"] / medians["ours"], 2)
    return found


def show(found: dict[str, Any]) -> None:
    """One line a question."""
    for name in QUESTIONS:
        one, target = found[name], f"(target {TARGETS[name]:g}x)" if name in TARGETS else ""
        beside = f"  CKAN {one['ckan_ms']:>9.2f} ms {one['ckan_ratio']:>6.1f}x" if "ckan_ms" in one else ""
        print(
            f"{found['rows']:>10,} rows  {name:<9}  Banyan {one['ours_ms']:>7.2f} ms"
            f"  Datasette {one['peer_ms']:>9.2f} ms {one['ratio']:>6.1f}x {target}{beside}"
        )
    print(f"{found['rows']:>10,} rows  CKAN 2.12: {found['ckan']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1M rows, few rounds, under 60 s")
    parser.add_argument("--json", action="store_true", help="only the result, as one JSON object on the last line")
    parser.add_argument("--rows", type=int, nargs="+", default=None)
    parser.add_argument(
        "--ckan", action="store_true", help="set CKAN up (Debian packages as root only) and load its rows, however long"
    )
    parser.add_argument("--ckan-rows", type=int, default=CKAN_ROWS, help="the most rows loaded into CKAN")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    if options.ckan:
        ckan.set_up()
    sizes = options.rows or ([1_000_000] if options.quick else [1_000_000, 10_000_000])
    rounds = {"page": 15, "pair_page": 15, "facet": 9, "group": 3}
    if not options.quick:
        rounds = {"page": 21, "pair_page": 40, "facet": 20, "group": 7}
    measured = []
    for rows in sizes:
        folder = Path(tempfile.mkdtemp(prefix="banyan-bench-"))
        try:
            few = {"page": 12, "pair_page": 12, "facet": 7, "group": 2}
            found = measure(rows, few if rows > 5_000_000 else rounds, folder, options)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        measured.append(found)
        if not options.json:
            show(found)
    ckan_met = {
        name: all(found[name]["ckan_ratio"] >= target for found in measured if "ckan_ratio" in found[name])
        for name, target in TARGETS.items()
        if any("ckan_ratio" in found[name] for found in measured)
    }
    met = all(found[name]["ratio"] >= target for found in measured for name, target in TARGETS.items())
    result = {
        "name": "datastore",
        "peer": "Datasette 0.65",
        "ratio": min(found["facet"]["ratio"] for found in measured),
        "target": TARGETS["facet"],
        "met": met,
        "detail": {
            "targets": TARGETS,
            "sizes": measured,
            "ckan": {one["rows"]: one["ckan"] for one in measured},
            "ckan_met": ckan_met,
        },
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
