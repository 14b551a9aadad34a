"""A GovStack client's fields are the road's own, by another name."""

from __future__ import annotations

import pytest

from banyan.wire.govstack import fields, listing
from banyan.wire.xroad import headers
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, ServiceId
from banyan.wire.xroad.members import Listed
from banyan.wire.xroad.methods import Offered


def test_a_govstack_client_is_read_and_travels_as_the_roads_own() -> None:
    asked = headers.parse_request_fields([(b"X-GovStack-Client", b"TW/GOV/nhi/care"), (b"X-GovStack-Id", b"m-1")])
    assert asked.client == ClientId("TW", "GOV", "nhi", "care")
    assert asked.message_id == "m-1"
    assert asked.kept == (
        (b"x-road-client", b"TW/GOV/nhi/care"),
        (b"x-road-id", b"m-1"),
        (b"x-banyan-dialect", b"govstack"),
    )


def test_the_roads_own_client_counts_first() -> None:
    both = [(b"X-GovStack-Client", b"TW/GOV/nhi/care"), (b"X-Road-Client", b"TW/GOV/nia/border")]
    assert headers.parse_request_fields(both).client == ClientId("TW", "GOV", "nia", "border")
    assert fields.as_road([(b"X-GovStack-Id", b"m-1")]) is None


@pytest.mark.parametrize("value", [b"", b"TW", b"TW/GOV/nhi/care/x"])
def test_a_wrong_client_is_refused(value: bytes) -> None:
    with pytest.raises(Fault):
        headers.parse_request_fields([(b"X-GovStack-Client", value)])


def test_lists_are_spelt_as_the_specification_says() -> None:
    clients = [Listed(ClientId("TW", "GOV", "nhi"), "NHI"), Listed(ClientId("TW", "GOV", "nhi", "care"), "NHI", "Care")]
    assert listing.encode_clients(clients) == (
        b'{"member":[{"name":"NHI","id":{"objectType":"MEMBER","instanceId":"TW","memberClass":"GOV",'
        b'"memberCode":"nhi"}},{"name":"Care","id":{"objectType":"APPLICATION","instanceId":"TW","memberClass":"GOV",'
        b'"memberCode":"nhi","applicationCode":"care"}}]}'
    )
    offered = Offered(ServiceId("TW", "GOV", "nia", "border", "flag"), "OPENAPI", (Endpoint("GET", "/a"),))
    assert listing.encode_services([offered]) == (
        b'{"member":[{"objectType":"SERVICE","serviceType":"OPENAPI","instanceId":"TW","memberClass":"GOV",'
        b'"memberCode":"nia","applicationCode":"border","serviceCode":"flag",'
        b'"endpointList":{"member":[{"method":"GET","path":"/a"}]}}]}'
    )
