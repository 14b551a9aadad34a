"""The spread a day starts with: log(actual / predicted) of adult masks on 14 February 2020, by horizon.

Row i belongs to horizon i of `curve.py`; column j is the value below which SHARES[j] of the outlets had sold
out (Kaplan-Meier), INF where fewer did while they were watched. Made from stock_series_2020-02-14.csv.gz by
`tests/service/supplies/forecast/test_backtest.py`, which also checks that it still comes out so.
"""

from __future__ import annotations

from typing import Final

INF: Final = float("inf")
SHARES: Final = tuple(0.05 * step for step in range(1, 20))
SPREAD: Final = (
    (0.07, 0.32, 0.64, 0.86, 1.03, 1.17, 1.37, 1.51, 1.70, 1.88, 2.07, 2.26, 2.54, 2.86, 3.35, 4.06, 4.62, 5.71, 6.21),
    (-0.57, -0.29, 0.04, 0.20, 0.38, 0.55, 0.73, 0.94, 1.15, 1.32, 1.52, 1.77, 2.08, 2.50, 3.11, 3.58, 3.95, 4.13, INF),
    (-0.61, -0.31, -0.06, 0.20, 0.39, 0.57, 0.72, 0.88, 1.05, 1.25, 1.43, 1.75, 2.25, 2.52, 2.73, 3.03, 3.23, INF, INF),
    (-0.70, -0.27, -0.04, 0.13, 0.34, 0.52, 0.73, 0.94, 1.26, 1.59, 1.79, 1.95, 2.08, 2.28, 2.43, 2.59, INF, INF, INF),
    (-0.82, -0.42, -0.10, 0.17, 0.50, 0.91, 1.11, 1.27, 1.39, 1.51, 1.60, 1.70, 1.78, 1.85, INF, INF, INF, INF, INF),
    (-0.99, -0.39, 0.22, 0.53, 0.70, 0.86, 1.01, 1.11, 1.16, INF, INF, INF, INF, INF, INF, INF, INF, INF, INF),
    (-2.51, -1.56, -0.99, -0.52, -0.10, 0.16, 0.36, 0.45, INF, INF, INF, INF, INF, INF, INF, INF, INF, INF, INF),
)
