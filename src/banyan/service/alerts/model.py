"""What an alert is: one object with one id; its messages (alert, updates, cancel) are a chain of versions.

The words are CAP's own (CAP 1.2 s3.2): status, severity, urgency, certainty, event, effective, onset, expires,
headline, description, instruction. Times are epoch seconds, longitudes and latitudes WGS84 degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS

Status = Literal["Actual", "Exercise", "Test", "Draft"]
"""CAP 1.2 s3.2.1 `status`; `System` is for machines among themselves and is not ours to send."""
Kind = Literal["Alert", "Update", "Cancel"]
"""CAP's `msgType`, of those that we send."""
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
Level = Literal["national", "emergency", "notice", "monthly"]
"""Of cell broadcast in Taiwan: 國家級警報 (cannot be turned off), 緊急警報, 警訊通知, 每月測試."""
Channel = Literal["web", "chat", "cells", "sms"]
CHANNELS: Final[tuple[Channel, ...]] = ("web", "chat", "cells", "sms")
Language = Literal["zh-Hant", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh-Hant", "en")
TAGS: Final[Mapping[str, str]] = {"zh-Hant": "zh-TW", "en": "en"}
"""Of each language in CAP's `language` (RFC 3066)."""

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=160)]
Long = Annotated[str, msgspec.Meta(max_length=2_000)]
Degrees = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Point = tuple[Degrees, Degrees]
"""Longitude, latitude."""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said in one language; the headline is all that an SMS and a phone's alert tone have time for."""

    headline: Short
    description: Long = ""
    instruction: Long = ""


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place: a county, town or village by `code` (5, 8, 11 digits), or a `polygon` (closed by us), or a circle of
    `radius_km` about `centre`. `name` is what people call it."""

    name: dict[str, Short]
    code: Annotated[str, msgspec.Meta(pattern=r"^(\d{5}|\d{8}|\d{11})?$")] = ""
    polygon: Annotated[tuple[Point, ...], msgspec.Meta(max_length=200)] = ()
    centre: Point | None = None
    radius_km: Annotated[float, msgspec.Meta(ge=0, le=500)] = 0.0


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an officer writes: all that a channel needs. `event` is one of the kinds of `events.toml`."""

    event: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z-]{1,30}$")]
    status: Status
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    level: Level
    onset: EpochS
    expires: EpochS
    words: dict[Language, Words]
    areas: Annotated[tuple[Area, ...], msgspec.Meta(min_length=1, max_length=100)]
    channels: Annotated[tuple[Channel, ...], msgspec.Meta(min_length=1, max_length=4)] = CHANNELS
    contact: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Who(msgspec.Struct, frozen=True):
    """An officer, by pseudonym, of an agency. Never shown to the public; the agency is."""

    id: str
    agency: str


class Version(msgspec.Struct, frozen=True):
    """One message of the chain: `number` from 1. `released_by` says that it went out, at `sent`. `digest` is that of
    what was proposed: the releaser lets out what they saw, and nothing else."""

    number: int
    kind: Kind
    content: Content
    author: Who
    stage: Literal["draft", "proposed", "released"] = "draft"
    digest: str = ""
    released_by: Who | None = None
    sent: EpochS = EpochS(0.0)


class Alert(msgspec.Struct, frozen=True):
    """The object. `chain` is what went out, oldest first; `pending` is being written. `ended` is when it expired or was
    cancelled, noted once. `second` is the agency whose officers release what is grave."""

    id: str
    agency: str
    second: str
    made_at: EpochS
    chain: tuple[Version, ...] = ()
    pending: Version | None = None
    is_withdrawn: bool = False

    @property
    def newest(self) -> Version | None:
        """The message that counts now."""
        return self.chain[-1] if self.chain else None

    @property
    def status(self) -> Status:
        """Of the whole chain: it never changes once something went out."""
        version = self.newest or self.pending
        assert version is not None, "an alert has a version"
        return version.content.status


State = Literal["draft", "proposed", "released", "in_force", "cancelled", "expired", "withdrawn"]


def digest_of(version: Version) -> str:
    """SHA-256 of what is said and of its place in the chain: what a releaser lets out."""
    said = (version.number, version.kind, version.content)
    return sha256(msgspec.json.encode(said, order="sorted")).hexdigest()
