"""The rules as data: the sequence of 2020 on its days, and properties that hold for any rule and any stays."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.limits_travel import TRAVEL_WINDOW
from banyan.service.travel.border import asked_of, measures
from banyan.service.travel.citing import sources
from banyan.service.travel.rules import Mark, Rule, Stay, day_of, is_within, kept, marks_on, published
from banyan.service.travel.ruling import to_fill

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
        ("CN-HB-WUH", "2020-01-20", "2020-01-26", []),
        ("CN-HB-WUH", "2020-01-13", "2020-01-27", ["2020-wuhan now"]),
        ("CN-HB-WUH", "2020-01-12", "2020-01-27", []),
        ("CN-HB-YIC", "2020-01-20", "2020-01-27", []),
        ("CN-HB-YIC", "2020-01-20", "2020-01-28", ["2020-hubei now"]),
        ("CN-HB-WUH", "2020-01-20", "2020-01-29", ["2020-hubei now"]),
        ("CN-HB-WUH", "2020-01-20", "2020-02-03", ["2020-china now", "2020-hubei now"]),
        ("CN-GD", "2020-01-28", "2020-01-29", []),
        ("CN-GD", "2020-01-28", "2020-01-30", ["2020-china now"]),
        ("MO", "2020-01-28", "2020-01-29", []),
        ("MO", "2020-01-28", "2020-01-30", ["2020-china now"]),
        ("CN-GD", "2020-01-30", "2020-02-15", ["2020-third now"]),
        ("SG", "2020-02-10", "2020-02-13", []),
        ("SG", "2020-02-10", "2020-02-14", ["2020-singapore now"]),
        ("TH", "2020-01-31", "2020-02-14", ["2020-thailand now"]),
        ("TH", "2020-01-30", "2020-02-14", []),
        ("TH", "2020-01-30", "2020-02-16", ["2020-third now"]),
        ("JP", "2020-02-19", "2020-02-20", []),
        ("JP", "2020-02-19", "2020-02-21", ["2020-japan now"]),
        ("JP", "2020-01-07", "2020-02-21", []),
        ("KR", "2020-02-01", "2020-02-26", ["2020-korea now"]),
        ("IR", "2020-02-20", "2020-02-23", []),
        ("IR", "2020-02-20", "2020-02-24", ["2020-iran now"]),
        ("IT", "2020-02-20", "2020-02-24", ["2020-italy now"]),
        ("US-NY", "2020-02-20", "2020-02-26", []),
        ("US-NY", "2020-02-20", "2020-02-27", ["2020-every now"]),
        ("FR", "2020-03-18", "2020-04-17", ["2020-every now"]),
        ("FR", "2020-03-18", "2020-04-18", []),
        ("TW-SHM", "2020-03-18", "2020-03-19", []),
        ("TW-SHM", "2021-05-17", "2021-05-31", ["2021-self-health now"]),
        ("TW-SHM", "2021-05-17", "2021-06-01", ["2021-self-health was"]),
        ("TW-SHM", "2021-05-17", "2021-06-17", []),
    ],
)
def test_the_sequence_of_2020(area: str, left: str, day: str, wanted: list[str]) -> None:
    assert told(area, left, day) == wanted


def test_each_rule_is_read_on_its_first_and_last_day_and_on_no_other() -> None:
    for one in PUBLISHED:
        assert one.until is not None
        area = "FR" if one.areas == ("*",) else one.areas[0]

        def spoken(day: date, rule: Rule = one, area: str = area) -> bool:
            stays = [Stay(area, max(day - timedelta(days=1), rule.left_since or date.min))]
            return any(mark.rule == rule.id and mark.state == "now" for mark in marks_on(stays, PUBLISHED, day))

        assert (spoken(one.since), spoken(one.until)) == (True, True), one.id
        assert not spoken(one.since - timedelta(days=1)), one.id
        assert not spoken(one.until + timedelta(days=1)), one.id


def test_a_third_country_counts_from_the_day_it_did() -> None:
    assert told("HK", "2020-02-10", "2020-02-14") == ["2020-china now"]
    assert told("HK", "2020-02-10", "2020-02-14", is_direct=False) == []
    assert told("HK", "2020-02-10", "2020-02-15", is_direct=False) == ["2020-third now"]


def test_every_rule_says_whence_it_is_and_which_days_were_not_found() -> None:
    assert all(one.cite and one.until for one in PUBLISHED)
    assert all("https://" in one.cite for one in PUBLISHED)
    assert [one.id for one in PUBLISHED if one.dated != "seen"] == ["2020-iran", "2020-italy"]
    assert all(bool(one.inferred_zh and one.inferred_en) == (one.dated == "inferred") for one in PUBLISHED)
    assert len({one.id for one in PUBLISHED}) == len(PUBLISHED)
    assert [one.since for one in PUBLISHED] == sorted(one.since for one in PUBLISHED)


def test_a_corrected_source_is_taken_over_and_what_an_agency_wrote_is_not() -> None:
    old = msgspec.structs.replace(PUBLISHED[2], since=date(2020, 2, 4))
    assert to_fill([]) == list(PUBLISHED)
    assert to_fill([(one, "") for one in PUBLISHED]) == []
    rest = [(one, "") for one in PUBLISHED if one.id != old.id]
    assert to_fill([(old, ""), *rest]) == [PUBLISHED[2]]
    assert to_fill([(old, "TW/GOV/CDC"), *rest]) == []


def test_a_source_is_shown_as_its_words_and_its_addresses_as_links() -> None:
    words, links = sources("Smith 2020, by 蘋果, https://a.example/x?y=1; and more; https://b.example/z")
    assert words == "Smith 2020, by 蘋果; and more"
    assert [one.host for one in links] == ["a.example", "b.example"]
    assert links[0].url == "https://a.example/x?y=1"
    assert all(sources(one.cite)[1] and "://" not in sources(one.cite)[0] for one in (*PUBLISHED, *measures()))


@pytest.mark.parametrize(
    ("area", "day", "wanted"),
    [
        ("CN-GD", "2020-02-01", []),
        ("CN-GD", "2020-02-02", ["guangdong-quarantine"]),
        ("CN-GD", "2020-02-06", ["china-no-entry", "china-quarantine"]),
        ("HK", "2020-02-10", ["china-quarantine"]),
        ("HK", "2020-02-11", ["china-quarantine", "hong-kong-no-entry"]),
        ("KR", "2020-02-23", []),
        ("KR", "2020-02-24", ["korea-level-3"]),
        ("KR", "2020-02-25", ["korea-level-3", "korea-quarantine"]),
        ("IT", "2020-02-23", []),
        ("IT", "2020-02-26", ["five-self-health"]),
        ("IT", "2020-02-28", ["five-self-health", "italy-level-3", "italy-quarantine"]),
        ("IR", "2020-03-02", ["five-self-health", "iran-level-3", "iran-quarantine"]),
        ("FR", "2020-03-13", []),
        ("FR", "2020-03-14", ["schengen-quarantine"]),
        ("FR", "2020-03-17", ["schengen-level-3", "schengen-quarantine"]),
        ("TR", "2020-03-16", []),
        ("TR", "2020-03-17", ["east-level-3", "east-quarantine"]),
        ("JP", "2020-03-17", ["asia-quarantine", "five-self-health"]),
        ("US-NY", "2020-03-16", []),
        ("US-NY", "2020-03-17", ["asia-quarantine"]),
        ("US-TX", "2020-03-18", []),
        ("US-TX", "2020-03-19", ["america-level-3", "every-quarantine"]),
        ("BR", "2020-03-20", ["every-quarantine"]),
        ("BR", "2020-03-21", ["every-level-3", "every-quarantine"]),
        ("TW-TPE", "2020-03-21", []),
    ],
)
def test_what_was_asked_at_the_border(area: str, day: str, wanted: list[str]) -> None:
    assert sorted(one.id for one in asked_of(area, date.fromisoformat(day))) == wanted


def test_every_measure_has_its_announcement_and_source() -> None:
    known = measures()
    assert len({one.id for one in known}) == len(known)
    assert all(one.announced <= one.since and "://" in one.cite for one in known)
    assert all(one.until is None or one.since <= one.until for one in known)


def test_areas_are_paths_and_not_prefixes() -> None:
    assert is_within("CN-HB-WUH", "CN-HB")
    assert is_within("CN", "CN")
    assert not is_within("CN", "CN-HB")
    assert not is_within("CN-HBX", "CN-HB")
    assert is_within("FR", "*")
    assert not is_within("TW-SHM", "*")


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
