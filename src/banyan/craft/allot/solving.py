"""The best plan where stops, trips and kilometres cost something, in whole boxes, by HiGHS.

Where they cost nothing `marginal.py` finds the same optimum a thousand times faster (tests compare). Costs are in units
that must be sold for them: a stop of 20 is worth making for more than 20 masks. The answer does not depend on the
machine: one thread, a fixed seed, and bounds that are counted; one that runs out of time is refused, not used.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from banyan.craft.allot.model import Amounts, Asked, Counts
from banyan.errors import Unavailable
from banyan.limits_allocation import ALLOT_ARCS, ALLOT_NODES, ALLOT_SOLVER_S

NOTHING: Final = np.zeros(0, np.int64)
GAP: Final = 1e-4
"""Relative distance to the proven bound at which the search ends: 70 masks of 700,000."""


class Costs(msgspec.Struct, frozen=True):
    """`stop` of a delivery to an outlet, `trip` of a transfer between two, `km` of its way."""

    stop: float = 0.0
    trip: float = 0.0
    km: float = 0.0


class Ways(msgspec.Struct, frozen=True):
    """Pairs of outlets between which boxes may be carried, by their rows, with the way in km."""

    give: Counts = NOTHING
    take: Counts = NOTHING
    km: Amounts = np.zeros(0)


FREE: Final = Costs()
NO_WAYS: Final = Ways()


class Solved(msgspec.Struct, frozen=True):
    """`boxes` delivered by outlet, `carried` by way, units `sold` on the mean day less the costs (`worth`), and the gap
    to the proven bound."""

    boxes: Counts
    carried: Counts
    worth: float
    gap: float
    nodes: int


class _Columns(msgspec.Struct):
    """A model in the making: columns as (cost, upper, whole), rows as (lower, upper), entries as triples."""

    cost: list[Amounts] = []
    low: list[Amounts] = []
    high: list[Amounts] = []
    whole: list[Counts] = []
    row: list[Counts] = []
    column: list[Counts] = []
    value: list[Amounts] = []
    row_low: list[Amounts] = []
    row_high: list[Amounts] = []
    width: int = 0
    height: int = 0

    def columns(self, cost: Amounts, low: Amounts | Counts, high: Amounts | Counts, *, whole: bool) -> Counts:
        """New columns; their numbers."""
        self.cost.append(cost)
        self.low.append(np.asarray(low, np.float64))
        self.high.append(np.asarray(high, np.float64))
        self.whole.append(np.full(len(cost), int(whole), np.int64))
        self.width += len(cost)
        return np.arange(self.width - len(cost), self.width)

    def rows(self, count: int, low: float | Amounts, high: float | Amounts) -> Counts:
        """New rows; their numbers."""
        self.row_low.append(np.broadcast_to(np.asarray(low, np.float64), count))
        self.row_high.append(np.broadcast_to(np.asarray(high, np.float64), count))
        self.height += count
        return np.arange(self.height - count, self.height)

    def put(self, row: Counts, column: Counts, value: float | Amounts) -> None:
        self.row.append(row)
        self.column.append(column)
        self.value.append(np.broadcast_to(np.asarray(value, np.float64), len(row)))


def solve(
    asked: Asked,
    days: Counts,
    supply: int,
    *,
    stock: Counts = NOTHING,
    costs: Costs = FREE,
    ways: Ways = NO_WAYS,
) -> Solved:
    """Deliver at most `supply` boxes and carry along `ways`, so that most is sold for its costs. `days` as by_gain
    takes them, `stock`: units an outlet has already. Raises Unavailable when the bounds are met without an answer."""
    assert supply >= int(asked.floor.sum()), "the supply does not last for the floors"
    assert len(ways.km) <= ALLOT_ARCS, "too many ways"
    held = stock if len(stock) else np.zeros(len(asked.codes), np.int64)
    model = _Columns()
    boxes = model.columns(np.zeros(len(asked.codes)), asked.floor, asked.cap, whole=True)
    total = model.rows(1, -np.inf, float(supply))
    model.put(np.repeat(total, len(boxes)), boxes, 1.0)
    if costs.stop:
        visited = model.columns(np.full(len(boxes), -costs.stop), np.zeros(len(boxes)), np.ones(len(boxes)), whole=True)
        called = model.rows(len(boxes), -np.inf, 0.0)
        model.put(called, boxes, 1.0)
        model.put(called, visited, -asked.cap.astype(np.float64))
    levels = _levels(model, asked, days, held)
    model.put(levels, boxes, -1.0)
    carried = _ways(model, asked, held, levels, costs=costs, ways=ways)
    values, worth, gap, nodes = _run(model)
    worth += float(np.minimum(days, held % asked.box).mean(axis=0).sum())
    return Solved(_whole(values, boxes), _whole(values, carried), worth, gap, nodes)


def _levels(model: _Columns, asked: Asked, days: Counts, held: Counts) -> Counts:
    """Rows `sum of steps - delivered - brought + taken = boxes held`; a step's worth is what its box sells on the mean
    day. Steps sell ever less, so the best answer takes them in order by itself."""
    base, rest = held // asked.box, held % asked.box
    most = np.maximum(asked.cap, base)
    levels = model.rows(len(base), base.astype(np.float64), base.astype(np.float64))
    for step in range(int(most.max(initial=0))):
        rows = np.flatnonzero(most > step)
        start = step * asked.box + rest[rows]
        gain = np.clip(days[:, rows] - start, 0, asked.box).mean(axis=0)
        steps = model.columns(gain, np.zeros(len(rows)), np.ones(len(rows)), whole=False)
        model.put(levels[rows], steps, 1.0)
    return levels


def _ways(model: _Columns, asked: Asked, held: Counts, levels: Counts, *, costs: Costs, ways: Ways) -> Counts:
    """Boxes along each way: nobody gives more than there is, and a trip is paid once."""
    most = np.minimum(held[ways.give] // asked.box, asked.cap[ways.take]).astype(np.float64)
    carried = model.columns(-costs.km * ways.km, np.zeros(len(ways.km)), most, whole=True)
    model.put(levels[ways.give], carried, 1.0)
    model.put(levels[ways.take], carried, -1.0)
    if costs.trip and len(carried):
        trips = model.columns(np.full(len(carried), -costs.trip), np.zeros(len(most)), np.ones(len(most)), whole=True)
        rows = model.rows(len(carried), -np.inf, 0.0)
        model.put(rows, carried, 1.0)
        model.put(rows, trips, -most)
    return carried


def _run(model: _Columns) -> tuple[Amounts, float, float, int]:
    """Values, objective, gap and nodes of the solved model."""
    import highspy

    row, column = np.concatenate(model.row), np.concatenate(model.column)
    value = np.concatenate(model.value)
    order = np.lexsort((row, column))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_, lp.sense_ = model.width, model.height, highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = map(np.concatenate, (model.cost, model.low, model.high))
    lp.row_lower_, lp.row_upper_ = np.concatenate(model.row_low), np.concatenate(model.row_high)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=model.width))])
    lp.a_matrix_.index_ = row[order].astype(np.int32)
    lp.a_matrix_.value_ = value[order].astype(np.float64)
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[one] for one in np.concatenate(model.whole)]
    solver = highspy._Highs()  # type: ignore[attr-defined]  # Highs itself prints before it can be told not to
    options = {"output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": GAP, "mip_max_nodes": ALLOT_NODES}
    for name, chosen in (options | {"time_limit": ALLOT_SOLVER_S}).items():
        solver.setOptionValue(name, chosen)
    solver.passModel(lp)
    solver.run()
    status = solver.getModelStatus()
    ended = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit)
    info = solver.getInfo()
    if status not in ended or info.primal_solution_status != 2:
        raise Unavailable(
            f"The solver ended without a plan ({solver.modelStatusToString(status)}).",
            remedy="Share out by equal fill ratio, or for fewer outlets at once.",
        )
    gap = float(info.mip_gap) if np.isfinite(info.mip_gap) else 0.0
    return np.array(solver.getSolution().col_value), float(info.objective_function_value), gap, int(info.mip_node_count)


def _whole(values: Amounts, columns: Counts) -> Counts:
    return np.rint(values[columns]).astype(np.int64)
