"""The prose of CAP 1.2 that the schema does not check: each rule finds its fault, at its place, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from tests.wire.cap.make import SENT, an_alert, an_info

from banyan.errors import Invalid
from banyan.limits_alerts import CAP_REFERENCES
from banyan.wire.cap import reading, rules, values, writing
from banyan.wire.cap.model import Alert, Area, Info, MsgType, Pair, Resource, Scope, Status
from banyan.wire.cap.values import cap_time
from banyan.wire.cap.verdict import Severity

EARLIER = f"alerts@example.tw,tw.banyan.0,{cap_time(SENT - timedelta(hours=1))}"
RING = "23.0,120.1 23.0,120.2 23.1,120.2 23.0,120.1"


def with_info(**changes: object) -> Alert:
    return an_alert(info=(an_info(**changes),))


def with_area(**changes: object) -> Alert:
    return with_info(area=(msgspec.structs.replace(an_info().area[0], **changes),))


def with_resource(**changes: object) -> Alert:
    return with_info(resource=(msgspec.structs.replace(an_info().resource[0], **changes),))


@dataclass(frozen=True)
class Case:
    code: str
    path: str
    alert: Alert
    is_error: bool = True


INFO, AREA, FILE = "alert/info[1]", "alert/info[1]/area[1]", "alert/info[1]/resource[1]"
CASES = [
    Case("identifier-characters", "alert/identifier", an_alert(identifier="a b")),
    Case("identifier-characters", "alert/identifier", an_alert(identifier="a,b")),
    Case("sender-characters", "alert/sender", an_alert(sender="a<b")),
    Case("sender-characters", "alert/sender", an_alert(sender="a&b")),
    Case("sender-empty", "alert/sender", an_alert(sender="")),
    Case("time", "alert/sent", an_alert(sent="2026-11-27T01:30:00Z")),
    Case("time-utc", "alert/sent", an_alert(sent="2026-11-27T01:00:00+00:00"), is_error=False),
    Case("restriction-missing", "alert/restriction", an_alert(scope=Scope.RESTRICTED)),
    Case("restriction-unneeded", "alert/restriction", an_alert(restriction="police")),
    Case("addresses-missing", "alert/addresses", an_alert(scope=Scope.PRIVATE)),
    Case("addresses-quotes", "alert/addresses", an_alert(scope=Scope.PRIVATE, addresses='a "b c')),
    Case("incidents-quotes", "alert/incidents", an_alert(incidents='"flood')),
    Case("exercise-note", "alert/note", an_alert(status=Status.EXERCISE), is_error=False),
    *(
        Case("references-missing", "alert/references", an_alert(msg_type=kind, note="why"))
        for kind in (MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR)
    ),
    Case("note-missing", "alert/note", an_alert(msg_type=MsgType.ERROR, references=EARLIER), is_error=False),
    Case("references-form", "alert/references", an_alert(references="tw.banyan.0")),
    Case("references-form", "alert/references", an_alert(references="a,b,c,d")),
    Case("references-time", "alert/references", an_alert(references="a,b,2026-11-27T01:00:00Z")),
    Case("references-self", "alert/references", an_alert(references=str(values.name_of(an_alert())))),
    Case("references-later", "alert/references", an_alert(references=f"a,b,{cap_time(SENT + timedelta(1))}"),
         is_error=False),
    Case("references-many", "alert/references", an_alert(references=" ".join([EARLIER] * (CAP_REFERENCES + 1)))),
    Case("info-missing", "alert", an_alert(info=()), is_error=False),
    Case("category-missing", f"{INFO}/category", with_info(category=())),
    Case("event-empty", f"{INFO}/event", with_info(event=" ")),
    Case("language", f"{INFO}/language", with_info(language="zh_TW")),
    Case("time", f"{INFO}/onset", with_info(onset="soon")),
    Case("expires-missing", f"{INFO}/expires", with_info(expires=""), is_error=False),
    Case("expires-order", f"{INFO}/expires", with_info(onset=cap_time(SENT + timedelta(hours=7)))),
    Case("headline-long", f"{INFO}/headline", with_info(headline="雨" * 161), is_error=False),
    Case("web-relative", f"{INFO}/web", with_info(web="/alerts/1")),
    Case("value-name", f"{INFO}/parameter[2]/valueName", with_info(parameter=(Pair("a", "b"), Pair(" ", "b")))),
    Case("area-missing", INFO, with_info(area=()), is_error=False),
    Case("area-desc", f"{AREA}/areaDesc", with_area(area_desc="")),
    Case("area-shapeless", AREA, with_info(area=(Area("somewhere"),)), is_error=False),
    Case("polygon-form", f"{AREA}/polygon[1]", with_area(polygon=("23.0 120.1 23.0 120.2",))),
    Case("polygon-form", f"{AREA}/polygon[1]", with_area(polygon=("nan,120 " + RING,))),
    Case("polygon-few", f"{AREA}/polygon[2]", with_area(polygon=(RING, "23,120 24,120 23,120"))),
    Case("polygon-open", f"{AREA}/polygon[1]", with_area(polygon=("23,120 24,120 24,121 23,121",))),
    Case("polygon-flat", f"{AREA}/polygon[1]", with_area(polygon=("23,120 24,120 23,120 23,120",))),
    Case("polygon-range", f"{AREA}/polygon[1]", with_area(polygon=("120.1,23 120.2,23 120.2,24 120.1,23",))),
    Case("circle-form", f"{AREA}/circle[1]", with_area(circle=("23,120",))),
    Case("circle-range", f"{AREA}/circle[1]", with_area(circle=("120,23 5",))),
    Case("circle-radius", f"{AREA}/circle[1]", with_area(circle=("23,120 -1",))),
    Case("value-name", f"{AREA}/geocode[1]/valueName", with_area(geocode=(Pair("", "65000"),))),
    Case("ceiling-alone", f"{AREA}/ceiling", with_area(altitude=None)),
    Case("ceiling-below", f"{AREA}/ceiling", with_area(altitude=Decimal(301))),
    Case("resource-desc", f"{FILE}/resourceDesc", with_resource(resource_desc=""), is_error=False),
    Case("mime-type", f"{FILE}/mimeType", with_resource(mime_type="")),
    Case("size", f"{FILE}/size", with_resource(size=-1)),
    Case("digest", f"{FILE}/digest", with_resource(digest="abc"), is_error=False),
    Case("resource-empty", FILE, with_info(resource=(Resource("a", "image/png"),)), is_error=False),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.path.rpartition('/')[2]}")
def test_a_rule_finds_its_fault_alone(case: Case) -> None:
    verdict = rules.verdict_of(case.alert)
    assert [(each.code, each.path) for each in verdict.findings] == [(case.code, case.path)]
    assert verdict.is_valid != case.is_error
    assert (verdict.findings[0].severity is Severity.ERROR) == case.is_error


def test_what_is_right_has_no_finding_in_any_form() -> None:
    good = [
        an_alert(),
        an_alert(scope=Scope.RESTRICTED, restriction="police"),
        an_alert(scope=Scope.PRIVATE, addresses='a@b.example "case worker"'),
        an_alert(addresses="a@b.example"),
        an_alert(msg_type=MsgType.CANCEL, references=EARLIER, info=()),
        an_alert(msg_type=MsgType.UPDATE, references=f"{EARLIER} {EARLIER.replace('.0', '.00')}"),
    ]
    for alert in good:
        assert rules.verdict_of(alert).findings == ()
        assert reading.judge(writing.write(alert)) == reading.Judged(alert, rules.verdict_of(alert))


def test_the_end_comes_after_sent_and_effective() -> None:
    for begins in ({"expires": cap_time(SENT)}, {"expires": cap_time(SENT - timedelta(1))}):
        codes = {each.code for each in rules.verdict_of(with_info(effective="", **begins)).findings}
        assert codes == {"expires-order"}
    later = an_alert(info=(an_info(expires="2026-11-27T02:00:00-00:00"),))
    assert rules.verdict_of(later).is_valid, "10:00 in Taipei, after 9:30 there, though the digits are lower"


def test_older_versions_are_read_as_this_one_and_it_is_said() -> None:
    body = b"""<alert xmlns="http://www.incident.com/cap/1.0"><identifier>a1</identifier><sender>s@x.example</sender>
      <sent>2003-04-02T14:39:01Z</sent><status>Actual</status><msgType>Alert</msgType><password>x</password>
      <info><event>Quake</event><urgency>Past</urgency><severity>Minor</severity><certainty>Very Likely</certainty>
      <eventCode>SAME=EQW</eventCode><expires>2003-04-03T24:00:00.5-08:00</expires>
      <resource><resourceDesc>map</resourceDesc><uri>http://x.example/m</uri></resource>
      <area><areaDesc>here</areaDesc><geocode>fips6=006037</geocode><altitude>high</altitude></area></info></alert>"""
    assert not reading.judge(body).verdict.is_structured, "24:00:00.5 is no time"
    judged = reading.judge(body.replace(b"00.5-08", b"00-08"))
    assert judged.alert is not None
    info = judged.alert.info[0]
    assert (judged.alert.sent, info.expires) == ("2003-04-02T14:39:01-00:00", "2003-04-04T00:00:00-08:00")
    assert (info.certainty.value, info.category[0].value) == ("Likely", "Other")
    assert (info.event_code, info.area[0].geocode) == ((Pair("SAME", "EQW"),), (Pair("fips6", "006037"),))
    assert judged.alert.scope is Scope.PUBLIC
    upgraded = {each.path for each in judged.verdict.findings if each.code == "upgraded"}
    assert upgraded == {
        "alert", "alert/scope", "alert/sent", "alert/password", f"{INFO}/certainty", f"{INFO}/category",
        f"{INFO}/expires", f"{FILE}/mimeType",
    }  # fmt: skip
    assert [each.code for each in judged.verdict.errors] == ["height"]


def test_a_time_without_offset_cannot_be_placed() -> None:
    body = (
        writing.write(an_alert())
        .replace(b":cap:1.2", b":cap:1.1")
        .replace(b"09:30:00+08:00</sent>", b"09:30:00</sent>")
    )
    judged = reading.judge(body)
    assert judged.alert is None
    assert [(each.path, each.code) for each in judged.verdict.errors] == [("alert/sent", "time-offset")]


def test_texts_and_values_are_each_others() -> None:
    assert values.words_of('a "b c" d') == ("a", "b c", "d")
    assert values.words_text(("a", "b c", "d")) == 'a "b c" d'
    assert values.circle_of(" 23.5,120.25   2 ") == ((23.5, 120.25), 2.0)
    assert values.references_text(values.references_of(EARLIER)) == EARLIER
    assert values.points_of(values.polygon_of([(23.0, 120.0), (24.0, 120.0), (24.0, 121.0)]))[-1] == (23.0, 120.0)
    assert values.moment_of(cap_time(SENT)) == SENT
    for text in ("2026-11-27T09:30:00Z", "2026-13-27T09:30:00+08:00"):
        with pytest.raises(Invalid):
            values.moment_of(text)


def test_json_has_caps_names() -> None:
    alert = an_alert()
    encoded = msgspec.json.encode(alert)
    assert b'"msgType":"Alert"' in encoded
    assert b'"areaDesc"' in encoded
    assert msgspec.json.decode(encoded, type=Alert) == alert
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(encoded.replace(b"+08:00", b"Z"), type=Alert)
    assert Info.__struct_fields__[:5] == ("category", "event", "urgency", "severity", "certainty")
