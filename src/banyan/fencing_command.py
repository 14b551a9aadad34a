"""`./banyan fence simulate`: masts in, the trade of false alarms for detection out, before anybody relies on it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from banyan.craft.chart import alone
from banyan.craft.chart import draw as drawn
from banyan.craft.fencing.roc import Measured, as_csv, as_json, generated_table, measured, picture
from banyan.craft.fencing.rule import EFS_2020
from banyan.craft.fencing.simulating import Setting
from banyan.errors import Invalid
from banyan.fence_replay import add_fence_replay_parser
from banyan.masts import sites_of

SHOWN_THRESHOLDS: Final = (4.0, 8.0)
NAMES: Final = {"fingerprint": "fingerprint", "geometric": "geometric", EFS_2020.name: "2 fixes (2020)"}


def add_fence_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fence = verbs.add_parser("fence", help="measure the electronic fence's rule, or replay recorded fixes")
    kinds = fence.add_subparsers(dest="kind", required=True, metavar="KIND")
    parser = kinds.add_parser("simulate", help="false alarms and detection of each rule", description=__doc__)
    parser.add_argument("--sites", type=Path, metavar="FILE", help="cells or masts (CSV, also .gz); left out: invented")
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE", help="only such rows of FILE")
    parser.add_argument("--box", default="", metavar="W,S,E,N", help="only masts in these degrees")
    parser.add_argument("--days", type=int, default=4, help="the first trains (4)")
    parser.add_argument("--phones", type=int, default=400, help="people at home (400)")
    parser.add_argument("--seed", type=int, default=2020, help="the same number, the same world (2020)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where roc.csv, roc.json and pictures go")
    parser.set_defaults(run=fence_command)
    add_fence_replay_parser(kinds)


def fence_command(options: argparse.Namespace) -> int:
    """Raises Invalid or Limit for input that cannot be simulated."""
    if options.seed < 0:
        raise Invalid.at("seed", "write 0 or more")
    setting = Setting(phones=options.phones, days=options.days, seed=options.seed)
    if options.sites is None:
        tables = [(name, generated_table(name, options.seed)) for name in ("urban", "rural")]
    else:
        tables = [(options.sites.name.split(".")[0], sites_of(options.sites, where=options.where, box=options.box))]
    results = [measured(table, name, setting) for name, table in tables]
    for result in results:
        print("\n".join(lines_of(result)))  # noqa: T201 - what the verb is for
    if options.out is not None:
        write(options.out, results)
        print(f"written to {options.out}")  # noqa: T201
    return 0


def lines_of(result: Measured) -> list[str]:
    setting = result.setting
    lines = [
        f"{result.name}: {result.sites} masts, neighbours {result.spacing_m:g} m, {setting.phones} phones x"
        f" {setting.days} days, seed {setting.seed}; error median {result.error_median_m:g} m,"
        f" p95 {result.error_p95_m:g} m; {result.cells_a_day:g} cells a day",
        f"  {'rule':<26} {'h':>4} {'FA/person-day':>13} {'/1,000':>8}  detected in 40 min (median minutes)",
    ]
    for curve in result.curves:
        for point in curve.points:
            if len(curve.points) > 1 and point.threshold not in SHOWN_THRESHOLDS:
                continue
            found = "  ".join(
                f"{one.distance_m:g} m {one.detected:.2f} ({'-' if one.minutes is None else format(one.minutes, 'g')})"
                for one in point.found
            )
            level = f"{point.threshold:g}" if len(curve.points) > 1 else ""
            lines.append(f"  {curve.rule:<26} {level:>4} {point.false_alarms:>13.3f} {point.per_1000:>8.1f}  {found}")
    return lines


def write(folder: Path, results: Sequence[Measured]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "roc.csv").write_text(as_csv(results), encoding="utf-8")
    (folder / "roc.json").write_bytes(as_json(results))
    for result in results:
        title = f"{result.name}: detection of 600 m by false alarms per 1,000 person-days"
        chart = picture(result, title=title, description=title, names=NAMES)
        svg = alone(drawn(chart, ident=f"roc-{result.name}"))
        (folder / f"roc-{result.name}.svg").write_text(svg, encoding="utf-8")
