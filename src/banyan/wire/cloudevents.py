"""CloudEvents 1.0 in JSON, single and batch. Source: CloudEvents spec v1.0.2 s3, JSON event format s3 and s4."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

MEDIA_TYPE = "application/cloudevents+json"
BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"


class CloudEvent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One event. `id` and `source` together are unique; `time` is RFC 3339 in UTC."""

    specversion: str = msgspec.field(default_factory=lambda: "1.0")  # a factory's value is never omitted
    id: str
    source: str
    type: str
    subject: str = ""
    time: str = ""
    datacontenttype: str = ""
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.specversion != "1.0":
            raise ValueError(f"specversion {self.specversion} is not 1.0")
        if not (self.id and self.source and self.type):
            raise ValueError("id, source and type may not be empty (s3.1.1)")


def encode(event: CloudEvent) -> bytes:
    return msgspec.json.encode(event)


def encode_batch(events: Sequence[CloudEvent]) -> bytes:
    return msgspec.json.encode(events)


def decode(document: bytes) -> CloudEvent:
    """Read one event; extension attributes are ignored. Raises msgspec.ValidationError when it is none."""
    return msgspec.json.decode(document, type=CloudEvent)
