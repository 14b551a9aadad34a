"""What is answered as FHIR R4: the window as period, so expiry is in the data; and nothing more of the person."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from banyan.service.travel import resources
from banyan.service.travel.contesting import OwnLook
from banyan.service.travel.flagging import Flagged, Shown
from banyan.service.travel.records import Told
from banyan.wire.fhir.model import Identifier

BASE, NOW = "https://cdc.example", "2026-11-23T13:00:00+00:00"
DAYS = (date(2026, 11, 18), date(2026, 12, 2))
NOW_MARK = Shown("drill-xa", {"zh-Hant": "榕嶼", "en": "Isle"}, "疾病管制署", *DAYS, "now", True)
WAS_MARK = Shown("old", {"zh-Hant": "舊", "en": "Old"}, "疾病管制署", *DAYS, "was")
ASKED = Identifier("http://www.moi.gov.tw", "A123456789")


def bundle(**changes: Any) -> dict[str, Any]:
    marks = (NOW_MARK, WAS_MARK)
    told = {"asked": ASKED, "base": BASE, "now": NOW, "lang": "en", "has_provenance": False, **changes}
    made = resources.flags_of(Flagged(DAYS[0], "o1", marks), marks, ["f-0", "f-1"], **told)
    read: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return read


def test_a_flag_has_the_window_as_its_period_and_the_rule_as_its_code() -> None:
    made = bundle()
    assert (made["resourceType"], made["type"], made["total"]) == ("Bundle", "searchset", 2)
    flag = made["entry"][0]["resource"]
    assert (flag["resourceType"], flag["status"], made["entry"][1]["resource"]["status"]) == (
        "Flag", "active", "inactive",
    )  # fmt: skip
    assert flag["period"] == {"start": "2026-11-18T00:00:00+08:00", "end": "2026-12-02T23:59:59+08:00"}
    assert flag["code"]["coding"][0] == {"system": f"{BASE}/travel/rules", "code": "drill-xa", "display": "Isle"}
    assert "contested" in flag["code"]["text"]
    assert flag["category"][0]["coding"][0]["code"] == "safety"
    assert flag["subject"] == {"identifier": {"system": ASKED.system, "value": ASKED.value}}


def test_provenance_is_included_when_it_is_asked_for() -> None:
    entries = bundle(has_provenance=True)["entry"]
    assert [one["search"]["mode"] for one in entries] == ["match", "match", "include", "include"]
    made = next(one["resource"] for one in entries if one["resource"]["resourceType"] == "Provenance")
    assert made["target"] == [{"reference": "Flag/f-0"}]
    assert made["policy"] == [f"{BASE}/travel/rules#drill-xa", f"{BASE}/powers#o1"]


def test_no_mark_is_an_empty_searchset() -> None:
    made = resources.flags_of(
        Flagged(DAYS[0], "o1", ()), (), [], asked=ASKED, base=BASE, now=NOW, lang="en", has_provenance=True
    )
    assert msgspec.json.decode(msgspec.json.encode(made)) == {
        "resourceType": "Bundle", "type": "searchset", "total": 0,
    }  # fmt: skip


def test_a_look_is_an_audit_event_of_who_asked() -> None:
    look = OwnLook("2026-11-23T13:00:00Z", "榕樹醫院", "發燒", (Told("drill-xa", *DAYS, "now"),), "ab" * 16)
    made = msgspec.json.decode(msgspec.json.encode(resources.audit_of([look], base=BASE)))["entry"][0]["resource"]
    assert (made["resourceType"], made["action"], made["outcome"]) == ("AuditEvent", "R", "0")
    assert made["agent"][0]["who"] == {"display": "榕樹醫院"}
    assert made["agent"][0]["requestor"] is True
    assert made["recorded"] == "2026-11-23T13:00:00+00:00"
    assert made["entity"][0]["description"] == "drill-xa 2026-11-18/2026-12-02"
