"""The simulator: the same for the same seed, true to its parameters, and honest about the rules."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.make import shared_data

from banyan.cli import main
from banyan.craft.cells import cell_table
from banyan.craft.cells.generating import Cover, generated
from banyan.craft.chart import draw as drawn
from banyan.craft.fencing import measuring, roc
from banyan.craft.fencing.measuring import distance_curve, published_evidence, score_curve
from banyan.craft.fencing.radio import Radio, expected, nearest_sites, places_at, served, stations_of
from banyan.craft.fencing.rule import EFS_2020, PUBLISHED, DistanceRule, Fingerprint, distance_alarms, evidence
from banyan.craft.fencing.simulating import FIXES_A_DAY, Setting, World, draw
from banyan.errors import Invalid, Limit

TABLE = generated([Cover(121.54, 25.03, 2.0)], seed=3)
SMALL = Setting(phones=40, days=3, walks=1, distances_m=(600.0, 3000.0))


@pytest.fixture(scope="module")
def world() -> World:
    return draw(TABLE, SMALL)


def test_the_same_seed_draws_the_same_world(world: World) -> None:
    again, other = draw(TABLE, SMALL), draw(TABLE, Setting(phones=40, days=3, seed=1, walks=1))
    assert np.array_equal(again.cells, world.cells)
    assert not np.array_equal(other.cells, world.cells)


def test_without_chance_the_best_cell_serves() -> None:
    quiet = Radio(steady=0, slow=0, fast=0, steered=0, overshot=0)
    stations, dice = stations_of(TABLE), np.random.default_rng(1)
    x, y = np.array([0.0, 300.0]), np.array([0.0, -200.0])
    places = places_at(stations, x, y, quiet, dice)
    cells = served(places, 3, quiet, dice)
    every = expected(stations, np.tile(np.arange(len(TABLE)), (2, 1)), x, y)
    assert cells.tolist() == [[one] * 3 for one in every.argmax(axis=1)]


def test_levels_fall_with_distance_and_behind_a_sector() -> None:
    table = cell_table(["466-92-1-1", "466-92-1-2"], [121.0, 121.0], [25.0, 25.0], azimuth=[0, 180], site=[0, 0])
    stations = stations_of(table)
    x, y = np.array([0.0, 0.0]), np.array([100.0, 1000.0])
    level = expected(stations, np.array([[0, 1], [0, 1]]), x, y)
    assert level[0, 0] - level[1, 0] == pytest.approx(37.6)
    assert level[0, 0] - level[0, 1] == pytest.approx(20.0)


def test_the_nearest_sites_are_those_of_looking_at_all() -> None:
    stations = stations_of(TABLE)
    dice = np.random.default_rng(2)
    x, y = dice.uniform(-4000, 4000, (2, 20))
    apart = np.hypot(stations.x - x[:, None], stations.y - y[:, None])
    assert np.array_equal(nearest_sites(stations, x, y, 7), np.argsort(apart, axis=1)[:, :7])


def test_evidence_of_all_at_once_is_that_of_the_rule_for_one(world: World) -> None:
    table = published_evidence(world)
    site = world.stations.site
    for phone in (0, 17, 39):
        home = Fingerprint([], [], [])
        for cell in world.cells[phone, :FIXES_A_DAY].tolist():
            home.learn(cell, int(site[cell]))
        own = [evidence(PUBLISHED, home, cell, int(site[cell])) for cell in range(len(TABLE))]
        assert table[phone].tolist() == own


def test_false_alarms_of_the_2020_rule_are_those_of_one_phone_after_another(world: World) -> None:
    metres = world.metres(world.cells)
    alarms = [place for row in metres.tolist() for place in distance_alarms(EFS_2020, row) if place >= FIXES_A_DAY]
    assert distance_curve(world, EFS_2020).points[0].false_alarms == pytest.approx(
        len(alarms) / world.person_days, abs=1e-5
    )


def test_a_higher_threshold_never_detects_more(world: World) -> None:
    points = score_curve(world, published_evidence(world), name="x", parameters="", drift=0.2).points
    for distance in SMALL.distances_m:
        detected = [one.detected(distance) for one in points]
        assert all(later <= before + 0.08 for before, later in pairwise(detected))
    assert points[0].false_alarms > points[-1].false_alarms
    assert points[3].detected(3000.0) > 0.8


def test_the_fingerprint_is_quieter_than_the_rule_of_2020(world: World) -> None:
    result = {one.rule: one for one in measuring.all_curves(world)}
    own = next(one for one in result["fingerprint"].points if one.threshold == PUBLISHED.h2)
    old = result[EFS_2020.name].points[0]
    assert own.false_alarms < old.false_alarms / 3
    assert own.detected(600.0) > old.detected(600.0)
    assert result[DistanceRule(1).name].points[0].false_alarms > old.false_alarms


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        (Setting(phones=0), Invalid),
        (Setting(days=1), Invalid),
        (Setting(days=10_000), Invalid),
        (Setting(phones=10**9), Invalid),
    ],
)
def test_settings_that_cannot_be_are_named(setting: Setting, error: type[Exception]) -> None:
    with pytest.raises(error):
        draw(TABLE, setting)


def test_too_many_or_too_few_masts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid, match="5 masts"):
        draw(cell_table(["466-92-1-1"], [121], [25]), SMALL)
    monkeypatch.setattr("banyan.craft.fencing.simulating.FENCE_SITES_SIMULATED", 10)
    with pytest.raises(Limit, match="FENCE_SITES_SIMULATED"):
        draw(TABLE, SMALL)


def test_what_is_shipped_is_whole_and_can_be_drawn() -> None:
    results = roc.shipped()
    assert [one.name for one in results] == ["urban", "rural"]
    for one in results:
        names = {"fingerprint": "指紋", EFS_2020.name: "2020"}
        svg = drawn(roc.picture(one, title="t", description="d", names=names), ident="x")
        assert svg.count("<path") == 2
        assert 'd=""' not in svg
    assert roc.read_json(roc.as_json(results)) == list(results)


def test_the_verb_writes_a_table_a_document_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sites = tmp_path / "masts.csv"
    lon, lat = TABLE.site_points()
    rows = "\n".join(f"A,{x},{y}" for x, y in zip(lon.tolist(), lat.tolist(), strict=True))
    sites.write_text(f"company,lon,lat\n{rows}\nB,1,1\n")
    out = tmp_path / "out"
    arguments = ["fence", "simulate", "--sites", str(sites), "--where", "company=A", "--phones", "10", "--days", "2"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert "fingerprint" in capsys.readouterr().out
    assert json.loads((out / "roc.json").read_text())[0]["sites"] == TABLE.sites
    assert (out / "roc.csv").read_text().startswith("world,rule,threshold,false_alarms_per_person_day")
    assert (out / "roc-masts.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    "more", [["--box", "1,2,3"], ["--box", "0,0,1,1"], ["--where", "company"], ["--phones", "0"], ["--seed", "-1"], []]
)
def test_bad_input_ends_with_one_sentence(more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sites = tmp_path / "masts.csv"
    sites.write_text("company,lon,lat\nA,121,25\n")
    assert main(["fence", "simulate", "--sites", str(sites), *more]) == 2
    assert capsys.readouterr().err.startswith("banyan: ")


@pytest.mark.slow
def test_real_masts_of_tel_aviv_meet_the_published_trade() -> None:
    from banyan.fencing_command import sites_of

    path = shared_data("tracing/cells/israel_cell_sites.csv.gz")
    table = sites_of(path, where=["company=P.H.I"], box="34.75,31.95,34.88,32.15")
    point = next(
        one
        for one in roc.measured(table, "urban", Setting()).curve("fingerprint").points
        if one.threshold == PUBLISHED.h2
    )
    assert point.false_alarms <= 0.06
    assert point.detected(600.0) >= 0.8
