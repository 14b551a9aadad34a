"""Sharing out on the real day: what each method would have sold on 14 February 2020, how long it takes, how it grows.

    ./banyan bench allocation            three tables (2-4 minutes)
    ./banyan bench allocation --quick    without the 631,700 outlets and the integer programme
    python bench/allocation.py --plot docs/allocation-fill.svg    the curves of docs/allocation.md

1. The experiment of ../shared/field/supplies.md s5 again: demand modelled as censored sales x 1.5, five scenarios.
2. Back-test on what really happened: had each outlet got only half of what it had, what would it have sold with all?
   The truth is the real day, for every outlet, also for those that sold out.
   And a day held out: 3 March shared by what 14 February says.
3. Time and growth: 6,317 outlets of the real day, then copies of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _allocation_real import Real, read

from banyan.craft.allot import Asked, Shared, by_gain, fill, gini, lorenz
from banyan.craft.allot.demand import Observed, estimate
from banyan.craft.allot.marginal import expected
from banyan.craft.allot.moving import held_by_top
from banyan.craft.allot.solving import Costs, solve
from banyan.craft.chart import Chart, Series, draw

BOX, ROOM, FRIDAY = 50, 40, 4
NOTES = {"flat": 568_817, "fill": 732_059, "gain": 730_979, "LP": 732_059, "MILP": 724_823}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plot", default="")
    chosen = parser.parse_args()
    quick, real = chosen.quick, read("2020-02-14")
    if chosen.plot:
        plot(real, Path(chosen.plot))
        return
    print(f"14 February 2020: {len(real.codes):,} outlets, {len(real.times)} snapshots, {real.sold.sum():,} masks sold")
    print(f"the fullest tenth held {held_by_top(np.maximum(real.stock[:, -1], 0)):.0%} of what was left at 16:25\n")
    experiment(real, quick=quick)
    halved(real)
    another_day(real)
    growth(real, quick=quick)


def experiment(real: Real, *, quick: bool) -> None:
    """The notes' experiment: supply 80 % of the modelled demand."""
    sold, is_out = real.sold.sum(axis=1), (real.stock == 0).any(axis=1)
    demand = np.where(is_out, sold * 3 // 2, sold)
    random = np.random.default_rng(14)
    days = random.poisson(random.gamma(8.0, demand[None, :].repeat(5, axis=0) / 8.0)).astype(np.int64)
    supply = int(demand.sum() * 8 // 10)
    print(f"1. modelled demand {demand.sum():,}, supply {supply:,} masks, five scenarios")
    rows: list[tuple[str, float, float, Any]] = []

    def run(name: str, box: int, share: Callable[[Asked], np.ndarray]) -> None:
        one = asked(real, demand, box)
        boxes, spent = timed(lambda: share(one))
        fills = np.minimum(boxes * box, demand)
        rows.append((name, expected(boxes, days, box), spent, gini(fills, demand)))

    def flat(one: Asked) -> np.ndarray:
        size = len(one.codes)
        return fill(Asked(one.codes, np.ones(size, np.int64), one.floor, one.cap, one.box), supply // one.box).boxes

    run("flat, single masks", 1, flat)
    run("fill, single masks", 1, lambda one: fill(one, supply).boxes)
    run("flat, boxes of 50", BOX, flat)
    run("fill, boxes of 50", BOX, lambda one: fill(one, supply // BOX).boxes)
    run("gain, boxes of 50", BOX, lambda one: by_gain(one, days, supply // BOX).boxes)
    if not quick:
        run("HiGHS, boxes of 50", BOX, lambda one: solve(one, days, supply // BOX).boxes)
        run("HiGHS, a stop costs 20", BOX, lambda one: solve(one, days, supply // BOX, costs=Costs(stop=20)).boxes)
    show(("method", "expected sold", "of flat", "ms", "Gini of fill"), [
        (name, f"{worth:,.0f}", f"{worth / rows[0][1] - 1:+.1%}", f"{1000 * spent:.1f}", f"{uneven:.3f}")
        for name, worth, spent, uneven in rows
    ])  # fmt: skip
    print("   the notes' own run: " + ", ".join(f"{name} {worth:,}" for name, worth in NOTES.items()) + "\n")


def plot(real: Real, path: Path) -> None:
    """Lorenz curves: units that would be sold over what is asked for, same for all and by equal fill ratio."""
    sold = real.sold.sum(axis=1)
    demand = np.where((real.stock == 0).any(axis=1), sold * 3 // 2, sold)
    supply = int(demand.sum() * 8 // 10 // BOX)
    one, size = asked(real, demand, BOX), len(real.codes)
    even = Asked(one.codes, np.full(size, BOX), one.floor, one.cap, BOX)
    at = np.linspace(0, 1, 41)
    series = [Series("perfectly even", tuple(100 * at))]
    for name, shared in (("equal fill ratio", fill(one, supply)), ("the same for all", fill(even, supply))):
        curve = lorenz(np.minimum(shared.boxes * BOX, demand), demand)
        series.append(Series(name, tuple((100 * np.interp(at, curve.people, curve.units)).tolist())))
        told = [f"{part:.0%}: {np.interp(part, curve.people, curve.units):.1%}" for part in (0.1, 0.25, 0.5, 0.75)]
        print(name, *told)
    title = "Masks sold (%) against masks asked for (%), outlets with the lowest fill first, 14 February 2020"
    words = "Equal fill ratio lies near the even line; the same for all sags: outlets with many buyers get least."
    chart = Chart("line", title, words, tuple(f"{part:.0%}" for part in at), tuple(series))
    style = "<style>text{font:14px sans-serif;fill:#1b2a22}.grid{stroke:#d5d9d2}.path{fill:none;stroke-width:2.5}"
    for number, colour in enumerate(("#6d6a5a", "#14694c", "#b3541e")):
        style += f".path.series-{number}{{stroke:{colour}}}.mark.series-{number}{{fill:{colour}}}"
    drawn = draw(chart, ident="fill")
    head, _, rest = drawn.partition(">")
    path.write_text(f"{head}>{style}</style>{rest}\n", encoding="utf-8")


def halved(real: Real) -> None:
    """Back-test of the estimate: from a day cut short by half the stock to the whole day as it was."""
    first = np.array([row[row >= 0][0] for row in real.stock])
    rises = np.where((real.stock[:, :-1] >= 0) & (real.stock[:, 1:] >= 0), np.diff(real.stock, axis=1), 0)
    room = first + np.maximum(rises, 0).sum(axis=1)
    total, sold, seen = real.sold.sum(axis=1), real.sold.copy(), real.seen.copy()
    cumulated, half = np.cumsum(sold, axis=1), np.maximum(room // 2, 1)
    cut = np.flatnonzero(cumulated[:, -1] >= half)
    for row in cut:
        at = int(np.searchsorted(cumulated[row], half[row]))
        sold[row, at] -= cumulated[row, at] - half[row]
        sold[row, at + 1 :], seen[row, at + 1 :], seen[row, at] = 0, 0.0, 0.5
    found, spent = timed(lambda: estimate(observed(real, sold, seen)))
    seen_then, truth = sold.sum(axis=1)[cut], total[cut]
    guesses = {
        "what was sold": seen_then,
        "what was sold x 1.5": np.minimum(seen_then * 1.5, room[cut]),
        "all there was": room[cut],
        "the estimate": np.clip(found.expected[cut, FRIDAY], seen_then, room[cut]),
    }
    print(f"2. {len(cut):,} outlets would have sold out with half the stock; with all they sold {truth.sum():,}")
    show(("guess", "total", "of the truth", "mean error an outlet"), [
        (name, f"{guess.sum():,.0f}", f"{guess.sum() / truth.sum():.2f}", f"{np.abs(guess - truth).mean():.1f}")
        for name, guess in guesses.items()
    ])  # fmt: skip
    whole = estimate(observed(real, real.sold, real.seen))
    errors = np.median(whole.error[:, FRIDAY] / np.maximum(whole.expected[:, FRIDAY], 1e-9))
    print(
        f"   the estimate takes {1000 * spent:.0f} ms; dispersion {whole.dispersion:.1f}; {whole.unseen:.0%} of the day"
        f" unseen; expected {whole.expected[:, FRIDAY].sum():,.0f}; median standard error {errors:.0%}"
    )
    print()


def another_day(real: Real) -> None:
    """Held out: 3 March, when stock was ample (43 % of 14 February's hours had none), 10:02 to 11:23. A supply for part
    of what was sold then, shared by what 14 February alone says, single masks; sold as far as each outlet really sold.
    Only outlets with stock all through: their truth is known."""
    later = read("2020-03-03")
    place = {code: row for row, code in enumerate(later.codes)}
    known = [row for row, code in enumerate(real.codes) if code in place and (later.seen[place[code]] == 1).all()]
    truth = np.array([later.sold[place[real.codes[row]]].sum() for row in known], np.int64)
    found = estimate(observed(real, real.sold, real.seen))
    guesses = {
        "flat": np.full(len(known), 100),
        "fill by 14 Feb's sales": real.sold.sum(axis=1)[known],
        "fill by the estimate": np.rint(found.expected[known, FRIDAY]).astype(np.int64),
        "fill by the truth": truth,
    }
    print(f"   3 March, {len(known):,} outlets whose {truth.sum():,} masks sold in 81 minutes are the truth:")
    rows = []
    codes = tuple(real.codes[row] for row in known)
    for name, guess in guesses.items():
        size = len(known)
        one = Asked(codes, guess.astype(np.int64), np.zeros(size, np.int64), np.full(size, ROOM * BOX), 1)
        sold = [
            np.minimum(fill(one, int(truth.sum() * part)).boxes, truth).sum() / (truth.sum() * part)
            for part in (0.5, 0.8, 1.0)
        ]
        rows.append((name, *(f"{share:.1%}" for share in sold)))
    show(("sharing", "of half the supply sold", "of 80 %", "of all"), rows)
    print()


def growth(real: Real, *, quick: bool) -> None:
    """Copies of the real day's outlets."""
    whole = estimate(observed(real, real.sold, real.seen))
    demand = np.rint(whole.expected[:, FRIDAY]).astype(np.int64)
    rows = []
    for times in (1, 10) if quick else (1, 10, 100):
        size = len(demand) * times
        codes = tuple(f"{number:08d}" for number in range(size))
        wanted = np.tile(demand, times)
        one = Asked(codes, wanted, np.zeros(size, np.int64), np.full(size, ROOM), BOX)
        days = np.rint(wanted * np.array([0.4, 0.7, 1.0, 1.2, 1.7])[:, None]).astype(np.int64)
        supply = int(wanted.sum() * 8 // 10 // BOX)
        filling = best(partial(fill, one, supply), supply)
        gaining = best(partial(by_gain, one, days, supply), supply)
        rows.append((f"{size:,}", f"{1000 * filling:.1f}", f"{1000 * gaining:.1f}"))
    print("3. time, the best of three")
    show(("outlets", "fill, ms", "gain, ms"), rows)


def asked(real: Real, demand: np.ndarray, box: int) -> Asked:
    size = len(real.codes)
    return Asked(real.codes, demand, np.zeros(size, np.int64), np.full(size, ROOM * BOX // box), box)


def observed(real: Real, sold: np.ndarray, seen: np.ndarray) -> Observed:
    names = {town: place for place, town in enumerate(sorted(set(real.towns)))}
    size = len(real.codes)
    town = np.array([names[one] for one in real.towns])
    return Observed(size, town, np.arange(size), np.full(size, FRIDAY), sold, seen)


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    found = run()
    return found, time.perf_counter() - start


def best(run: Callable[[], Shared], supply: int) -> float:
    """Seconds, the best of three; the boxes are accounted for each time."""
    spent = []
    for _ in range(3):
        shared, took = timed(run)
        assert int(shared.boxes.sum()) + shared.left == supply, "boxes were lost"
        spent.append(took)
    return min(spent)


def show(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(str(row[place])) for row in (head, *rows)) for place in range(len(head))]
    for row in (head, *rows):
        print(
            "   "
            + "  ".join(
                str(cell).ljust(width) if place == 0 else str(cell).rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        )


if __name__ == "__main__":
    main()
