"""The quality of a dataset and of every agency's datasets, as operations."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage import Tx
from banyan.limits import QUALITY_BOARD_PROBLEMS, QUALITY_KEPT
from banyan.service.opendata import registry
from banyan.service.opendata.model import Check, Dataset, Quality
from banyan.service.opendata.quality import mqa
from banyan.service.opendata.quality.explain import Advice, both, explain
from banyan.service.opendata.quality.measure import SQL, measure
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.wording import unknown


class QualityQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One dataset by name or id."""

    name: str


class Dimension(msgspec.Struct, frozen=True):
    """One of the MQA's five dimensions: points of at most `of`."""

    code: str
    title: dict[str, str]
    points: float
    of: int


class Past(msgspec.Struct, frozen=True):
    at: EpochS
    mqa_score: int
    medal: str


class QualityReport(msgspec.Struct, frozen=True):
    """The newest report with what it means. `advice` lists what is missing, most points first."""

    dataset: str
    title: str
    quality: Quality
    dimensions: tuple[Dimension, ...]
    advice: tuple[Advice, ...]
    medal_note: dict[str, str]
    history: tuple[Past, ...]
    titles: dict[str, dict[str, str]]
    """Of every check in the report, by its code."""


class Problem(msgspec.Struct, frozen=True):
    """A failed check: in how many datasets, in how many cells."""

    code: str
    title: dict[str, str]
    datasets: int
    cells: int


class Day(msgspec.Struct, frozen=True):
    day: str
    datasets: int
    mqa: float
    medals: int


class AgencyQuality(msgspec.Struct, frozen=True):
    """How one agency's datasets stand. An empty `name` holds the datasets without an agency."""

    name: str
    title: str
    title_en: str
    datasets: int
    measured: int
    mqa_mean: float
    platinum: int
    gold: int
    silver: int
    bronze: int
    problems: tuple[Problem, ...]
    trend: tuple[Day, ...]


class Low(msgspec.Struct, frozen=True):
    """A dataset that needs work."""

    name: str
    title: str
    mqa_score: int
    medal: str


class Board(msgspec.Struct, frozen=True):
    datasets: int
    measured: int
    mqa_mean: float
    agencies: tuple[AgencyQuality, ...]
    problems: tuple[Problem, ...]
    lowest: tuple[Low, ...]
    medal_note: dict[str, str]


class BoardQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole board."""


@SERVICE.operation(
    "quality",
    title={"zh-Hant": "資料品質報告", "en": "Quality report"},
    summary={
        "zh-Hant": "七項指標與獎章、歐盟 MQA 405 分與內容檢查，各附證據與改善方法。",
        "en": "The seven indicators, the EU's MQA of 405 points and content checks, with evidence and advice.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/quality/{name}",
    keys=("品質", "quality"),
)
async def quality(ctx: Context, request: QualityQuery) -> QualityReport:
    """Measures at once when the dataset never was (links are then not yet known). Raises NotFound."""
    dataset, series = await ctx.db.sql.read(lambda tx: _series(tx, request.name))
    if dataset is None or not (dataset.is_public or ctx.caller.may_write):
        raise unknown("dataset", request.name)
    newest = series[0] if series else await measure(ctx, dataset.id, may_look=False)
    if newest is None:
        raise unknown("dataset", request.name)
    return QualityReport(
        dataset=dataset.name,
        title=dataset.title,
        quality=newest,
        dimensions=_dimensions(newest),
        advice=explain(newest),
        medal_note=both("medal.note"),
        history=tuple(Past(one.at, one.mqa_score, one.medal) for one in reversed(series)),
        titles={check.code: both(f"check.{check.code}.title") for check in _checks(newest)},
    )


def _checks(report: Quality) -> tuple[Check, ...]:
    return (*report.indicators, *report.mqa, *report.content)


def _series(tx: Tx, name: str) -> tuple[Dataset | None, list[Quality]]:
    dataset = registry.dataset_by(tx, name)
    return dataset, registry.quality_series(tx, dataset.id, limit=QUALITY_KEPT) if dataset else []


def _dimensions(report: Quality) -> tuple[Dimension, ...]:
    points = {check.code: check.points for check in report.mqa}
    return tuple(
        Dimension(
            code,
            both(f"dimension.{code}"),
            round(sum(points.get(metric, 0) for metric in metrics), 2),
            sum(mqa.WEIGHTS[metric] for metric in metrics),
        )
        for code, metrics in mqa.DIMENSIONS.items()
    )


@SERVICE.operation(
    "quality_board",
    title={"zh-Hant": "資料品質看板", "en": "Quality board"},
    summary={
        "zh-Hant": "各機關的獎章、MQA 平均、最常見的問題與趨勢。",
        "en": "Each agency's medals, mean MQA score, commonest problems and trend.",
    },
    data=OPEN,
    audience="public",
    keys=("品質看板", "quality board"),
)
async def quality_board(ctx: Context, request: BoardQuery) -> Board:
    return await ctx.db.sql.read_long(lambda tx: _board(tx, ctx.now))


def _board(tx: Tx, now: EpochS) -> Board:
    problems: dict[str, list[Problem]] = {}
    for agency_id, code, datasets, cells in tx.rows(SQL["board_problems"]):
        problems.setdefault(str(agency_id), []).append(_problem(str(code), int(datasets or 0), int(cells or 0)))
    trend: dict[str, list[Day]] = {}
    for agency_id, day, datasets, mean, medals in tx.rows(SQL["days"], since=iso(EpochS(now - 90 * 86_400))[:10]):
        one = Day(str(day), int(datasets or 0), round(float(mean or 0), 1), int(medals or 0))
        trend.setdefault(str(agency_id), []).append(one)
    agencies = [_agency(tx, row, problems, trend) for row in tx.rows(SQL["board"])]
    measured = sum(one.measured for one in agencies)
    total = sum(one.mqa_mean * one.measured for one in agencies)
    lowest = tx.rows(SQL["worst"], limit=QUALITY_BOARD_PROBLEMS)
    return Board(
        datasets=sum(one.datasets for one in agencies),
        measured=measured,
        mqa_mean=round(total / measured, 1) if measured else 0,
        agencies=tuple(sorted(agencies, key=lambda one: (-one.mqa_mean, one.title))),
        problems=_summed(problems),
        lowest=tuple(Low(str(name), str(title), int(points or 0), str(medal)) for name, title, points, medal in lowest),
        medal_note=both("medal.note"),
    )


def _agency(
    tx: Tx, row: tuple[object, ...], problems: dict[str, list[Problem]], trend: dict[str, list[Day]]
) -> AgencyQuality:
    agency_id = str(row[0])
    agency = registry.agency_by(tx, agency_id) if agency_id else None
    datasets, measured, platinum, gold, silver, bronze = (int(str(count)) for count in (*row[1:3], *row[4:8]))
    return AgencyQuality(
        name=agency.name if agency else "",
        title=agency.title if agency else "",
        title_en=agency.title_en if agency else "",
        datasets=datasets,
        measured=measured,
        mqa_mean=round(float(str(row[3])), 1),
        platinum=platinum,
        gold=gold,
        silver=silver,
        bronze=bronze,
        problems=tuple(problems.get(agency_id, ())[:QUALITY_BOARD_PROBLEMS]),
        trend=tuple(trend.get(agency_id, ())),
    )


def _problem(code: str, datasets: int, cells: int) -> Problem:
    return Problem(code, both(f"check.{code}.title"), datasets, cells)


def _summed(problems: dict[str, list[Problem]]) -> tuple[Problem, ...]:
    """Over all agencies, the most common first."""
    sums: dict[str, tuple[int, int]] = {}
    for one in (one for found in problems.values() for one in found):
        datasets, cells = sums.get(one.code, (0, 0))
        sums[one.code] = (datasets + one.datasets, cells + one.cells)
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    return tuple(_problem(code, *counts) for code, counts in ordered[:QUALITY_BOARD_PROBLEMS])
