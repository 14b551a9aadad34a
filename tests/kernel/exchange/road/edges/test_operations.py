"""Operational monitoring by SOAP: a gateway answers for itself, passes on what is another's, and tells each its own."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest
from tests.kernel.exchange.road.edges.world import (
    BORDER,
    CARE,
    GW_NHI,
    NOW,
    PlainDirectory,
    a_call,
    asked_for,
    field_of,
    text_of,
)
from tests.wire.xroad.test_operations import ENVELOPE

from banyan.errors import Limit
from banyan.kernel.exchange.road.edges.operations import OperationsDesk, SoapPage
from banyan.kernel.exchange.road.edges.seams import Health, Records, ServiceHealth, Spread, Value
from banyan.kernel.exchange.road.model import Answer, Body, Request, Response
from banyan.kernel.exchange.road.spool import Held
from banyan.wire.xroad import headers, operations
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId
from banyan.wire.xroad.target import Target

MODA = ClientId("TW", "GOV", "moda", "monitor")
XML = (b"Content-Type", b"text/xml;charset=UTF-8")
OM = "{http://x-road.eu/xsd/op-monitoring.xsd}"


class Remembered:
    """A monitor with some records; it notes what it was asked."""

    def __init__(self, rows: Sequence[dict[str, Value]] = (), next_from: int = 0) -> None:
        self.rows, self.next_from = rows, next_from
        self.asked: list[tuple[int, int, ClientId | None, int]] = []

    async def records(self, first: int, last: int, client: ClientId | None, most: int) -> Records:
        self.asked.append((first, last, client, most))
        return Records(self.rows, self.next_from)

    async def health(self, client: ClientId | None) -> Health:
        self.asked.append((0, 0, client, 0))
        service = ServiceId("TW", "GOV", "nia", "border", "travel")
        spread = Spread(1, 2.5, 4, 0.5)
        return Health(1, 600, (ServiceHealth(service, 5, 0, "REST", 2, 1, spread, spread, spread),))


class Stage:
    """The page of a gateway: by default the one that the collector asks about."""

    def __init__(self, source: Remembered, server: ServerId | None = None) -> None:
        of = server or ServerId("TW", "GOV", "nia", "gw1")
        self.desk = OperationsDesk(of, source, clock=lambda: NOW, monitors=frozenset({MODA}))
        self.sent: list[tuple[Target, tuple[Field, ...], bytes]] = []
        self.page = SoapPage(self.desk, PlainDirectory(), self.ask, self.check)

    def check(self, request: Request, client: ClientId) -> None:
        if client.member == "stranger":
            raise Fault(Origin.CLIENT_PROXY, Code.SSL_AUTH_FAILED, message="Not you.")

    async def ask(self, target: Target, fields: tuple[Field, ...], body: Body) -> Answer:
        self.sent.append((target, fields, body.whole(1 << 20)))
        return Answer(200, b"OK", ((b"Content-Type", b"multipart/related; boundary=xroad1"),), Held(b"theirs"))

    def post(self, body: bytes, *fields: Field) -> Response:
        return asyncio.run(self.page(asked_for(b"/", *(fields or (XML,)), verb="POST", body=body)))


def asked(code: str = operations.OPERATIONAL, *, span: tuple[int, int] = (100, 200), client: ClientId = MODA) -> bytes:
    first, last = (f"<om:{name}>{at}</om:{name}>" for name, at in zip(("recordsFrom", "recordsTo"), span, strict=True))
    inner = f"<om:searchCriteria>{first}{last}</om:searchCriteria>"
    text = ENVELOPE.format(code=code, body=f"<om:{code}>{inner if code == operations.OPERATIONAL else ''}</om:{code}>")
    return text.replace("moda", client.member).replace("monitor</id", f"{client.subsystem}</id").encode()


def records_in(response: Response) -> list[dict[str, Value]]:
    """As the collector finds them."""
    found = re.search(
        rb"content-id: <operational-monitoring-data.json.gz>\r\n\r\n(.+)\r\n--xroad", text_of(response), re.DOTALL
    )
    assert found
    records = json.loads(zlib.decompress(found[1], zlib.MAX_WBITS | 16))["records"]
    assert isinstance(records, list)
    return records


def next_in(response: Response) -> int:
    found = re.search(rb"<om:nextRecordsFrom>(\d+)</om:nextRecordsFrom>", text_of(response))
    return int(found[1]) if found else 0


def test_the_collector_gets_its_records() -> None:
    source = Remembered([{"messageId": "m-1", "succeeded": True}], next_from=150)
    answer = Stage(source).post(asked())
    assert answer.status == 200
    assert field_of(answer, b"content-type").startswith("multipart/related")
    assert records_in(answer) == source.rows
    assert next_in(answer) == 150
    assert source.asked == [(100, 200, None, 10_000)]


def test_seconds_that_are_not_over_are_asked_for_again() -> None:
    source = Remembered()
    stage = Stage(source)
    now = int(NOW)
    assert next_in(stage.post(asked(span=(now - 100, now + 100)))) == now - 10
    assert source.asked == [(now - 100, now - 11, None, 10_000)]
    ahead = stage.post(asked(span=(now + 50, now + 100)))
    assert (records_in(ahead), next_in(ahead)) == ([], now + 50)
    assert len(source.asked) == 1


def test_others_get_only_what_they_took_part_in() -> None:
    source = Remembered()
    stage = Stage(source)
    stage.post(asked(client=CARE))
    stage.post(asked(client=ClientId("TW", "GOV", "nia", "border")))
    assert [one[2] for one in source.asked] == [CARE, None]


def test_others_may_not_ask_about_others() -> None:
    about = (
        b'<om:client id:objectType="SUBSYSTEM"><id:xRoadInstance>TW</id:xRoadInstance><id:memberClass>GOV'
        b"</id:memberClass><id:memberCode>nia</id:memberCode><id:subsystemCode>border</id:subsystemCode></om:client>"
    )
    stage = Stage(Remembered())
    body = asked(client=CARE).replace(b"</om:searchCriteria>", about + b"</om:searchCriteria>")
    answer = stage.post(body)
    assert answer.status == 500
    assert b"<faultcode>Server.ServerProxy.OpMonitor.AccessDenied</faultcode>" in text_of(answer)


def test_health_is_told_in_the_fields_words() -> None:
    answer = Stage(Remembered()).post(asked(operations.HEALTH))
    root = ElementTree.fromstring(text_of(answer))
    told = root.find(f".//{OM}getSecurityServerHealthDataResponse")
    assert told is not None
    assert told.findtext(f"{OM}statisticsPeriodSeconds") == "600"
    event = told.find(f"{OM}servicesEvents/{OM}serviceEvents")
    assert event is not None
    assert event.findtext(f"{OM}lastSuccessfulRequestTimestamp") == "5"
    assert event.find(f"{OM}lastUnsuccessfulRequestTimestamp") is None
    period = event.find(f"{OM}lastPeriodStatistics")
    assert period is not None
    names = [one.tag.removeprefix(OM) for one in period]
    assert names[:6] == [
        "successfulRequestCount",
        "unsuccessfulRequestCount",
        "requestMinDuration",
        "requestAverageDuration",
        "requestMaxDuration",
        "requestDurationStdDev",
    ]
    assert names[-1] == "responseSizeStdDev"


def test_a_question_for_another_gateway_goes_on_as_a_call_of_the_road() -> None:
    stage = Stage(Remembered(), server=GW_NHI)
    body = asked()
    answer = stage.post(body)
    assert (answer.status, text_of(answer)) == (200, b"theirs")
    target, fields, sent = stage.sent[0]
    assert target.service == ServiceId(*BORDER.parts, "getSecurityServerOperationalData")  # type: ignore[call-arg]
    assert sent == body
    assert headers.last_of(fields, b"x-road-client") == b"TW/GOV/moda/monitor"
    assert headers.last_of(fields, b"x-road-security-server") == b"TW/GOV/nia/gw1"
    assert headers.last_of(fields, b"x-road-id") == b"req-1"


def test_the_provider_answers_the_call_of_another_gateway() -> None:
    stage = Stage(Remembered([{"messageId": "m-1"}]))
    target = b"/r1/TW/GOV/nia/border/getSecurityServerOperationalData"
    call = a_call(target, verb="POST", client=MODA)
    answer = asyncio.run(stage.desk.answer(call, Held(asked())))
    assert b"operational-monitoring-data.json.gz" in answer.body.whole(1 << 20)
    with pytest.raises(Fault) as refused:
        asyncio.run(stage.desk.answer(a_call(target, verb="POST", client=CARE), Held(asked())))
    assert refused.value.codes == (Code.INCONSISTENT_HEADERS,)
    with pytest.raises(Limit):
        asyncio.run(stage.desk.answer(call, Held(b"<" * 300_000)))


def test_an_unknown_gateway_is_a_soap_fault() -> None:
    stage = Stage(Remembered(), server=GW_NHI)
    answer = stage.post(asked().replace(b">gw1<", b">gw9<"))
    assert b"<faultcode>Server.ClientProxy.UnknownMember</faultcode>" in text_of(answer)
    assert not stage.sent


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", ()),
        (b"<!DOCTYPE a><a/>", ()),
        (asked(client=ClientId("TW", "GOV", "stranger", "x")), ()),
    ],
)
def test_what_is_no_question_of_ours_is_a_soap_fault(body: bytes, fields: tuple[Field, ...]) -> None:
    answer = Stage(Remembered()).post(body, *fields)
    assert answer.status == 500
    assert field_of(answer, b"content-type") == "text/xml; charset=UTF-8"
    assert b"<faultcode>Server.ClientProxy." in text_of(answer)


@pytest.mark.parametrize(("verb", "kind"), [("POST", b"application/json"), ("GET", b"text/xml"), ("POST", b"")])
def test_what_is_no_soap_is_no_page(verb: str, kind: bytes) -> None:
    request = asked_for(b"/any", (b"Content-Type", kind), verb=verb, body=b"{}")
    with pytest.raises(Fault) as refused:
        asyncio.run(Stage(Remembered()).page(request))
    assert refused.value.status == 404
