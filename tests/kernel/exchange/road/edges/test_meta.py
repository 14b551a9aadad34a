"""Meta-services at the provider's gateway: lists, rights, descriptions; what is no meta-service of ours is refused."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.kernel.exchange.road.edges.world import BORDER, CARE, PlainGrants, a_call

from banyan.errors import Unavailable
from banyan.kernel.exchange.road.edges.meta import Document, Meta
from banyan.kernel.exchange.road.model import Answer, Grant, Offer, OfferType
from banyan.kernel.exchange.road.spool import EMPTY
from banyan.wire.xroad import headers, methods
from banyan.wire.xroad.access import Endpoint, Rights
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.identifiers import ClientId, ServiceId
from banyan.wire.xroad.methods import Offered

BASE = b"/r1/TW/GOV/nia/border/"
FLAG, WATCH = Endpoint("GET", "/flag"), Endpoint("POST", "/watch")
YAML = b"openapi: 3.0.1\nservers:\n  - url: http://inside.example/v1\npaths: {}\n"


def an_offer(code: str, type_: OfferType, *endpoints: Endpoint, description: str = "") -> Offer:
    service = ServiceId("TW", "GOV", "nia", "border", code)
    return Offer(service, type_, "http://inside.example/", endpoints, description=description)


OFFERS = (
    an_offer("travel", "OPENAPI", FLAG, WATCH, description="yaml"),
    an_offer("raw", "REST"),
    an_offer("soap", "WSDL"),
    an_offer("json", "OPENAPI", description="json"),
    an_offer("old", "OPENAPI", description="old"),
    an_offer("away", "OPENAPI", description="away"),
)
DOCUMENTS = {
    "yaml": Document(YAML, "text/yaml"),
    "json": Document(
        b'{"openapi":"3.1.0","servers":[{"url":"https://inside.example/v2"}]}', "application/json; charset=x"
    ),
    "old": Document(b"swagger: '2.0'\n", "text/yaml"),
}


async def read(where: str) -> Document:
    try:
        return DOCUMENTS[where]
    except KeyError as error:
        raise Unavailable("http://inside.example/secret cannot be read") from error


def meta(*granted: tuple[str, Endpoint]) -> Meta:
    rights: dict[tuple[ClientId, str], Grant] = {}
    for code in {code for code, _ in granted}:
        own = Rights([endpoint for known, endpoint in granted if known == code])
        rights[CARE, code] = Grant(CARE, ServiceId(*BORDER.parts, code), own)  # type: ignore[call-arg]
    return Meta(PlainGrants(OFFERS, rights), read)


def got(target: bytes, *fields: Field, of: Meta | None = None, verb: str = "GET") -> Answer:
    return asyncio.run((of or meta()).answer(a_call(BASE + target, *fields, verb=verb), EMPTY))


def listed(answer: Answer) -> tuple[Offered, ...]:
    return methods.parse(answer.body.whole(1 << 20))


def test_list_methods_shows_all_but_soap() -> None:
    found = listed(got(b"listMethods"))
    assert [one.id.service for one in found] == ["away", "json", "old", "raw", "travel"]
    assert found[-1] == Offered(OFFERS[0].id, "OPENAPI", (FLAG, WATCH))


def test_allowed_methods_shows_what_was_granted() -> None:
    found = listed(got(b"allowedMethods", of=meta(("travel", FLAG), ("raw", Endpoint()), ("soap", Endpoint()))))
    assert found == (Offered(OFFERS[1].id, "REST", (Endpoint(),)), Offered(OFFERS[0].id, "OPENAPI", (FLAG,)))
    assert listed(got(b"allowedMethods")) == ()


def test_a_govstack_client_gets_its_own_spelling() -> None:
    answer = got(b"listMethods", (b"X-Banyan-Dialect", b"govstack"))
    told = json.loads(answer.body.whole(1 << 20))["member"][-1]
    assert (told["applicationCode"], told["serviceCode"], told["serviceType"]) == ("border", "travel", "OPENAPI")


def test_a_description_comes_without_the_host_and_with_its_own_type() -> None:
    answer = got(b"getOpenAPI?serviceCode=travel")
    assert answer.body.whole(1 << 20) == YAML.replace(b"http://inside.example/v1", b"/v1")
    assert headers.last_of(answer.fields, b"content-type") == b"text/yaml"
    other = got(b"getOpenAPI?serviceCode=json")
    assert json.loads(other.body.whole(1 << 20))["servers"] == [{"url": "/v2"}]
    assert headers.last_of(other.fields, b"content-type") == b"application/json; charset=x"


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        (b"getOpenAPI", "InvalidRequest", "serviceCode"),
        (b"getOpenAPI?serviceCode=none", "UnknownService", "no service"),
        (b"getOpenAPI?serviceCode=raw", "ServiceType", "Invalid service type: REST"),
        (b"getOpenAPI?serviceCode=soap", "ServiceType", "Invalid service type: WSDL"),
        (b"getOpenAPI?serviceCode=old", "InternalError", "version"),
        (b"getOpenAPI?serviceCode=away", "InternalError", "Failed reading service description from"),
        (b"getWsdl?serviceCode=soap", "UnknownService", "getWsdl"),
        (b"getSecurityServerMetrics", "UnknownService", "getSecurityServerMetrics"),
        (b"listClients", "UnknownService", "listClients"),
    ],
)
def test_what_cannot_be_answered_is_said(target: bytes, code: str, message: str) -> None:
    with pytest.raises(Fault) as refused:
        got(target)
    assert refused.value.type_in("documented") == f"Server.ServerProxy.{code}"
    assert message in refused.value.title
    assert "inside.example" not in refused.value.title + refused.value.remedy


def test_the_text_that_the_fields_tools_compare_is_alone() -> None:
    """xrdinfo asks whether the message equals this text; a remedy behind it would hide it."""
    with pytest.raises(Fault) as refused:
        got(b"getOpenAPI?serviceCode=raw")
    assert (refused.value.title, refused.value.remedy) == ("Invalid service type: REST", "")


def test_meta_services_are_read_only() -> None:
    with pytest.raises(Fault) as refused:
        got(b"listMethods", verb="DELETE")
    assert refused.value.type_in("documented") == "Server.ServerProxy.InvalidHttpMethod"
