"""An alert in CAP's own words: the Common Alerting Protocol 1.2 (OASIS Standard, 1 July 2010), s3.2.

Text stands as the standard writes it, so that a foreign alert survives unharmed: times are `CapTime` text with an
offset, a polygon is `lat,lon lat,lon ...`, references are `sender,identifier,sent ...`. `values.py` turns each of them
into a value and back. What may be missing is an empty string, tuple or None. JSON uses CAP's names (msgType).
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE: Final = "application/cap+xml"

CapTime = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d$")]
"""`2026-11-27T09:30:00+08:00`. Never `Z`: UTC is `-00:00` (CAP 1.2 s3.3.2). Make one with `values.cap_time`."""


class Status(StrEnum):
    """`status`: only ACTUAL is for people; the others must never reach them (17 September 2025, Taipei)."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Category(StrEnum):
    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class ResponseType(StrEnum):
    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Urgency(StrEnum):
    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class _Words(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """CAP's names in JSON, empty elements left out."""


class Pair(_Words, frozen=True):
    """`eventCode`, `parameter` and `geocode` all are a name with a value."""

    value_name: str
    value: str


class Resource(_Words, frozen=True):
    """A file that goes with the alert. `size` in bytes; `digest` is SHA-1 in hexadecimal (s3.2.3)."""

    resource_desc: str
    mime_type: str
    size: int | None = None
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""


class Area(_Words, frozen=True):
    """Where. The polygons, circles and geocodes add up. `altitude` and `ceiling` are feet above mean sea level."""

    area_desc: str
    polygon: tuple[str, ...] = ()
    """Each `lat,lon lat,lon ...` in WGS 84, four points or more, the first again as the last."""
    circle: tuple[str, ...] = ()
    """Each `lat,lon radius`, the radius in kilometres."""
    geocode: tuple[Pair, ...] = ()
    altitude: Decimal | None = None
    ceiling: Decimal | None = None


class Info(_Words, frozen=True):
    """What happens, in one language."""

    category: tuple[Category, ...]
    event: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    language: str = "en-US"
    response_type: tuple[ResponseType, ...] = ()
    audience: str = ""
    event_code: tuple[Pair, ...] = ()
    effective: CapTime = ""
    onset: CapTime = ""
    expires: CapTime = ""
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameter: tuple[Pair, ...] = ()
    resource: tuple[Resource, ...] = ()
    area: tuple[Area, ...] = ()


class Alert(_Words, frozen=True):
    """One message. (`sender`, `identifier`, `sent`) names it for ever; no two messages share it."""

    identifier: str
    sender: str
    sent: CapTime
    status: Status
    msg_type: MsgType
    scope: Scope
    source: str = ""
    restriction: str = ""
    addresses: str = ""
    code: tuple[str, ...] = ()
    note: str = ""
    references: str = ""
    incidents: str = ""
    info: tuple[Info, ...] = ()
