"""An alert as CAP 1.2 XML: the same alert gives the same bytes, whoever writes it and whenever.

Elements in the schema's order, two spaces a level, UTF-8, a line feed at the end; what is empty is not written. The
bytes are canonical enough to sign: `signing.sign` puts the signature in before the last tag. Source: CAP 1.2 s3.4.
"""

from __future__ import annotations

from collections.abc import Iterator

from banyan.wire.cap.model import NAMESPACE, Alert, Area, Info, Pair, Resource
from banyan.wire.xmltext import text

HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="{NAMESPACE}">\n'
TAIL = "</alert>\n"


def write(alert: Alert) -> bytes:
    """The document's bytes. What XML cannot carry becomes U+FFFD; whether the alert is right is rules.py's to say."""
    return "".join((HEAD, *_alert(alert), TAIL)).encode()


def _alert(alert: Alert) -> Iterator[str]:
    yield from _texts(
        1, identifier=alert.identifier, sender=alert.sender, sent=alert.sent, status=alert.status.value,
        msgType=alert.msg_type.value, source=alert.source or None, scope=alert.scope.value,
        restriction=alert.restriction or None, addresses=alert.addresses or None,
    )  # fmt: skip
    yield from _each(1, "code", alert.code)
    yield from _texts(
        1, note=alert.note or None, references=alert.references or None, incidents=alert.incidents or None
    )
    for info in alert.info:
        yield from _wrapped(1, "info", _info(info))


def _info(info: Info) -> Iterator[str]:
    yield from _texts(2, language=info.language)
    yield from _each(2, "category", info.category)
    yield from _texts(2, event=info.event)
    yield from _each(2, "responseType", info.response_type)
    yield from _texts(
        2, urgency=info.urgency.value, severity=info.severity.value, certainty=info.certainty.value,
        audience=info.audience or None,
    )  # fmt: skip
    yield from _pairs(2, "eventCode", info.event_code)
    yield from _texts(
        2, effective=info.effective or None, onset=info.onset or None, expires=info.expires or None,
        senderName=info.sender_name or None, headline=info.headline or None, description=info.description or None,
        instruction=info.instruction or None, web=info.web or None, contact=info.contact or None,
    )  # fmt: skip
    yield from _pairs(2, "parameter", info.parameter)
    for resource in info.resource:
        yield from _wrapped(2, "resource", _resource(resource))
    for area in info.area:
        yield from _wrapped(2, "area", _area(area))


def _resource(resource: Resource) -> Iterator[str]:
    size = None if resource.size is None else str(resource.size)
    yield from _texts(
        3, resourceDesc=resource.resource_desc, mimeType=resource.mime_type, size=size, uri=resource.uri or None,
        derefUri=resource.deref_uri or None, digest=resource.digest or None,
    )  # fmt: skip


def _area(area: Area) -> Iterator[str]:
    yield from _texts(3, areaDesc=area.area_desc)
    yield from _each(3, "polygon", area.polygon)
    yield from _each(3, "circle", area.circle)
    yield from _pairs(3, "geocode", area.geocode)
    heights = {"altitude": area.altitude, "ceiling": area.ceiling}
    yield from _texts(3, **{name: None if each is None else format(each, "f") for name, each in heights.items()})


def _pairs(level: int, name: str, pairs: tuple[Pair, ...]) -> Iterator[str]:
    for pair in pairs:
        yield from _wrapped(level, name, _texts(level + 1, valueName=pair.value_name, value=pair.value))


def _wrapped(level: int, name: str, inner: Iterator[str]) -> Iterator[str]:
    yield f"{'  ' * level}<{name}>\n"
    yield from inner
    yield f"{'  ' * level}</{name}>\n"


def _each(level: int, name: str, values: tuple[str, ...]) -> Iterator[str]:
    for value in values:
        yield f"{'  ' * level}<{name}>{text(str(value))}</{name}>\n"


def _texts(level: int, **values: str | None) -> Iterator[str]:
    for name, value in values.items():
        if value is not None:
            yield f"{'  ' * level}<{name}>{text(value)}</{name}>\n"
