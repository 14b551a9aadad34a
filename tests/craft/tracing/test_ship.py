"""A ship's day at 300,000 phones: what the kernel finds in its busiest hour is what DuckDB finds in SQL."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow
import pytest

from banyan.craft.tracing.masts import ways_of
from banyan.craft.tracing.model import Pings
from banyan.craft.tracing.tracing import Desk, cases_of, in_memory, merged, question, scan_hour
from banyan.demo.tracing import guests_in, hour_of_nation, nation
from banyan.service.tracing.presets import presets

PHONES, GUESTS, HOUR = 300_000, 3_000, 10
SQL = """
with around as (select bucket, x + dx as x, y + dy as y, lon, lat from cases,
  (select unnest([-1, 0, 1]) as dx), (select unnest([-1, 0, 1]) as dy))
select p.phone, count(distinct p.bucket) as n from pings p join around c using (bucket, x, y)
where 2 * 6371008.8 * asin(sqrt(pow(sin(radians((p.lat - c.lat) / 1e6) / 2), 2) + cos(radians(p.lat / 1e6))
* cos(radians(c.lat / 1e6)) * pow(sin(radians((p.lon - c.lon) / 1e6) / 2), 2))) <= 300 group by 1
"""


@pytest.mark.slow
def test_a_ship_among_three_hundred_thousand() -> None:
    rule = presets()["telegraph"].rule
    who = nation(PHONES, GUESTS, busy=0.1)
    pings, own = hour_of_nation(who, HOUR), np.arange(GUESTS, dtype=np.uint32)
    ways = ways_of(own, in_memory({HOUR: guests_in(who, HOUR)}), [HOUR], size=PHONES)
    asked = question(ways, rule, phones=PHONES, own=own)
    index = cases_of(asked, HOUR)
    assert index is not None
    assert len(index.crowded) > 1_000
    found = merged([scan_hour(asked, HOUR, [pings], Desk(asked), index=index)], PHONES)
    with duckdb.connect() as db:
        db.register("pings", table(pings.take(np.flatnonzero(pings.phone >= GUESTS))))
        db.register("cases", table(pings.take(np.flatnonzero(pings.phone < GUESTS))))
        rows = db.execute(SQL).fetchnumpy()
    expected = np.zeros(PHONES, np.uint32)
    expected[rows["phone"]] = rows["n"]
    assert (expected > 0).sum() > 10_000
    assert np.array_equal(found, expected)


def table(pings: Pings) -> pyarrow.Table:
    """Cells of 3,100 by 2,800 micro-degrees are wider than 300 m anywhere in Taiwan."""
    bucket = (pings.second // 900).astype(np.int32)
    columns = {"phone": pings.phone, "bucket": bucket, "lon": pings.lon, "lat": pings.lat}
    return pyarrow.table({**columns, "x": pings.lon // 3_100, "y": pings.lat // 2_800})
