"""`/listClients`: everybody in the directory, in the spelling of who asks."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.kernel.exchange.road.edges.world import (
    ABROAD,
    LISTED,
    PlainDirectory,
    asked_for,
    changed,
    field_of,
    text_of,
)

from banyan.errors import Invalid, NotFound
from banyan.kernel.exchange.road.edges.listing import ListClients
from banyan.kernel.exchange.road.model import Response
from banyan.wire.xroad import members
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.identifiers import ClientId
from banyan.wire.xroad.members import Listed

JSON = (b"Accept", b"application/json")
HOME = LISTED[:4]


def got(target: bytes, *fields: Field, verb: str = "GET") -> Response:
    return asyncio.run(ListClients(PlainDirectory(), "TW")(asked_for(target, *fields, verb=verb)))


def test_json_when_it_is_accepted_else_xml() -> None:
    as_json, as_xml = got(b"/listClients", JSON), got(b"/listClients")
    assert field_of(as_json, b"content-type") == "application/json"
    assert field_of(as_xml, b"content-type") == "text/xml; charset=utf-8"
    assert members.parse(text_of(as_json), "application/json") == HOME
    assert members.parse(text_of(as_xml), "text/xml") == HOME


def test_another_instance_by_name_in_either_spelling() -> None:
    there = members.parse(text_of(got(b"/listClients?xRoadInstance=EE", JSON)), "application/json")
    assert there == LISTED[4:]
    told = json.loads(text_of(got(b"/listClients?instanceId=EE")))
    assert [one["id"].get("applicationCode") for one in told["member"]] == [None, ABROAD.subsystem]


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        (b"/govstack/listClients", ()),
        (b"/listClients?instanceId=TW", ()),
        (b"/listClients", ((b"X-GovStack-Client", b"TW/GOV/nhi/care"),)),
    ],
)
def test_govstack_is_answered_in_its_own_spelling(target: bytes, fields: tuple[Field, ...]) -> None:
    answer = got(target, *fields)
    first = json.loads(text_of(answer))["member"][0]
    assert first["id"] == {"objectType": "MEMBER", "instanceId": "TW", "memberClass": "GOV", "memberCode": "nhi"}


def test_a_newer_directory_counts_at_once() -> None:
    directory = PlainDirectory()
    page = ListClients(directory, "TW")
    changed(directory, Listed(ClientId("TW", "GOV", "cdc"), "CDC"))
    answer = asyncio.run(page(asked_for(b"/listClients", JSON)))
    assert members.parse(text_of(answer), "application/json")[-1].name == "CDC"


@pytest.mark.parametrize(
    "target", [b"/listClients?xRoadInstance=A&xRoadInstance=B", b"/listClients?xRoadInstance=A&instanceId=B"]
)
def test_a_wrong_query_is_refused(target: bytes) -> None:
    with pytest.raises(Invalid):
        got(target)


def test_no_such_instance_and_no_such_method() -> None:
    with pytest.raises(NotFound):
        got(b"/listClients?xRoadInstance=XX")
    with pytest.raises(Invalid):
        got(b"/listClients", verb="POST")
