"""The kernel over Spark's partitions: first the job alone, then a cluster of two workers on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from banyan.craft.tracing.masts import ways_of
from banyan.craft.tracing.model import HOUR_S, Fixes, Pings, Rule
from banyan.craft.tracing.spark import COLUMNS, job_of, parts_of
from banyan.craft.tracing.tracing import Question, hours_asked, in_memory, merged, question, trace
from banyan.demo.tracing import guests_in, hour_of_nation, nation
from banyan.errors import Invalid

ROOT = Path(__file__).parents[3]
PEER = ROOT / ".venv-peers/bin/python"
PHONES, GUESTS, HOURS = 2_000, 60, (6, 9, 10)
RULE = Rule(300, 900, 900)


def a_day() -> tuple[dict[int, Pings], Question, Fixes]:
    who = nation(PHONES, GUESTS, busy=0.4)
    own = np.arange(GUESTS, dtype=np.uint32)
    hours = {hour: hour_of_nation(who, hour) for hour in HOURS}
    ways = ways_of(own, in_memory({hour: guests_in(who, hour) for hour in HOURS}), HOURS, size=PHONES)
    return hours, question(ways, RULE, phones=PHONES, own=own), ways


def table_of(hours: dict[int, Pings], order: np.random.Generator | None = None) -> pa.Table:
    columns = {
        "phone": np.concatenate([one.phone for one in hours.values()]).astype(np.int64),
        "at": np.concatenate([one.second.astype(np.int64) + hour * HOUR_S for hour, one in hours.items()]),
        "lon": np.concatenate([one.lon for one in hours.values()]),
        "lat": np.concatenate([one.lat for one in hours.values()]),
    }
    table = pa.table(columns)
    return table.take(order.permutation(len(table))) if order is not None else table


def test_the_job_of_a_partition() -> None:
    """Batches of any size, an hour over several of them: what one machine finds."""
    hours, asked, _ = a_day()
    expected = trace(asked, in_memory(hours), hours_asked(asked))
    table = table_of(hours)
    table = table.append_column("hour", pa.array(table.column("at").to_numpy() // HOUR_S))
    found = parts_of(pa.Table.from_batches(job_of(asked)(table.to_batches(max_chunksize=777))))
    assert merged(found, PHONES).any()
    assert merged(found, PHONES).tolist() == merged(expected, PHONES).tolist()
    assert [one.pings for one in found] == [one.pings for one in expected]
    back = pa.concat_tables([table, table.slice(0, 10)])
    with pytest.raises(Invalid, match="partition"):
        list(job_of(asked)(back.to_batches()))


@pytest.mark.slow
@pytest.mark.parametrize("master", ["local[2]", "local-cluster[2,1,1024]"])
def test_spark_gives_the_same_answer(master: str, tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("Java is not installed: Spark's own answer was not compared (apt install openjdk-17-jre-headless)")
    hours, asked, ways = a_day()
    pings, cases, out = (tmp_path / name for name in ("pings.parquet", "cases.parquet", "out.npy"))
    pq.write_table(table_of(hours, np.random.default_rng(1)), pings)
    given = pa.table({name: np.asarray(getattr(ways, name), np.int64) for name in COLUMNS})
    pq.write_table(given.replace_schema_metadata({"phones": str(PHONES)}), cases)
    command = [str(PEER), str(Path(__file__).with_name("spark_peer.py")), master, str(pings), str(cases), str(out)]
    paths = {"PYTHONPATH": str(ROOT / "src"), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(tmp_path)}
    paths |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": str(PEER)}
    done = subprocess.run(
        command, env={**os.environ, **paths}, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert f"{sum(len(one) for one in hours.values())} pings in {len(HOURS)} hours" in done.stdout
    expected = merged(trace(asked, in_memory(hours), hours_asked(asked)), PHONES)
    assert np.array_equal(np.load(out), expected)
