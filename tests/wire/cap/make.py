"""Alerts for the tests: any alert the schema takes, and one that is right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import strategies as st

from banyan.wire.cap.model import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Pair,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)  # fmt: skip
from banyan.wire.cap.values import cap_time, circle_text, polygon_of

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.builds(
    lambda at, zone: cap_time(datetime.fromtimestamp(at, UTC).astimezone(zone)), st.integers(-(2**31), 2**33), ZONES
)
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=30)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z"), exclude_characters=",<&\ufffe\uffff"), min_size=1,
                max_size=20).map(str.strip).filter(bool)  # fmt: skip
POINTS = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
PAIRS = st.lists(st.builds(Pair, NAMES, WORDS), max_size=2).map(tuple)
HEIGHTS = st.none() | st.decimals(-10_000, 100_000, places=2)
AREAS = st.builds(
    Area,
    area_desc=NAMES,
    polygon=st.lists(st.lists(POINTS, min_size=3, max_size=6).map(polygon_of), max_size=2).map(tuple),
    circle=st.lists(st.builds(circle_text, POINTS, st.floats(0, 20_000)), max_size=2).map(tuple),
    geocode=PAIRS,
    altitude=HEIGHTS,
    ceiling=HEIGHTS,
)
RESOURCES = st.builds(
    Resource,
    resource_desc=WORDS,
    mime_type=st.sampled_from(("image/png", "audio/mpeg")),
    size=st.none() | st.integers(0, 2**40),
    uri=st.sampled_from(("", "https://alerts.example/a.png?x=1#y", "urn:oid:2.49.0", "mailto:a@b.example")),
    digest=st.sampled_from(("", "0" * 40)),
)


def _some(kind: type, least: int = 0) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(list(kind)), min_size=least, max_size=3, unique=True).map(tuple)


INFOS = st.builds(
    Info,
    category=_some(Category, 1),
    event=WORDS,
    urgency=st.sampled_from(Urgency),
    severity=st.sampled_from(Severity),
    certainty=st.sampled_from(Certainty),
    language=st.sampled_from(("zh-TW", "en", "en-US", "nan-Hant-TW")),
    response_type=_some(ResponseType),
    audience=WORDS,
    event_code=PAIRS,
    effective=st.just("") | TIMES,
    onset=st.just("") | TIMES,
    expires=st.just("") | TIMES,
    sender_name=WORDS,
    headline=WORDS,
    description=WORDS,
    instruction=WORDS,
    web=st.sampled_from(("", "https://alerts.example/1", "http://[::1]:8080/a%20b")),
    contact=WORDS,
    parameter=PAIRS,
    resource=st.lists(RESOURCES, max_size=2).map(tuple),
    area=st.lists(AREAS, max_size=2).map(tuple),
)
ALERTS = st.builds(
    Alert,
    identifier=NAMES,
    sender=NAMES,
    sent=TIMES,
    status=st.sampled_from(Status),
    msg_type=st.sampled_from(MsgType),
    scope=st.sampled_from(Scope),
    source=WORDS,
    restriction=WORDS,
    addresses=WORDS,
    code=st.lists(WORDS, max_size=2).map(tuple),
    note=WORDS,
    references=st.lists(st.tuples(NAMES, NAMES, TIMES).map(",".join), max_size=2).map(" ".join),
    incidents=WORDS,
    info=st.lists(INFOS, max_size=2).map(tuple),
)
SENT = datetime(2026, 11, 27, 9, 30, tzinfo=timezone(timedelta(hours=8)))


def an_info(**changes: object) -> Info:
    area = Area(
        "臺南市安南區",
        polygon=(polygon_of([(23.0, 120.1), (23.0, 120.2), (23.1, 120.2), (23.1, 120.1)]),),
        circle=(circle_text((23.05, 120.15), 2.5),),
        geocode=(Pair("Taiwan_Geocode_112", "67000110"),),
        altitude=Decimal(0),
        ceiling=Decimal(300),
    )
    right = {
        "category": (Category.MET,), "event": "豪雨", "urgency": Urgency.IMMEDIATE, "severity": Severity.SEVERE,
        "certainty": Certainty.LIKELY, "language": "zh-TW", "effective": cap_time(SENT),
        "expires": cap_time(SENT + timedelta(hours=6)), "headline": "豪雨特報", "web": "https://alerts.example/1",
        "resource": (Resource("雨量圖", "image/png", 10, "https://alerts.example/1.png"),), "area": (area,),
    }  # fmt: skip
    return Info(**(right | changes))  # type: ignore[arg-type]


def an_alert(**changes: object) -> Alert:
    """One without any finding."""
    right = {
        "identifier": "tw.banyan.1", "sender": "alerts@example.tw", "sent": cap_time(SENT), "status": Status.ACTUAL,
        "msg_type": MsgType.ALERT, "scope": Scope.PUBLIC, "info": (an_info(),),
    }  # fmt: skip
    return Alert(**(right | changes))  # type: ignore[arg-type]


NOW = SENT.astimezone(UTC)
