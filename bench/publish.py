"""Publish a national CSV: bytes to queryable table, beside csvs-to-sqlite and sqlite-utils on the same file.

`python bench/publish.py [--quick] [--json] [--growth] [--big]`. Equal: bytes in, rows that can be queried out, each in
a fresh process. Not equal: ours decides types by every row, checks bytes, keys and cells, and hashes the source.
`ratio` is wall time without finding each row's town, which the peers do not do either; `ratio_with_towns` is with it,
and both are given in CPU seconds too, which a busy machine disturbs less. Both keep their compiled Python between runs,
as installed programs do, whatever the environment says; a small file run first fills that. `--growth` adds 100k, 1M and
10M rows of ours alone; `--big` publishes a 2 GB file and reports the peak resident memory. The generated file is always
the same.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv-peers" / "bin"
TARGET = 3.0
ROWS, QUICK_ROWS = 1_000_000, 300_000
WARM_ROWS = 1_000
SEED = 7
COMPILED = tempfile.TemporaryDirectory(prefix="bench-publish-compiled-")
TOWNS = (
    ("臺北市", "松山區", 121.56, 25.06), ("臺北市", "大安區", 121.54, 25.03), ("新北市", "板橋區", 121.46, 25.01),
    ("新北市", "林口區", 121.37, 25.09), ("桃園市", "中壢區", 121.22, 24.97), ("新竹市", "東區", 120.98, 24.79),
    ("苗栗縣", "頭份市", 120.91, 24.68), ("臺中市", "西屯區", 120.63, 24.18), ("臺中市", "豐原區", 120.72, 24.25),
    ("彰化縣", "員林市", 120.57, 23.96), ("南投縣", "埔里鎮", 120.97, 23.97), ("雲林縣", "斗六市", 120.54, 23.71),
    ("嘉義市", "西區", 120.43, 23.48), ("臺南市", "永康區", 120.25, 23.03), ("臺南市", "安南區", 120.18, 23.05),
    ("高雄市", "前鎮區", 120.32, 22.59), ("高雄市", "鳳山區", 120.36, 22.62), ("屏東縣", "潮州鎮", 120.54, 22.55),
    ("宜蘭縣", "羅東鎮", 121.77, 24.68), ("花蓮縣", "花蓮市", 121.61, 23.98), ("臺東縣", "臺東市", 121.13, 22.76),
)  # fmt: skip
KINDS = ("藥局", "衛生所", "醫院", "診所", "超商", "學校", "活動中心", "派出所")
HEADER = "代碼,名稱,縣市,鄉鎮市區,類別,門牌,經度,緯度,成人數量,兒童數量,更新時間\n"
RUN_OURS = """
import resource, sys, time
from pathlib import Path
from banyan.service.opendata.ingest import Options, ingest
started = time.perf_counter()
table, = ingest(Path(sys.argv[1]), "national.csv", options=Options(geo=sys.argv[3]), work=Path(sys.argv[2]))
print(time.perf_counter() - started, table.rows, table.parquet.stat().st_size,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def generate(path: Path, rows: int) -> None:
    """11 columns of text, codes, numbers, coordinates and times: about 104 bytes a row in UTF-8."""
    chance = random.Random(SEED)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        for number in range(rows):
            county, town, lon, lat = TOWNS[chance.randrange(len(TOWNS))]
            file.write(
                f"{number:010d},第{number % 99991}站,{county},{town},{KINDS[chance.randrange(8)]},"
                f"中正路{chance.randrange(1, 999)}號,{lon + chance.random() / 30:.5f},{lat + chance.random() / 30:.5f},"
                f"{chance.randrange(2000)},{chance.randrange(900)},"
                f"2020-02-{chance.randrange(10, 29)} 0{chance.randrange(10)}:30:00\n"
            )


def ours(source: Path, work: Path, geo: str = "") -> dict[str, float]:
    """Wall and CPU seconds of a fresh process, and what it used. `geo` "none" leaves out finding each row's town."""
    said, wall, cpu = spent([sys.executable, "-c", RUN_OURS, str(source), str(work), geo])
    answer = said.split()
    return {
        "wall_s": wall, "cpu_s": cpu, "inside_s": float(answer[0]), "rows": int(answer[1]),
        "bytes": int(answer[2]), "rss_bytes": int(answer[3]),
    }  # fmt: skip


def spent(command: Sequence[str]) -> tuple[str, float, float]:
    """What a program says, its wall seconds and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept.setdefault("PYTHONPYCACHEPREFIX", COMPILED.name)
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=kept).stdout
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def middle(values: Sequence[float]) -> float:
    """The median."""
    return sorted(values)[len(values) // 2]


def compare(rows: int, rounds: int, *, slow_peer: bool) -> dict[str, object]:
    """Interleaved rounds over one file; medians."""
    with tempfile.TemporaryDirectory(prefix="bench-publish-") as folder:
        source = Path(folder) / "national.csv"
        generate(source, WARM_ROWS)
        ours(source, Path(folder) / "warm")
        spent([str(PEERS / "csvs-to-sqlite"), str(source), str(Path(folder) / "warm.db")])
        generate(source, rows)
        mine: list[dict[str, float]] = []
        located: list[dict[str, float]] = []
        theirs: list[tuple[str, float, float]] = []
        for number in range(rounds):
            mine.append(ours(source, Path(folder) / f"ours-{number}", "none"))
            target = str(Path(folder) / f"peer-{number}.db")
            theirs.append(spent([str(PEERS / "csvs-to-sqlite"), str(source), target]))
            located.append(ours(source, Path(folder) / f"located-{number}"))
        slow = 0.0
        if slow_peer:
            target = str(Path(folder) / "utils.db")
            _, slow, _ = spent([str(PEERS / "sqlite-utils"), "insert", target, "t", str(source), "--csv"])
        wall, cpu = middle([one["wall_s"] for one in mine]), middle([one["cpu_s"] for one in mine])
        peer_wall, peer_cpu = middle([one[1] for one in theirs]), middle([one[2] for one in theirs])
        towns_wall = middle([one["wall_s"] for one in located])
        towns_cpu = middle([one["cpu_s"] for one in located])
        detail: dict[str, object] = {
            "rows": rows, "csv_bytes": source.stat().st_size, "ours_s": round(wall, 2), "ours_cpu_s": round(cpu, 2),
            "csvs_to_sqlite_s": round(peer_wall, 2), "csvs_to_sqlite_cpu_s": round(peer_cpu, 2),
            "ratio_cpu": round(peer_cpu / cpu, 2), "ours_with_towns_s": round(towns_wall, 2),
            "ours_with_towns_cpu_s": round(towns_cpu, 2), "ratio_with_towns": round(peer_wall / towns_wall, 2),
            "ours_inside_s": round(middle([one["inside_s"] for one in mine]), 2),
            "parquet_bytes": mine[0]["bytes"], "ours_rss_mib": round(mine[0]["rss_bytes"] / 2**20),
        }  # fmt: skip
        if slow:
            detail |= {"sqlite_utils_s": round(slow, 2), "sqlite_utils_ratio": round(slow / wall, 1)}
        return {"ratio": round(peer_wall / wall, 2), "detail": detail}


def alone(rows: int) -> dict[str, object]:
    """Ours on a larger file."""
    with tempfile.TemporaryDirectory(prefix="bench-publish-") as folder:
        source = Path(folder) / "national.csv"
        generate(source, rows)
        used = ours(source, Path(folder) / "work")
        return {
            "rows": rows, "csv_mib": source.stat().st_size >> 20, "seconds": round(used["wall_s"], 1),
            "rss_mib": round(used["rss_bytes"] / 2**20),
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("--quick", "--json", "--growth", "--big"):
        parser.add_argument(flag, action="store_true")
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    result = compare(QUICK_ROWS if chosen.quick else ROWS, 3, slow_peer=True)
    detail = result["detail"]
    assert isinstance(detail, dict)
    if chosen.growth:
        detail["growth"] = [alone(rows) for rows in (100_000, 1_000_000, 10_000_000)]
    if chosen.big:
        detail["big"] = alone(20_500_000)
    ratio = result["ratio"]
    assert isinstance(ratio, float)
    line = {
        "name": "publish", "peer": "csvs-to-sqlite", "ratio": ratio, "target": TARGET, "met": ratio >= TARGET,
        "detail": detail,
    }  # fmt: skip
    if not chosen.json:
        for name, value in detail.items():
            print(f"{name:>20}  {value}")
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
