"""What the prose of CAP 1.2 asks and the schema does not check, over an alert from anywhere: read, or about to be sent.

ERROR where the standard says must (or a receiver cannot act on it), WARNING where it says should, or where receivers
are known to stumble. Source: CAP 1.2 s3.2.1 to s3.2.4 and s3.3; the codes are stable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from banyan.errors import Invalid
from banyan.limits_alerts import CAP_POLYGON_POINTS, CAP_REFERENCES
from banyan.wire.cap.model import Alert, Area, Info, MsgType, Pair, Resource, Scope, Status
from banyan.wire.cap.texts import is_cap_time, is_language
from banyan.wire.cap.values import Point, circle_of, epoch_s, points_of, references_of
from banyan.wire.cap.verdict import Findings, Verdict

HEADLINE: Final = 160
"""Characters: `limited to 160 characters` fits what some devices show (s3.2.2, note on headline)."""
_BARE: Final = re.compile(r"[^\s,<&]+")
_SHA1: Final = re.compile(r"[0-9A-Fa-f]{40}")
_EARTH_KM: Final = 20_038.0
_FOLLOWS: Final = (MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR)


def verdict_of(alert: Alert) -> Verdict:
    """Of an alert that was made here: what would be found in its document."""
    findings = Findings()
    judge(alert, findings)
    return Verdict("1.2", tuple(findings.found))


def judge(alert: Alert, findings: Findings) -> None:
    """Add what is wrong with the alert's meaning."""
    _head(alert, findings)
    _references(alert, findings)
    if not alert.info and alert.msg_type in (MsgType.ALERT, MsgType.UPDATE):
        findings.warning("alert", "info-missing", "add an <info>: without one nobody learns what to do")
    sent = alert.sent if is_cap_time(alert.sent) else ""
    for at, info in enumerate(alert.info, 1):
        _info(info, f"alert/info[{at}]", sent, findings)


def _head(alert: Alert, findings: Findings) -> None:
    for name, value in (("identifier", alert.identifier), ("sender", alert.sender)):
        if not value:
            findings.error(f"alert/{name}", f"{name}-empty", f"give the alert its {name}")
        elif _BARE.fullmatch(value) is None:
            fix = f"take spaces, commas, < and & out of the {name}: references could not name this alert"
            findings.error(f"alert/{name}", f"{name}-characters", fix)
    _time(alert.sent, "alert/sent", findings)
    if alert.scope is Scope.RESTRICTED and not alert.restriction.strip():
        fix = "say in <restriction> to whom a Restricted alert may go"
        findings.error("alert/restriction", "restriction-missing", fix)
    if alert.scope is not Scope.RESTRICTED and alert.restriction.strip():
        findings.error(
            "alert/restriction", "restriction-unneeded", "remove <restriction>, or make the scope Restricted"
        )
    if alert.scope is Scope.PRIVATE and not alert.addresses.strip():
        findings.error("alert/addresses", "addresses-missing", "list in <addresses> for whom a Private alert is")
    if alert.addresses.count('"') % 2:
        findings.error("alert/addresses", "addresses-quotes", "close the double quote in <addresses>")
    if alert.incidents.count('"') % 2:
        findings.error("alert/incidents", "incidents-quotes", "close the double quote in <incidents>")
    if alert.msg_type is MsgType.ERROR and not alert.note.strip():
        findings.warning("alert/note", "note-missing", "say in <note> why the message was rejected")
    if alert.status is Status.EXERCISE and not alert.note.strip():
        findings.warning("alert/note", "exercise-note", "name the exercise in <note>")


def _references(alert: Alert, findings: Findings) -> None:
    text, path = alert.references.strip(), "alert/references"
    if not text:
        if alert.msg_type in _FOLLOWS:
            fix = f"name in <references> the messages this {alert.msg_type.value} is about, as sender,identifier,sent"
            findings.error(path, "references-missing", fix)
        return
    try:
        named = references_of(text)
    except Invalid as problem:
        findings.error(path, "references-form", problem.fields[0].fix)
        return
    if len(named) > CAP_REFERENCES:
        findings.error(path, "references-many", f"name at most {CAP_REFERENCES} messages")
    for each in named[:CAP_REFERENCES]:
        if not is_cap_time(each.sent):
            fix = f"write the sent time of {each.identifier[:60]} as 2026-11-27T09:30:00+08:00"
            findings.error(path, "references-time", fix)
        elif (each.sender, each.identifier) == (alert.sender, alert.identifier):
            findings.error(path, "references-self", "a message cannot be about itself: name an earlier one")
        elif is_cap_time(alert.sent) and epoch_s(each.sent) > epoch_s(alert.sent):
            findings.warning(path, "references-later", f"{each.identifier[:60]} was sent after this message")


def _info(info: Info, path: str, sent: str, findings: Findings) -> None:
    if not info.category:
        findings.error(f"{path}/category", "category-missing", "say at least one <category>")
    if not info.event.strip():
        findings.error(f"{path}/event", "event-empty", "say in <event> what kind of event it is")
    if not is_language(info.language):
        findings.error(f"{path}/language", "language", "write the language as zh-TW or en")
    _times(info, path, sent, findings)
    if len(info.headline) > HEADLINE:
        findings.warning(f"{path}/headline", "headline-long", f"shorten <headline> to {HEADLINE} characters")
    if info.web and not _is_absolute(info.web):
        findings.error(f"{path}/web", "web-relative", "write the full address, with https://")
    for name, pairs in (("eventCode", info.event_code), ("parameter", info.parameter)):
        _pairs(pairs, f"{path}/{name}", findings)
    for at, resource in enumerate(info.resource, 1):
        _resource(resource, f"{path}/resource[{at}]", findings)
    if not info.area:
        findings.warning(path, "area-missing", "add an <area>: without one nobody knows whether it concerns them")
    for at, area in enumerate(info.area, 1):
        _area(area, f"{path}/area[{at}]", findings)


def _times(info: Info, path: str, sent: str, findings: Findings) -> None:
    """`effective` is `sent` when it is missing (s3.2.2); what ends must have begun."""
    times = {"effective": info.effective, "onset": info.onset, "expires": info.expires}
    for name, value in times.items():
        if value and not _time(value, f"{path}/{name}", findings):
            times[name] = ""
    if not info.expires:
        fix = "say when it ends: without <expires> each receiver decides by itself"
        findings.warning(f"{path}/expires", "expires-missing", fix)
    if not times["expires"]:
        return
    ends = epoch_s(times["expires"])
    for name, begins in (("sent", sent), ("effective", times["effective"]), ("onset", times["onset"])):
        if begins and (ends < epoch_s(begins) or (ends == epoch_s(begins) and name != "onset")):
            findings.error(
                f"{path}/expires", "expires-order", f"end after {name}: it ends {info.expires}, {name} is {begins}"
            )


def _resource(resource: Resource, path: str, findings: Findings) -> None:
    if not resource.resource_desc.strip():
        findings.warning(f"{path}/resourceDesc", "resource-desc", "say what the file is")
    if "/" not in resource.mime_type:
        findings.error(f"{path}/mimeType", "mime-type", "say the media type, such as image/png")
    if resource.size is not None and resource.size < 0:
        findings.error(f"{path}/size", "size", "give the size in octets, not below zero")
    if resource.digest and _SHA1.fullmatch(resource.digest.strip()) is None:
        findings.warning(f"{path}/digest", "digest", "write SHA-1 as 40 hexadecimal digits")
    if not resource.uri and not resource.deref_uri:
        findings.warning(path, "resource-empty", "say where the file is (<uri>) or put it in (<derefUri>)")


def _area(area: Area, path: str, findings: Findings) -> None:
    if not area.area_desc.strip():
        findings.error(f"{path}/areaDesc", "area-desc", "describe the area in words")
    if not (area.polygon or area.circle or area.geocode):
        fix = "draw the area or give its code: words alone reach no map and no phone"
        findings.warning(path, "area-shapeless", fix)
    for at, polygon in enumerate(area.polygon, 1):
        _polygon(polygon, f"{path}/polygon[{at}]", findings)
    for at, circle in enumerate(area.circle, 1):
        _circle(circle, f"{path}/circle[{at}]", findings)
    _pairs(area.geocode, f"{path}/geocode", findings)
    if area.ceiling is not None and area.altitude is None:
        findings.error(f"{path}/ceiling", "ceiling-alone", "give <altitude> too: a ceiling needs a floor")
    elif area.ceiling is not None and area.altitude is not None and area.ceiling < area.altitude:
        findings.error(f"{path}/ceiling", "ceiling-below", "put <ceiling> above <altitude>")


def _polygon(text: str, path: str, findings: Findings) -> None:
    try:
        points = points_of(text)
    except Invalid as problem:
        findings.error(path, "polygon-form", problem.fields[0].fix)
        return
    if len(points) > CAP_POLYGON_POINTS:
        findings.error(path, "polygon-many", f"draw with at most {CAP_POLYGON_POINTS} points")
        return
    _range(points, path, "polygon", findings)
    if len(points) < 4:
        findings.error(
            path, "polygon-few", f"give at least four points, the last the same as the first; it has {len(points)}"
        )
    elif points[0] != points[-1]:
        findings.error(path, "polygon-open", "end with the point it began with")
    elif len(set(points)) < 3:
        findings.error(path, "polygon-flat", "draw an area: it has fewer than three different points")


def _circle(text: str, path: str, findings: Findings) -> None:
    try:
        centre, radius = circle_of(text)
    except Invalid as problem:
        findings.error(path, "circle-form", problem.fields[0].fix)
        return
    _range((centre,), path, "circle", findings)
    if not 0 <= radius <= _EARTH_KM:
        findings.error(path, "circle-radius", "give the radius in kilometres, from 0 to half the earth")


def _range(points: Sequence[Point], path: str, what: str, findings: Findings) -> None:
    lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
    if not lats or (min(lats) >= -90 and max(lats) <= 90 and min(lons) >= -180 and max(lons) <= 180):
        return
    for lat, lon in points:
        if -90 <= lat <= 90 and -180 <= lon <= 180:
            continue
        is_swapped = -90 <= lon <= 90 and -180 <= lat <= 180
        hint = "latitude comes first, then longitude" if is_swapped else "latitudes end at 90, longitudes at 180"
        findings.error(path, f"{what}-range", f"{hint}: {lat:g},{lon:g} is no place")
        return


def _pairs(pairs: tuple[Pair, ...], path: str, findings: Findings) -> None:
    for at, pair in enumerate(pairs, 1):
        if not pair.value_name.strip():
            findings.error(f"{path}[{at}]/valueName", "value-name", "say by which scheme the value is to be read")


def _time(value: str, path: str, findings: Findings) -> bool:
    if not is_cap_time(value):
        findings.error(path, "time", "write the time as 2026-11-27T09:30:00+08:00, with its offset and never Z")
        return False
    if value.endswith("+00:00"):
        findings.warning(path, "time-utc", "write UTC as -00:00")
    return True


def _is_absolute(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))
