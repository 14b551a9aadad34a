"""What a rule does in a simulated world: false alarms of those at home, detection of those who went, for a sweep of
thresholds. Each rule comes with its parameters; the rule of 2020 and its siblings stand beside ours.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.cells.model import Floats, Ints
from banyan.craft.fencing.radio import expected, nearest_sites
from banyan.craft.fencing.rule import GRAIN, PUBLISHED, SIBLINGS, DistanceRule, Rule, in_grains
from banyan.craft.fencing.simulating import FIXES_A_DAY, MINUTES_A_FIX, World

Bools = npt.NDArray[np.bool_]
THRESHOLDS: Final = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0)


class Found(msgspec.Struct, frozen=True):
    """Of one distance: the share detected in time, and the median of the minutes until then (at most: to the fix that
    told), None when nobody was."""

    distance_m: float
    detected: float
    minutes: float | None


class Point(msgspec.Struct, frozen=True):
    """One threshold of a rule."""

    threshold: float
    false_alarms: float
    """A person-day."""
    found: tuple[Found, ...]

    @property
    def per_1000(self) -> float:
        return 1000 * self.false_alarms

    def detected(self, distance_m: float) -> float:
        return next(one.detected for one in self.found if one.distance_m == distance_m)


class Curve(msgspec.Struct, frozen=True):
    """A rule and its points; a distance rule has one."""

    rule: str
    parameters: str
    points: tuple[Point, ...]


class GeometricRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ours beside the published one: what a cell means is taken from where it stands. At home a cell is as likely as
    training saw it, with `home_fixes` fixes' worth of what path loss says of the address; away it is what path loss
    says of points on `rings_m` around. So a far cell that also serves home weighs little, and one that nobody hears at
    home much, where the published rule gives each unseen cell the same. `scale_db`: logit's spread, 8 dB of shadowing
    (pi * scale / sqrt 6). `odd_home`, `odd_away`: shares of fixes that no geometry explains."""

    home_fixes: float = 6.0
    scale_db: float = 6.2
    rings_m: tuple[float, ...] = (400.0, 600.0, 900.0, 1400.0, 2200.0, 3400.0)
    odd_home: float = 0.05
    odd_away: float = 0.3
    odd_cells: float = 90.0
    least: float = -3.0
    most: float = 4.0
    drift: float = 0.0


GEOMETRIC: Final = GeometricRule()


def training_counts(world: World) -> Floats:
    """(phones x cells) fixes of the first day."""
    counts = np.zeros((world.setting.phones, len(world.table)))
    rows = np.repeat(np.arange(world.setting.phones), FIXES_A_DAY)
    np.add.at(counts, (rows, world.cells[:, :FIXES_A_DAY].ravel()), 1.0)
    return counts


def published_evidence(world: World, rule: Rule = PUBLISHED) -> Floats:
    """(phones x cells) what a fix adds, as `rule.evidence` says for one."""
    counts = training_counts(world)
    site = world.stations.site
    seen = np.zeros((len(counts), world.table.sites), np.bool_)
    rows, cells = np.nonzero(counts)
    seen[rows, site[cells]] = True
    total = counts.sum(axis=1) + rule.prior * ((counts > 0).sum(axis=1) + 1)
    unseen = rule.prior * np.where(seen[:, site], rule.other_sector, rule.other_site)
    share = np.where(counts > 0, counts + rule.prior, unseen) / total[:, None]
    weighed = np.clip(np.log(rule.away / share), rule.least, rule.most)
    return np.asarray(np.floor(weighed * GRAIN + 0.5) / GRAIN, np.float64)


def geometric_evidence(world: World, rule: GeometricRule = GEOMETRIC) -> Floats:
    """(phones x cells)."""
    counts = training_counts(world)
    home = _by_path_loss(world, world.x, world.y, rule.scale_db)
    away = np.zeros_like(home)
    turns = np.arange(8) * np.pi / 4
    for ring in rule.rings_m:
        for turn in turns:
            away += _by_path_loss(world, world.x + ring * np.sin(turn), world.y + ring * np.cos(turn), rule.scale_db)
    away /= len(rule.rings_m) * len(turns)
    at_home = (counts + rule.home_fixes * home) / (counts.sum(axis=1, keepdims=True) + rule.home_fixes)
    odd = 0.35 * (home + away) + 0.3 / rule.odd_cells  # steering goes to neighbours, overshoot anywhere
    at_home = (1 - rule.odd_home) * at_home + rule.odd_home * odd
    away = (1 - rule.odd_away) * away + rule.odd_away / rule.odd_cells
    weighed = np.clip(np.log(away / at_home), rule.least, rule.most)
    return np.asarray(np.floor(weighed * GRAIN + 0.5) / GRAIN, np.float64)


def _by_path_loss(world: World, x: Floats, y: Floats, scale_db: float) -> Floats:
    stations = world.stations
    sites = nearest_sites(stations, x, y, 30)
    cells = stations.by_site[sites].reshape(len(x), -1).astype(np.int64)
    level = expected(stations, cells, x, y) / scale_db
    share = np.exp(level - level.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    found = np.zeros((len(x), len(world.table)))
    np.put_along_axis(found, np.maximum(cells, 0), share, 1)
    return found


def score_curve(
    world: World, evidence: Floats, *, name: str, parameters: str, drift: float, clear: tuple[float, int] = (0.25, 2),
    thresholds: tuple[float, ...] = THRESHOLDS,
) -> Curve:  # fmt: skip
    """The CUSUM over (phones x cells) `evidence`, for each threshold. Cleared: `clear[1]` fixes in a row below
    `clear[0]` of the threshold; a new alarm before that is the same one."""
    phones = len(evidence)
    rows, levels = np.arange(phones), np.array(thresholds)[:, None]
    less = in_grains(drift)
    steps = world.cells.shape[1]
    scores = np.zeros((phones, steps))
    alarmed = np.zeros((len(thresholds), phones), np.bool_)
    low = np.zeros((len(thresholds), phones), np.int64)
    on = np.zeros((steps, len(thresholds), phones), np.bool_)
    false = np.zeros(len(thresholds))
    score = np.zeros(phones)
    for step in range(FIXES_A_DAY, steps):
        score = np.maximum(0.0, score + evidence[rows, world.cells[:, step]] - less)
        scores[:, step] = score
        up = ~alarmed & (score > levels)
        false += up.sum(axis=1)
        below = alarmed & (score < clear[0] * levels)
        low = np.where(below, low + 1, 0)
        alarmed = (alarmed | up) & (low < clear[1])
        on[step] = alarmed
    walked: dict[float, list[tuple[Ints, Bools]]] = {}
    for walk in world.walks:
        score = scores[rows, walk.after]
        first = np.full((len(thresholds), phones), -1, np.int32)
        for fix in range(world.setting.detect_fixes):
            score = np.maximum(0.0, score + evidence[rows, walk.cells[:, fix]] - less)
            first = np.where((first < 0) & (score > levels), fix, first)
        walked.setdefault(walk.distance_m, []).append((first, ~on[walk.after, :, rows].T))
    points = tuple(
        Point(
            threshold, round(float(false[place]) / world.person_days, 5),
            tuple(_found(distance, [(f[place], ok[place]) for f, ok in each]) for distance, each in walked.items()),
        )
        for place, threshold in enumerate(thresholds)
    )  # fmt: skip
    return Curve(name, parameters, points)


def distance_curve(world: World, rule: DistanceRule) -> Curve:
    """The rule of 2020 or a sibling. A fix's position is its mast; `calibrated` measures from training's middle."""
    shift = _calibrated(world) if rule.calibrated else world
    outside = shift.metres(world.cells) > rule.metres
    streak = np.zeros(outside.shape, np.int32)
    for step in range(1, outside.shape[1]):
        streak[:, step] = np.where(outside[:, step], streak[:, step - 1] + 1, 0)
    false = np.count_nonzero(streak[:, FIXES_A_DAY:] == rule.fixes) / world.person_days
    rows = np.arange(len(outside))
    walked: dict[float, list[tuple[Ints, Bools]]] = {}
    for walk in world.walks:
        before = streak[rows, walk.after]
        run, first = before.copy(), np.full(len(rows), -1, np.int32)
        away = shift.metres(walk.cells) > rule.metres
        for fix in range(world.setting.detect_fixes):
            run = np.where(away[:, fix], run + 1, 0)
            first = np.where((first < 0) & (run >= rule.fixes), fix, first)
        walked.setdefault(walk.distance_m, []).append((first, before < rule.fixes))
    found = tuple(_found(distance, each) for distance, each in walked.items())
    return Curve(rule.name, "", (Point(float(rule.fixes), round(float(false), 5), found),))


def _calibrated(world: World) -> World:
    masts = world.stations.site[world.cells[:, :FIXES_A_DAY]]
    x, y = (np.median(axis[masts], axis=1) for axis in (world.stations.x, world.stations.y))
    return msgspec.structs.replace(world, x=x, y=y)


def _found(distance: float, each: list[tuple[Ints, Bools]]) -> Found:
    first = np.concatenate([one[ok] for one, ok in each])
    told = first[first >= 0]
    minutes = float(np.median(told) + 1) * MINUTES_A_FIX if told.size else None
    return Found(distance, round(told.size / max(first.size, 1), 4), minutes)


def all_curves(world: World) -> tuple[Curve, ...]:
    """The published rule, the geometric one, and those of 2020."""
    return (
        score_curve(
            world, published_evidence(world), name="fingerprint", parameters=_text(PUBLISHED), drift=PUBLISHED.drift,
            clear=(PUBLISHED.clear_share, PUBLISHED.clear_times),
        ),
        score_curve(
            world, geometric_evidence(world), name="geometric", parameters=_text(GEOMETRIC), drift=GEOMETRIC.drift
        ),
        *(distance_curve(world, rule) for rule in SIBLINGS),
    )  # fmt: skip


def _text(rule: Rule | GeometricRule) -> str:
    return msgspec.json.encode(rule).decode()
