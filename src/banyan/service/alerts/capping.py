"""An alert's messages as CAP 1.2: the same words in the standard's elements. Pure.

The identifier is the alert's id and the message's number, so that one chain can be seen for one; `references` name
every earlier message (CAP 1.2 s3.2.1), `incidents` the alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from banyan.service.alerts import places, texts
from banyan.service.alerts.kinds import kinds
from banyan.service.alerts.model import TAGS, Alert, Area, Language, Version
from banyan.service.alerts.outlets import said_in
from banyan.wire.cap import model as cap
from banyan.wire.cap.values import Reference, cap_time, circle_text, polygon_of, references_text

GEOCODE: Final = "Taiwan_Geocode_112"
"""The NCDR's table of 2023: counties and towns have 8 digits (a county ends in 000), villages 11."""
SMS: Final = "sms"
"""The whole text of an SMS, under the signature: what an operator that is asked to send may say."""
EVENT: Final = "profile:CAP-TWP:Event:1.0"
LEVELS: Final[Mapping[str, str]] = {
    "national": "國家級警報", "emergency": "緊急警報", "notice": "警訊通知", "monthly": "每月測試"
}  # fmt: skip


def cap_of(alert: Alert, version: Version, *, sender: str, agency: Mapping[str, str], web: str) -> cap.Alert:
    """One message of the chain. `sender` is the agency's CAP sender, `web` the alert's page (may be empty)."""
    content = version.content
    earlier = [Reference(sender, identifier(alert, one), sent(one.sent)) for one in alert.chain[: version.number - 1]]
    status = content.status
    return cap.Alert(
        identifier=identifier(alert, version),
        sender=sender,
        sent=sent(version.sent),
        status=cap.Status(status),
        msg_type=cap.MsgType(version.kind),
        scope=cap.Scope.PUBLIC,
        note="" if status == "Actual" else " ".join(texts.STATUS_MARK[status].values()).strip(),
        references=references_text(earlier),
        incidents=alert.id,
        info=tuple(_info(version, lang, agency, web) for lang in said_in(version)),
    )


def identifier(alert: Alert, version: Version) -> str:
    return f"{alert.id}.{version.number}"


def sent(at: float) -> cap.CapTime:
    """In Taiwan's time, as the NCDR writes it."""
    return cap_time(datetime.fromtimestamp(int(at), texts.TAIPEI))


def _info(version: Version, lang: Language, agency: Mapping[str, str], web: str) -> cap.Info:
    content, words, kind = version.content, version.content.words[lang], kinds()[version.content.event]
    over = version.kind == "Cancel"
    return cap.Info(
        language=TAGS[lang],
        category=(cap.Category(kind.category),),
        event=kind.title[lang],
        response_type=(cap.ResponseType.ALL_CLEAR,) if over else tuple(map(cap.ResponseType, kind.response)),
        urgency=cap.Urgency.PAST if over else cap.Urgency(content.urgency),
        severity=cap.Severity(content.severity),
        certainty=cap.Certainty(content.certainty),
        event_code=(cap.Pair(EVENT, content.event),),
        effective=sent(version.sent),
        onset=sent(content.onset),
        expires=sent(content.expires),
        sender_name=agency[lang],
        headline=texts.headline(version, lang),
        description=words.description,
        instruction=words.instruction,
        web=web,
        contact=content.contact,
        parameter=(
            cap.Pair("alert_title", kind.title[lang]),
            cap.Pair("cell_broadcast_class", LEVELS[content.level]),
            cap.Pair(SMS, texts.sms(version, lang, agency).text),
        ),
        area=tuple(_area(one, lang) for one in content.areas),
    )


def _area(area: Area, lang: Language) -> cap.Area:
    """The codes are exact; a polygon is given where that is what was drawn."""
    if area.code:
        code = area.code + "000" if len(area.code) == 5 else area.code
        return cap.Area(area_desc=area.name[lang], geocode=(cap.Pair(GEOCODE, code),))
    if area.centre is not None:
        lon, lat = area.centre
        return cap.Area(area_desc=area.name[lang], circle=(circle_text((lat, lon), area.radius_km),))
    ring = polygon_of((lat, lon) for lon, lat in places.closed(area.polygon))
    return cap.Area(area_desc=area.name[lang], polygon=(ring,))
