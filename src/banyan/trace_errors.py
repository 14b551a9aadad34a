"""`./banyan trace errors`: masts in, how often each rule lists who was near and who was not, before it is used."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from banyan.craft.chart import alone, draw
from banyan.craft.fencing.roc import generated_table
from banyan.craft.tracing.erring import Erring, as_json, erring, picture
from banyan.masts import sites_of
from banyan.service.tracing.presets import presets

PAIRS: Final = 2_000
SHOWN: Final = (0.0, 100.0, 300.0, 500.0, 1_000.0, 2_000.0, 5_000.0)


def add_trace_errors_parser(kinds: Any) -> None:
    parser = kinds.add_parser(
        "errors", help="how often each rule lists who was near, and who was far", description=__doc__
    )
    parser.add_argument("--sites", type=Path, metavar="FILE", help="cells or masts (CSV, also .gz); left out: invented")
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE", help="only such rows of FILE")
    parser.add_argument("--box", default="", metavar="W,S,E,N", help="only masts in these degrees")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"pairs of people at each distance ({PAIRS})")
    parser.add_argument("--seed", type=int, default=2020, help="the same number, the same pairs (2020)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where errors.json and pictures go")
    parser.set_defaults(run=trace_errors)


def trace_errors(options: argparse.Namespace) -> int:
    """Raises Invalid for input that cannot be simulated."""
    if options.sites is None:
        tables = [(name, generated_table(name, 2020)) for name in ("urban", "rural")]
    else:
        tables = [(options.sites.name.split(".")[0], sites_of(options.sites, where=options.where, box=options.box))]
    rules = {name: one.rule for name, one in presets().items()}
    results = [erring(table, name, rules, pairs=options.pairs, seed=options.seed) for name, table in tables]
    for result in results:
        print("\n".join(lines_of(result)))  # noqa: T201 - what the verb is for
    if options.out is not None:
        write(options.out, results)
        print(f"written to {options.out}")  # noqa: T201
    return 0


def lines_of(result: Erring) -> list[str]:
    head = (
        f"{result.place}: {result.sites} masts, neighbours {result.spacing_m:g} m, error median {result.error_m:g} m;"
        f" {result.pairs} pairs, an hour together"
    )
    marks = "  ".join(f"{metres:>6,.0f} m" for metres in SHOWN)
    rows = [
        f"  {name:<12} " + "  ".join(f"{result.listed(name, metres):>8.2f}" for metres in SHOWN)
        for name in result.rules
    ]
    return [head, f"  {'listed at':<12} {marks}", *rows]


def write(folder: Path, results: list[Erring]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "errors.json").write_bytes(as_json(results))
    names = {name: one.title["en"] for name, one in presets().items()}
    for result in results:
        chart = picture(
            result,
            title=f"Who is listed: {result.place}",
            description="Share of pairs listed as contacts, by the metres that they were apart.",
            names=names,
        )
        text = alone(draw(chart, ident=f"errors-{result.place}"))
        (folder / f"errors-{result.place}.svg").write_text(text, "utf-8")
