"""Run by test_spark.py in .venv-peers: `python spark_peer.py MASTER PINGS.parquet CASES.parquet OUT.npy`.

Traces the pings with Spark's workers, whose Python is ours (PYSPARK_PYTHON), and writes each phone's buckets.
"""

from __future__ import annotations

import os
import sys

import numpy as np
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from banyan.craft.tracing.model import Fixes, Rule
from banyan.craft.tracing.spark import COLUMNS, trace_on_spark
from banyan.craft.tracing.tracing import merged, question


def main(master: str, pings: str, cases: str, out: str) -> None:
    session = SparkSession.builder.master(master).appName("banyan")
    options = {
        "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "5", "spark.sql.adaptive.enabled": "false", "spark.driver.memory": "1g",
        "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"], "spark.sql.execution.arrow.maxRecordsPerBatch": "700",
    }  # fmt: skip
    for name, value in options.items():
        session = session.config(name, value)
    spark = session.getOrCreate()
    try:
        table = pq.read_table(cases)
        phone, at, lon, lat = (table.column(name).to_numpy() for name in COLUMNS)
        given = Fixes(phone.astype(np.uint32), at, lon.astype(np.int32), lat.astype(np.int32))
        phones = int(table.schema.metadata[b"phones"])
        asked = question(given, Rule(300, 900, 900), phones=phones, own=np.unique(given.phone))
        parts = trace_on_spark(spark.read.parquet(pings), asked)
        np.save(out, merged(parts, phones))
        sys.stdout.write(f"spark {spark.version}, {sum(one.pings for one in parts)} pings in {len(parts)} hours\n")
    finally:
        spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
