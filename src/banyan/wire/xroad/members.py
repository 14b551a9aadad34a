"""`GET /listClients`: everybody who can be called, in JSON or XML. Source: X-Road PR-META s4.1, Annex A.1, C.1, C.2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from banyan import limits
from banyan.errors import UNREADABLE, Invalid
from banyan.wire import xmltext
from banyan.wire.xroad.faults import JSON
from banyan.wire.xroad.identifiers import ClientId

XML: Final = "text/xml"
_ROAD: Final = "http://x-road.eu/xsd/xroad.xsd"
_IDS: Final = "http://x-road.eu/xsd/identifiers"


class Listed(msgspec.Struct, frozen=True):
    """A member or subsystem with the member's name; a subsystem may have a name too."""

    id: ClientId
    name: str
    subsystem_name: str = ""


class _Id(msgspec.Struct, frozen=True, omit_defaults=True):
    member_class: str
    member_code: str
    object_type: str
    xroad_instance: str
    subsystem_code: str = ""


class _Member(msgspec.Struct, frozen=True, omit_defaults=True):
    id: _Id
    name: str
    subsystem_name: str = ""


class _Members(msgspec.Struct, frozen=True):
    member: list[_Member]


def media_type_of(accept: Iterable[str]) -> str:
    """JSON if the `Accept` lines name it, else XML: the reverse of what errors do."""
    names = {item.partition(";")[0].strip().lower() for line in accept for item in line.split(",")}
    return JSON if JSON in names else XML


def encode(members: Sequence[Listed], media_type: str) -> bytes:
    return _encode_json(members) if media_type == JSON else _encode_xml(members)


def parse(body: bytes, media_type: str) -> tuple[Listed, ...]:
    """Another gateway's list. Raises Invalid naming `body`: too large, or not of this form."""
    if len(body) > limits.XROAD_META_BYTES:
        raise Invalid.at("body", f"A list of clients has at most {limits.XROAD_META_BYTES} bytes.")
    return _parse_json(body) if media_type.partition(";")[0].strip().lower() == JSON else _parse_xml(body)


def _encode_json(members: Sequence[Listed]) -> bytes:
    found = [
        _Member(
            _Id(one.id.member_class, one.id.member, _kind(one.id), one.id.instance, one.id.subsystem),
            one.name,
            one.subsystem_name,
        )
        for one in members
    ]
    return msgspec.json.encode(_Members(found))


def _parse_json(body: bytes) -> tuple[Listed, ...]:
    try:
        members = msgspec.json.decode(body, type=_Members).member
    except UNREADABLE as error:
        raise Invalid.at("body", "Send member entries with id and name.") from error
    return tuple(
        Listed(
            _id(
                one.id.xroad_instance,
                one.id.member_class,
                one.id.member_code,
                one.id.subsystem_code,
                one.id.object_type,
            ),
            one.name,
            one.subsystem_name,
        )
        for one in members
    )


def _encode_xml(members: Sequence[Listed]) -> bytes:
    inner = "".join(_xml_member(one) for one in members)
    names = {"xmlns:ns1": _IDS, "xmlns:ns2": _ROAD}
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return (head + xmltext.element("ns2:clientList", attributes=names, inner=inner)).encode()


def _xml_member(one: Listed) -> str:
    parts = zip(("xRoadInstance", "memberClass", "memberCode", "subsystemCode"), one.id.parts, strict=False)
    inner = "".join(xmltext.element(f"ns1:{name}", part) for name, part in parts)
    inner = xmltext.element("ns2:id", attributes={"ns1:objectType": _kind(one.id)}, inner=inner)
    inner += xmltext.element("ns2:name", one.name)
    if one.subsystem_name:
        inner += xmltext.element("ns2:subsystemName", one.subsystem_name)
    return xmltext.element("ns2:member", inner=inner)


def _parse_xml(body: bytes) -> tuple[Listed, ...]:
    root = xmltext.parse(body)
    if root.tag != f"{{{_ROAD}}}clientList":
        raise Invalid.at("body", "Send <clientList> of http://x-road.eu/xsd/xroad.xsd.")
    return tuple(_xml_listed(member) for member in root.findall(f"{{{_ROAD}}}member"))


def _xml_listed(member: Element) -> Listed:
    identifier = member.find(f"{{{_ROAD}}}id")
    if identifier is None:
        raise Invalid.at("body", "Give each <member> an <id>.")
    names = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
    instance, member_class, code, subsystem = (identifier.findtext(f"{{{_IDS}}}{name}") or "" for name in names)
    found = _id(instance, member_class, code, subsystem, identifier.get(f"{{{_IDS}}}objectType") or "")
    return Listed(
        found,
        member.findtext(f"{{{_ROAD}}}name") or "",
        member.findtext(f"{{{_ROAD}}}subsystemName") or "",
    )


def _id(instance: str, member_class: str, member: str, subsystem: str, kind: str) -> ClientId:
    found = ClientId(instance, member_class, member, subsystem)
    if not (instance and member_class and member) or kind != _kind(found):
        raise Invalid.at("body", "Give each id its instance, class and code, and a type that fits.")
    return found


def _kind(identifier: ClientId) -> str:
    return "SUBSYSTEM" if identifier.subsystem else "MEMBER"
