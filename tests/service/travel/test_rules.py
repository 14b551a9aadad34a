"""The rules as data: the sequence of 2020 on its days, and properties that hold for any rule and any stays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.limits_travel import TRAVEL_WINDOW
from banyan.service.travel.rules import Mark, Rule, Stay, day_of, is_within, kept, marks_on, published

PUBLISHED = published()
AREAS = ("CN", "CN-HB", "CN-HB-WUH", "CN-GD", "HK", "JP", "IT", "TW-SHM", "XA")
DAYS = st.dates(date(2020, 1, 1), date(2020, 6, 30))
STAYS = st.lists(st.builds(Stay, st.sampled_from(AREAS), DAYS, st.booleans()), max_size=6)
RULES = st.builds(
    Rule, id=st.just("r"), zh=st.just("z"), en=st.just("e"),
    areas=st.lists(st.sampled_from(AREAS), min_size=1, max_size=3).map(tuple), since=DAYS,
    days=st.integers(1, TRAVEL_WINDOW), until=st.none() | DAYS, after_days=st.integers(0, 30),
    left_since=st.none() | DAYS, routes=st.sampled_from(("direct", "any")),
)  # fmt: skip


def told(area: str, left: str, day: str, *, is_direct: bool = True) -> list[str]:
    stays = [Stay(area, date.fromisoformat(left), is_direct)]
    return [f"{one.rule} {one.state}" for one in marks_on(stays, PUBLISHED, date.fromisoformat(day))]


@pytest.mark.parametrize(
    ("area", "left", "day", "wanted"),
    [
        ("CN-HB-WUH", "2020-01-13", "2020-01-27", ["2020-wuhan now"]),
        ("CN-HB-WUH", "2020-01-12", "2020-01-26", []),
        ("CN-HB-WUH", "2020-01-20", "2020-01-26", []),
        ("CN-HB-YIC", "2020-01-20", "2020-01-27", []),
        ("CN-HB-YIC", "2020-01-20", "2020-01-31", ["2020-hubei now"]),
        ("CN-HB-WUH", "2020-01-13", "2020-04-14", ["2020-hubei now"]),
        ("CN-HB-WUH", "2020-01-13", "2020-04-15", []),
        ("CN-GD", "2020-02-01", "2020-02-03", []),
        ("CN-GD", "2020-02-01", "2020-02-15", ["2020-china-third now"]),
        ("CN-GD", "2020-02-01", "2020-02-16", []),
        ("KR", "2020-02-19", "2020-02-20", ["2020-korea now"]),
        ("IT", "2020-03-18", "2020-04-17", ["2020-thirty now"]),
        ("IT", "2020-03-18", "2020-04-18", []),
        ("FR", "2020-03-18", "2020-03-19", []),
        ("TW-SHM", "2021-05-17", "2021-05-31", ["2021-self-health now"]),
        ("TW-SHM", "2021-05-17", "2021-06-01", ["2021-self-health was"]),
        ("TW-SHM", "2021-05-17", "2021-06-16", ["2021-self-health was"]),
        ("TW-SHM", "2021-05-17", "2021-06-17", []),
        ("XA", "2020-03-18", "2020-03-19", []),
    ],
)
def test_the_sequence_of_2020(area: str, left: str, day: str, wanted: list[str]) -> None:
    assert told(area, left, day) == wanted


def test_a_third_country_counts_from_the_day_it_did() -> None:
    assert told("HK", "2020-02-10", "2020-02-13") == ["2020-china now"]
    assert told("HK", "2020-02-10", "2020-02-13", is_direct=False) == []
    assert told("HK", "2020-02-10", "2020-02-14", is_direct=False) == ["2020-china-third now"]


def test_every_rule_says_whence_it_is_and_two_days_were_seen() -> None:
    assert all(one.cite and one.until for one in PUBLISHED)
    assert [one.id for one in PUBLISHED if one.dated == "seen"] == ["2020-wuhan", "2021-self-health"]
    assert len({one.id for one in PUBLISHED}) == len(PUBLISHED)
    assert [one.since for one in PUBLISHED] == sorted(one.since for one in PUBLISHED)


def test_areas_are_paths_and_not_prefixes() -> None:
    assert is_within("CN-HB-WUH", "CN-HB")
    assert is_within("CN", "CN")
    assert not is_within("CN", "CN-HB")
    assert not is_within("CN-HBX", "CN-HB")


def test_a_day_is_taiwans() -> None:
    assert day_of(1_580_054_399.0) == date(2020, 1, 26)
    assert day_of(1_580_054_400.0) == date(2020, 1, 27)


@given(STAYS, RULES, DAYS)
def test_a_mark_is_of_a_stay_that_counts_and_of_today(stays: list[Stay], rule: Rule, day: date) -> None:
    for mark in marks_on(stays, [rule], day):
        assert rule.since <= day
        assert rule.until is None or day <= rule.until
        assert mark.start <= day
        assert (mark.end - mark.start).days == rule.days
        assert (day <= mark.end) == (mark.state == "now")
        assert (day - mark.end).days <= rule.after_days
        assert any(stay.until == mark.start and any(is_within(stay.area, one) for one in rule.areas) for stay in stays)


@given(STAYS, RULES, DAYS)
def test_a_day_by_day_count_agrees(stays: list[Stay], rule: Rule, day: date) -> None:
    """The same by counting days one by one."""
    best = None
    for stay in stays:
        fits = any(stay.area == one or stay.area.startswith(f"{one}-") for one in rule.areas)
        fits = fits and not (rule.routes == "direct" and not stay.is_direct)
        fits = fits and not (rule.left_since and stay.until < rule.left_since)
        days = [stay.until + timedelta(days=n) for n in range(rule.days + rule.after_days + 1)]
        if fits and stay.until <= day and (best is None or stay.until > best):
            best = stay.until
            is_told = day in days
    speaks = rule.since <= day and (rule.until is None or day <= rule.until)
    assert bool(marks_on(stays, [rule], day)) == (speaks and best is not None and is_told)


@given(STAYS, st.lists(RULES, max_size=3), DAYS)
def test_the_order_of_stays_does_not_matter_and_twice_is_once(stays: list[Stay], rules: list[Rule], day: date) -> None:
    assert marks_on(stays, rules, day) == marks_on([*reversed(stays), *stays], rules, day)


@given(STAYS, RULES, DAYS)
def test_what_is_dropped_is_never_told_again(stays: list[Stay], rule: Rule, day: date) -> None:
    assert marks_on(kept(stays, day), [rule], day) == marks_on(stays, [rule], day)


def test_what_is_over_comes_last() -> None:
    day = date(2021, 6, 5)
    long = Rule("long", "長", "long", ("JP",), date(2021, 1, 1), 30)
    stays = [Stay("TW-SHM", date(2021, 5, 17)), Stay("JP", date(2021, 5, 10))]
    found = marks_on(stays, [*PUBLISHED, long], day)
    assert [(one.rule, one.state) for one in found] == [("long", "now"), ("2021-self-health", "was")]
    assert isinstance(found[0], Mark)
