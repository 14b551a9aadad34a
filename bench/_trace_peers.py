"""polars and pandas of bench/trace.py, run in .venv-peers: `python _trace_peers.py ENGINE FOLDER ROUNDS`.

FOLDER has `pings-HH.parquet` and `cases.parquet` (phone, bucket, lon, lat). Both join on bucket and a grid cell, the
cases spread over the nine around, and then take the haversine. polars holds the pings in memory, or with `scan` reads
the files as it goes (streaming); pandas holds them. Prints a JSON line; phones and buckets go to FOLDER/ENGINE.npz.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Found = tuple[np.ndarray, np.ndarray]


def in_polars(folder: Path, *, is_scanned: bool) -> Callable[[], Found]:
    import polars as pl

    def framed(name: str) -> Any:
        return pl.scan_parquet(folder / name).with_columns(x=pl.col("lon") // 5_100, y=pl.col("lat") // 4_600)

    cases = framed("cases.parquet").collect()
    pings = framed("pings-*.parquet") if is_scanned else framed("pings-*.parquet").collect().lazy()

    def run() -> Found:
        around = pl.concat(
            [cases.with_columns(x=pl.col("x") + dx, y=pl.col("y") + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        )
        pairs = pings.join(around.lazy(), on=["bucket", "x", "y"], suffix="_c")
        up = ((pl.col("lat") - pl.col("lat_c")) / 1e6).radians() / 2
        across = ((pl.col("lon") - pl.col("lon_c")) / 1e6).radians() / 2
        narrow = (pl.col("lat") / 1e6).radians().cos() * (pl.col("lat_c") / 1e6).radians().cos()
        apart = 2 * 6371008.8 * (up.sin().pow(2) + narrow * across.sin().pow(2)).sqrt().arcsin()
        found = pairs.filter(apart <= 500).group_by("phone").agg(n=pl.col("bucket").n_unique())
        done = found.collect(engine="streaming")
        return done["phone"].to_numpy(), done["n"].to_numpy()

    return run


def in_pandas(folder: Path) -> Callable[[], Found]:
    import pandas as pd

    def framed(paths: list[Path]) -> Any:
        frame = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
        return frame.assign(x=frame.lon // 5_100, y=frame.lat // 4_600)

    pings, cases = framed(sorted(folder.glob("pings-*.parquet"))), framed([folder / "cases.parquet"])

    def run() -> Found:
        around = pd.concat([cases.assign(x=cases.x + dx, y=cases.y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)])
        pairs = pings.merge(around, on=["bucket", "x", "y"], suffixes=("", "_c"))
        up, across = np.radians((pairs.lat - pairs.lat_c) / 1e6) / 2, np.radians((pairs.lon - pairs.lon_c) / 1e6) / 2
        narrow = np.cos(np.radians(pairs.lat / 1e6)) * np.cos(np.radians(pairs.lat_c / 1e6))
        near = 2 * 6371008.8 * np.arcsin(np.sqrt(np.sin(up) ** 2 + narrow * np.sin(across) ** 2)) <= 500
        found = pairs[near].groupby("phone").bucket.nunique()
        return found.index.to_numpy(), found.to_numpy()

    return run


def main(engine: str, folder: str, rounds: str) -> None:
    place = Path(folder)
    run = in_pandas(place) if engine == "pandas" else in_polars(place, is_scanned=engine == "polars-scan")
    walls, used = [], []
    for _ in range(int(rounds)):
        wall, cpu = time.perf_counter(), time.process_time()
        phone, many = run()
        walls.append(time.perf_counter() - wall)
        used.append(time.process_time() - cpu)
    np.savez(place / f"{engine}.npz", phone=phone, many=many)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall_s": statistics.median(walls), "cpu_s": statistics.median(used), "peak_mb": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
