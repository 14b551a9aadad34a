"""The SOAP face of operational monitoring: the collector's request, and the answer that its expressions find."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from xml.etree import ElementTree

import pytest

from banyan.errors import Invalid, Problem
from banyan.wire.xroad import operations
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId

ENVELOPE = """<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:id="http://x-road.eu/xsd/identifiers" xmlns:xrd="http://x-road.eu/xsd/xroad.xsd"
  xmlns:om="http://x-road.eu/xsd/op-monitoring.xsd">
 <SOAP-ENV:Header>
  <xrd:client id:objectType="SUBSYSTEM"><id:xRoadInstance>TW</id:xRoadInstance><id:memberClass>GOV</id:memberClass>
   <id:memberCode>moda</id:memberCode><id:subsystemCode>monitor</id:subsystemCode></xrd:client>
  <xrd:service id:objectType="SERVICE"><id:xRoadInstance>TW</id:xRoadInstance><id:memberClass>GOV</id:memberClass>
   <id:memberCode>nia</id:memberCode><id:serviceCode>{code}</id:serviceCode></xrd:service>
  <xrd:securityServer id:objectType="SERVER"><id:xRoadInstance>TW</id:xRoadInstance>
   <id:memberClass>GOV</id:memberClass><id:memberCode>nia</id:memberCode><id:serverCode>gw1</id:serverCode>
  </xrd:securityServer>
  <xrd:id>req-1</xrd:id><xrd:protocolVersion>4.0</xrd:protocolVersion>
 </SOAP-ENV:Header>
 <SOAP-ENV:Body>{body}</SOAP-ENV:Body>
</SOAP-ENV:Envelope>"""
CRITERIA = """<om:searchCriteria><om:recordsFrom>100</om:recordsFrom><om:recordsTo>200</om:recordsTo>
 </om:searchCriteria>"""
ABOUT = """<om:client id:objectType="SUBSYSTEM"><id:xRoadInstance>TW</id:xRoadInstance>
 <id:memberClass>GOV</id:memberClass><id:memberCode>nia</id:memberCode><id:subsystemCode>border</id:subsystemCode>
 </om:client>"""


def asked(code: str = operations.OPERATIONAL, inner: str = CRITERIA) -> bytes:
    return ENVELOPE.format(code=code, body=f"<om:{code}>{inner}</om:{code}>").encode()


def test_the_collectors_request_is_read() -> None:
    found = operations.parse(asked())
    assert found.code == "getSecurityServerOperationalData"
    assert found.client == ClientId("TW", "GOV", "moda", "monitor")
    assert found.member == ClientId("TW", "GOV", "nia")
    assert found.server == ServerId("TW", "GOV", "nia", "gw1")
    assert (found.message_id, found.first, found.last) == ("req-1", 100, 200)


def test_filters_are_read() -> None:
    spec = "<om:outputSpec><om:outputField>messageId</om:outputField></om:outputSpec>"
    found = operations.parse(
        asked(inner=CRITERIA.replace("</om:searchCriteria>", ABOUT + "</om:searchCriteria>") + spec)
    )
    assert found.about == ClientId("TW", "GOV", "nia", "border")
    assert found.fields == {"messageId"}
    health = operations.parse(asked(operations.HEALTH, f"<om:filterCriteria>{ABOUT}</om:filterCriteria>"))
    assert health.about == found.about
    assert operations.parse(asked(operations.HEALTH, "")).about is None


def test_the_collectors_expressions_find_records_and_the_next_moment() -> None:
    request = asked()
    rows = [{"messageId": "a", "succeeded": True, "requestInTs": 1}, {"messageId": "b\n--xroad"}]
    whole = operations.operational_data(operations.parse(request), request, rows, next_from=150)
    content = re.search(
        rb"content-id: <operational-monitoring-data.json.gz>\r\n\r\n(.+)\r\n--xroad", whole.body, re.DOTALL
    )
    assert content
    assert json.loads(zlib.decompress(content[1], zlib.MAX_WBITS | 16)) == {"records": rows}
    moment = re.search(rb"<om:nextRecordsFrom>(\d+)</om:nextRecordsFrom>", whole.body)
    assert moment
    assert moment[1] == b"150"
    envelope = re.search("<SOAP-ENV:Envelope.+</SOAP-ENV:Envelope>", whole.body.decode("latin-1"), re.DOTALL)
    assert envelope
    root = ElementTree.fromstring(envelope[0])
    road = "{http://x-road.eu/xsd/xroad.xsd}"
    hashed = base64.b64encode(hashlib.sha512(request).digest()).decode()
    assert root.findtext(f".//{road}requestHash") == hashed
    assert root.findtext(f".//{road}id") == "req-1"
    assert whole.content_type.startswith('multipart/related; type="text/xml"; charset=UTF-8; boundary=xroad')


def test_only_the_fields_asked_for_are_given() -> None:
    request = asked(inner=CRITERIA + "<om:outputSpec><om:outputField>messageId</om:outputField></om:outputSpec>")
    whole = operations.operational_data(operations.parse(request), request, [{"messageId": "a", "restPath": "/x"}])
    packed = whole.body.partition(b"json.gz>\r\n\r\n")[2]
    assert json.loads(zlib.decompressobj(31).decompress(packed)) == {"records": [{"messageId": "a"}]}
    assert b"nextRecordsFrom" not in whole.body


def test_services_and_faults_are_spelt_in_full() -> None:
    told = operations.service_xml("om:service", ServiceId("TW", "GOV", "nia", "border", "flag"))
    assert told.startswith('<om:service id:objectType="SERVICE"><id:xRoadInstance>TW</id:xRoadInstance>')
    whole = operations.fault("Server.ServerProxy.AccessDenied", "no <right>", "d-1").body.decode()
    root = ElementTree.fromstring(whole)
    assert root.findtext(".//faultcode") == "Server.ServerProxy.AccessDenied"
    assert root.findtext(".//faultstring") == "no <right>"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<xrd:id>req-1</xrd:id>", ""),
        ("<xrd:id>req-1</xrd:id>", "<xrd:id>a</xrd:id><xrd:id>b</xrd:id>"),
        ("<om:recordsFrom>100", "<om:recordsFrom>-1"),
        ("<om:recordsFrom>100", "<om:recordsFrom>300"),
        ("<om:recordsTo>200", "<om:recordsTo>９"),
        ("<om:searchCriteria>", "<om:searchCriteria2>"),
        ("<id:memberCode>moda</id:memberCode>", ""),
        ("4.0", "3.0"),
        (">getSecurityServerOperationalData<", ">listClients<"),
        ("<SOAP-ENV:Body>", "<SOAP-ENV:Body><x/>"),
        ("<SOAP-ENV:Envelope", "<!DOCTYPE a [<!ENTITY b 'c'>]><SOAP-ENV:Envelope"),
    ],
)
def test_what_is_no_such_request_is_refused(old: str, new: str) -> None:
    text = asked().decode()
    assert old in text
    with pytest.raises(Problem) as refused:
        operations.parse(text.replace(old, new).encode())
    assert isinstance(refused.value, Invalid)
