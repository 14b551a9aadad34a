"""Every saved feed of alerts is read, or says what is broken; NCDR's form, USGS's and Canada's come out alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.make import shared_data

from banyan.limits_alerts import FEED_BYTES
from banyan.wire.cap import indexes, reading

SAVED = {
    "amber.atom": ("atom", 1, set()),
    "amber.rss": ("rss", 1, set()),
    "canada_signed.atom": ("atom", 1, set()),
    "earthquake_index.atom": ("atom", 1, set()),
    "empty_weather_index.atom": ("atom", 0, set()),
    "invalid.rss": ("rss", 0, {"missing", "no-alert"}),
    "invalid_element.atom": ("atom", 0, {"no-alert", "unexpected"}),
    "kelvinn_noaa.atom": ("atom", 1, set()),
    "kelvinn_sweden.atom": ("", 0, {"not-xml"}),
    "kelvinn_taiwan.atom": ("atom", 1, set()),
    "kelvinn_usgs.atom": ("atom", 1, set()),
    "no_entries.atom": ("atom", 0, {"outside-entry"}),
    "no_id.atom": ("atom", 0, {"missing"}),
    "no_link.atom": ("atom", 0, {"no-alert"}),
    "no_title.atom": ("atom", 0, {"missing"}),
    "ny_index.rss": ("rss", 2, set()),
    "oregon_nws.atom": ("atom", 1, set()),
    "pelmorex.atom": ("", 0, {"not-xml"}),
    "sweden.atom": ("atom", 4, set()),
    "us_nws_weather.atom": ("atom", 2, set()),
    "usgs_alerthub.atom": ("atom", 1, set()),
    "weather.atom": ("atom", 1, set()),
    "weather_index.atom": ("atom", 2, set()),
    "weather_invalid.atom": ("atom", 1, set()),
    "xee.atom": ("", 0, {"doctype"}),
}


def feed(name: str) -> indexes.Index:
    return indexes.read(shared_data(f"alerts/feeds/{name}").read_bytes())


@pytest.mark.parametrize("name", sorted(SAVED))
def test_every_saved_feed_gets_its_verdict(name: str) -> None:
    kind, entries, codes = SAVED[name]
    found = feed(name)
    assert (found.kind, len(found.entries)) == (kind, entries)
    assert {each.code for each in found.findings} == codes
    assert found.is_valid == (not codes - {"outside-entry"})
    assert all(each.fix for each in found.findings)
    assert all(bool(each.link) != bool(each.alert) for each in found.entries)


def test_the_table_misses_no_saved_feed() -> None:
    assert {path.name for path in Path(shared_data("alerts/feeds")).iterdir()} == set(SAVED)


def test_ncdrs_entry_is_read_by_its_own_conventions() -> None:
    (entry,) = feed("kelvinn_taiwan.atom").entries
    assert entry.id == "THB-Bobe2015021417044705281791366163"
    assert entry.link.endswith(f"/Capstorage/THB/2015/roadClose/{entry.id}.cap")
    assert (entry.category, entry.author) == ("道路封閉", "交通部公路總局")
    assert "台16線" in entry.summary


def test_a_cancel_and_its_status_are_read_from_the_entry() -> None:
    body = """<feed xmlns="http://www.w3.org/2005/Atom"><id>a</id><title>t</title><updated>2026-11-27T00:00:00Z</updated>
      <entry><id>CWA-1</id><title>t</title><updated>2026-11-27T00:00:00Z</updated><status>Test</status>
      <msgType>Cancel</msgType><link rel="alternate" href="https://alerts.example/CWA-1.cap"/></entry></feed>"""
    (entry,) = indexes.read(body.encode()).entries
    assert (entry.status, entry.msg_type) == ("Test", "Cancel")


def test_an_alert_inside_a_feed_is_judged_as_its_own_document() -> None:
    verdicts = {name: reading.judge(feed(name).entries[0].alert).verdict for name in SAVED if _carries(name)}
    assert {name: verdict.is_valid for name, verdict in verdicts.items()} == {
        "amber.atom": True, "canada_signed.atom": True, "weather.atom": True, "weather_invalid.atom": False,
    }  # fmt: skip


def _carries(name: str) -> bool:
    return any(each.alert for each in feed(name).entries)


@pytest.mark.parametrize("href", ["javascript:alert(1)", "file:///etc/passwd", "/a.cap", "http://", "http://[x"])
def test_a_link_that_leads_nowhere_on_the_web_is_not_followed(href: str) -> None:
    body = f"""<feed xmlns="http://www.w3.org/2005/Atom"><id>a</id><title>t</title><updated>u</updated>
      <entry><id>1</id><title>t</title><updated>u</updated><link href="{href}"/></entry></feed>"""
    found = indexes.read(body.encode())
    assert found.entries == ()
    assert "link" in {each.code for each in found.findings}


def test_a_feed_is_bounded() -> None:
    assert [each.code for each in indexes.read(b" " * (FEED_BYTES + 1)).findings] == ["too-large"]
    assert [each.code for each in indexes.read(b"<alerts/>").findings] == ["format"]
