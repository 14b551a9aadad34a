"""The SOAP face of operational monitoring: what a collector asks, and what it is answered.

`getSecurityServerOperationalData` and `getSecurityServerHealthData` are the only SOAP services of a gateway. Requests
are parsed without DTD or entities. Source: X-Road PR-OPMON s2, s3, Annex C; PR-MESS s2 (headers), s2.7 (faults). The
order of a part's header lines and a boundary that begins with `xroad` are what the field's collector looks for.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, Literal
from xml.etree.ElementTree import Element

import msgspec

from banyan.errors import Invalid
from banyan.wire import xmltext
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId

OPERATIONAL: Final = "getSecurityServerOperationalData"
HEALTH: Final = "getSecurityServerHealthData"
SERVICES: Final = frozenset({OPERATIONAL, HEALTH})
XML: Final = "text/xml; charset=UTF-8"
ATTACHMENT: Final = "operational-monitoring-data.json.gz"
_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_ROAD: Final = "http://x-road.eu/xsd/xroad.xsd"
_OM: Final = "http://x-road.eu/xsd/op-monitoring.xsd"
_ID: Final = "http://x-road.eu/xsd/identifiers"
_SHA512: Final = "http://www.w3.org/2001/04/xmlenc#sha512"
_NAMES: Final = {"xmlns:SOAP-ENV": _SOAP, "xmlns:xroad": _ROAD, "xmlns:om": _OM, "xmlns:id": _ID}
_PARTS: Final = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode")
_LAST_S: Final = 253_402_300_799
"""The end of year 9999: what a moment in seconds is at most."""
_FIELDS: Final = """
monitoringDataTs securityServerInternalIp securityServerType requestInTs requestOutTs responseInTs
responseOutTs clientXRoadInstance clientMemberClass clientMemberCode clientSubsystemCode
serviceXRoadInstance serviceMemberClass serviceMemberCode serviceSubsystemCode serviceCode
restMethod restPath serviceVersion representedPartyClass representedPartyCode messageId
messageUserId messageIssue messageProtocolVersion clientSecurityServerAddress
serviceSecurityServerAddress requestSize requestMimeSize requestAttachmentCount responseSize
responseMimeSize responseAttachmentCount succeeded serviceType faultCode faultString statusCode
xRoadVersion xRequestId
"""
FIELDS: Final = frozenset(_FIELDS.split())
"""What `outputSpec` may name."""

Code = Literal["getSecurityServerOperationalData", "getSecurityServerHealthData"]


class Question(msgspec.Struct, frozen=True):
    """A request of either service. `member` is the owner of the gateway that is asked."""

    code: Code
    client: ClientId
    member: ClientId
    message_id: str
    server: ServerId | None = None
    user_id: str = ""
    issue: str = ""
    first: int = 0
    last: int = 0
    """Seconds since 1970, both included; of operational data only."""
    about: ClientId | None = None
    """Only exchanges of this client or provider."""
    fields: frozenset[str] = frozenset()
    """Only these fields of a record; none: all."""


class Attached(msgspec.Struct, frozen=True):
    """A whole answer and its type."""

    content_type: str
    body: bytes


def is_soap(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in ("text/xml", "application/soap+xml")


def parse(body: bytes) -> Question:
    """Raises Invalid naming the element, or Limit: too large, nested too deep."""
    root = xmltext.parse(body)
    header, content = root.find(f"{{{_SOAP}}}Header"), root.find(f"{{{_SOAP}}}Body")
    if root.tag != f"{{{_SOAP}}}Envelope" or header is None or content is None or len(content) != 1:
        raise Invalid.at("Envelope", "Send a SOAP 1.1 envelope with a header and one element in its body.", status=400)
    asked = content[0]
    service, code = _service(_only(header, "service"))
    if code not in SERVICES or asked.tag != f"{{{_OM}}}{code}":
        raise Invalid.at("service", f"Ask for {OPERATIONAL} or {HEALTH}, in header and body.", status=400)
    protocol = _text(header, "protocolVersion")
    if protocol != "4.0":
        raise Invalid.at("protocolVersion", "Speak version 4.0.", status=400)
    server = header.find(f"{{{_ROAD}}}securityServer")
    question = Question(
        code=OPERATIONAL if code == OPERATIONAL else HEALTH,
        client=_client(_only(header, "client"), "client"),
        member=service,
        message_id=_text(header, "id"),
        server=None if server is None else _server(server),
        user_id=header.findtext(f"{{{_ROAD}}}userId") or "",
        issue=header.findtext(f"{{{_ROAD}}}issue") or "",
    )
    return _with_criteria(question, asked)


def operational_data(
    question: Question, request: bytes, rows: Sequence[Mapping[str, int | str | bool]], next_from: int = 0
) -> Attached:
    """Records in a gzip beside the envelope. `request` is the body that asked: its hash goes into the answer."""
    kept = [_chosen(row, question.fields) for row in rows]
    packed = gzip.compress(msgspec.json.encode({"records": kept}), mtime=0)
    told = xmltext.element("om:recordsCount", str(len(kept))) + xmltext.element("om:records", f"cid:{ATTACHMENT}")
    if next_from:
        told += xmltext.element("om:nextRecordsFrom", str(next_from))
    envelope = _envelope(question, request, xmltext.element(f"om:{OPERATIONAL}Response", inner=told))
    boundary = "xroad" + hashlib.sha256(envelope + packed).hexdigest()[:32]
    mark = f"--{boundary}"
    lines = (
        f"{mark}\r\ncontent-type:{XML}\r\n\r\n".encode(),
        envelope,
        f"\r\n{mark}\r\ncontent-type:application/gzip\r\ncontent-transfer-encoding: binary\r\n".encode(),
        f"content-id: <{ATTACHMENT}>\r\n\r\n".encode(),
        packed,
        f"\r\n{mark}--\r\n".encode(),
    )
    return Attached(f'multipart/related; type="text/xml"; charset=UTF-8; boundary={boundary}', b"".join(lines))


def answer(question: Question, request: bytes, inner: str) -> Attached:
    """An envelope around `inner`, XML of `om:` elements."""
    return Attached(XML, _envelope(question, request, xmltext.element(f"om:{question.code}Response", inner=inner)))


def service_xml(name: str, service: ServiceId) -> str:
    inner = "".join(xmltext.element(f"id:{part}", text) for part, text in zip(_PARTS, service.parts, strict=True))
    return xmltext.element(name, attributes={"id:objectType": "SERVICE"}, inner=inner)


def fault(code: str, message: str, detail: str) -> Attached:
    """PR-MESS s2.7: a SOAP 1.1 fault under the road's code. It travels with status 500."""
    inner = xmltext.element("faultcode", code) + xmltext.element("faultstring", message)
    inner += xmltext.element("faultactor")
    inner += xmltext.element(
        "detail", inner=xmltext.element("xroad:faultDetail", detail, attributes={"xmlns:xroad": _ROAD})
    )
    body = xmltext.element("SOAP-ENV:Body", inner=xmltext.element("SOAP-ENV:Fault", inner=inner))
    whole = xmltext.element("SOAP-ENV:Envelope", attributes={"xmlns:SOAP-ENV": _SOAP}, inner=body)
    return Attached(XML, ('<?xml version="1.0" encoding="UTF-8"?>\n' + whole).encode())


def _envelope(question: Question, request: bytes, inner: str) -> bytes:
    head = _client_xml(question.client) + _member_service_xml(question)
    if question.server is not None:
        parts = zip((*_PARTS[:3], "serverCode"), question.server.parts, strict=True)
        told = "".join(xmltext.element(f"id:{part}", text) for part, text in parts)
        head += xmltext.element("xroad:securityServer", attributes={"id:objectType": "SERVER"}, inner=told)
    head += xmltext.element("xroad:userId", question.user_id) if question.user_id else ""
    head += xmltext.element("xroad:id", question.message_id)
    head += xmltext.element("xroad:issue", question.issue) if question.issue else ""
    hashed = base64.b64encode(hashlib.sha512(request).digest()).decode("ascii")
    head += xmltext.element("xroad:requestHash", hashed, attributes={"algorithmId": _SHA512})
    head += xmltext.element("xroad:protocolVersion", "4.0")
    parts_ = xmltext.element("SOAP-ENV:Header", inner=head) + xmltext.element("SOAP-ENV:Body", inner=inner)
    whole = xmltext.element("SOAP-ENV:Envelope", attributes=_NAMES, inner=parts_)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + whole).encode()


def _client_xml(client: ClientId) -> str:
    inner = "".join(xmltext.element(f"id:{part}", text) for part, text in zip(_PARTS, client.parts, strict=False))
    kind = "SUBSYSTEM" if client.subsystem else "MEMBER"
    return xmltext.element("xroad:client", attributes={"id:objectType": kind}, inner=inner)


def _member_service_xml(question: Question) -> str:
    parts = zip(_PARTS, question.member.parts, strict=False)
    inner = "".join(xmltext.element(f"id:{part}", text) for part, text in parts)
    inner += xmltext.element("id:serviceCode", question.code)
    return xmltext.element("xroad:service", attributes={"id:objectType": "SERVICE"}, inner=inner)


def _with_criteria(question: Question, asked: Element) -> Question:
    told = asked.find(f"{{{_OM}}}" + ("searchCriteria" if question.code == OPERATIONAL else "filterCriteria"))
    if told is None:
        if question.code == HEALTH:
            return question
        raise Invalid.at("searchCriteria", "Say recordsFrom and recordsTo.", status=400)
    about = told.find(f"{{{_OM}}}client")
    question = msgspec.structs.replace(question, about=None if about is None else _client(about, "client"))
    if question.code == HEALTH:
        return question
    first, last = _moment(told, "recordsFrom"), _moment(told, "recordsTo")
    if first > last:
        raise Invalid.at("recordsTo", "Let it not be before recordsFrom.", status=400)
    named = frozenset((one.text or "").strip() for one in asked.iterfind(f"{{{_OM}}}outputSpec/{{{_OM}}}outputField"))
    if not named <= FIELDS:
        raise Invalid.at("outputField", "Name fields of PR-OPMON Annex B.", status=400)
    return msgspec.structs.replace(question, first=first, last=last, fields=named)


def _moment(told: Element, name: str) -> int:
    text = (told.findtext(f"{{{_OM}}}{name}") or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 12) or int(text) > _LAST_S:
        raise Invalid.at(name, "Send seconds since 1970.", status=400)
    return int(text)


def _chosen(row: Mapping[str, int | str | bool], fields: frozenset[str]) -> Mapping[str, int | str | bool]:
    return {name: value for name, value in row.items() if name in fields} if fields else row


def _service(element: Element) -> tuple[ClientId, str]:
    """A member's service: with a subsystem too, since some collectors name one."""
    code = _id_text(element, "serviceCode")
    return _client(element, "service"), code


def _server(element: Element) -> ServerId:
    parts = [_id_text(element, part) for part in (*_PARTS[:3], "serverCode")]
    if not all(parts):
        raise Invalid.at("securityServer", "Name instance, class, code and server.", status=400)
    return ServerId(*parts)


def _client(element: Element, field: str) -> ClientId:
    parts = [_id_text(element, part) for part in _PARTS[:4]]
    if not all(parts[:3]):
        raise Invalid.at(field, "Name instance, class and code of the member.", status=400)
    return ClientId(*parts)


def _only(header: Element, name: str) -> Element:
    found = header.findall(f"{{{_ROAD}}}{name}")
    if len(found) != 1:
        raise Invalid.at(name, f"Send one <{name}> of http://x-road.eu/xsd/xroad.xsd in the header.", status=400)
    return found[0]


def _text(header: Element, name: str) -> str:
    text = (_only(header, name).text or "").strip()
    if not 1 <= len(text) <= 255:
        raise Invalid.at(name, "Send 1 to 255 characters.", status=400)
    return text


def _id_text(element: Element, name: str) -> str:
    text = (element.findtext(f"{{{_ID}}}{name}") or "").strip()
    if len(text) > 255:
        raise Invalid.at(name, "Send at most 255 characters.", status=400)
    return text
