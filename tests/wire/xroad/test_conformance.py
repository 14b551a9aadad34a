"""The field's own conformance cases, as far as codecs alone decide them; the rest need a running pair of gateways.

`data/exchange/xroad/rest_conformance_cases.json`: 41 cases read out of X-Road's tests.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.make import shared_data

from banyan.wire.xroad import block, description, faults, headers, methods
from banyan.wire.xroad.access import Endpoint, Rights, checked_path
from banyan.wire.xroad.codes import Code, Origin, respelled, spelled
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Call, Field
from banyan.wire.xroad.identifiers import ServiceId
from banyan.wire.xroad.target import Target, parse_target, parse_verb

NEEDS_A_PAIR = {
    "shouldHaveContentLengthHeader",
    "shouldGetLargeBinaryMessage",
    "shouldSelectResolvableAddress",
    "shouldHandleGetOpenApi",
}
"""Nothing of these is a codec's: framing to the provider, streaming, choice of an address, a fetched content type."""
ACCEPT = "shouldRespectAcceptHeaderInErrorResponse"
ORIGINS = {"SERVER_SERVERPROXY_X": Origin.SERVER_PROXY, "SERVER_CLIENTPROXY_X": Origin.CLIENT_PROXY}
ECHO_PATH = b"/r1/EE/BUSINESS/producer/sub/echo"


def cases() -> dict[str, dict[str, Any]]:
    found = json.loads(shared_data("exchange/xroad/rest_conformance_cases.json").read_text(encoding="utf-8"))["cases"]
    assert len(found) == 41
    return {case["id"]: case for case in found}


def fields_of(case: dict[str, Any]) -> list[Field]:
    return [(name.encode(), value.encode()) for name, value in case["request"]["headers"].items()]


def sent(case: dict[str, Any], request_id: str = "r-1") -> tuple[Target, headers.Asked, list[Field]]:
    """The consumer's gateway: what goes to its peer."""
    request = case["request"]
    parse_verb(request["method"])
    target = parse_target(request["path"].encode())
    asked = headers.parse_request_fields(fields_of(case))
    return target, asked, headers.request_fields(asked, request_id, headers.message_id_of(asked, "u-1"))


def answered(case: dict[str, Any], provider: list[Field], request_id: str = "r-1") -> list[Field]:
    """The provider's gateway: what goes back."""
    target, asked, out = sent(case, request_id)
    body = case["request"].get("body")
    digest = hashlib.sha512(body.encode()).digest() if body else None
    hashed = block.request_hash(block.encode_request(case["request"]["method"], target, out), digest)
    message_id = headers.message_id_of(asked, "u-1")
    return headers.response_fields(provider, Call(asked.client, target.service, message_id, request_id, hashed))


@pytest.mark.parametrize("name", ["shouldFailIfClientHeaderMissing", "shouldFailIfMalformedRequestURI"])
def test_failures_before_a_call(name: str) -> None:
    case = cases()[name]
    with pytest.raises(Fault) as refused:
        sent(case)
    answer = faults.answer(refused.value, "d-1", case["request"]["headers"].get("Accept", "").split("\n"))
    assert answer.status == case["expect"]["status"] == 500
    assert answer.error


def test_simple_post_goes_through_and_keeps_its_id() -> None:
    for name, wanted in (("shouldHandleSimplePost", "EE-u-1"), ("shouldKeepQueryId", "<uuid>")):
        case = cases()[name]
        target, _, out = sent(case)
        assert (target.request_path, target.path, target.query) == (ECHO_PATH, b"", None)
        assert headers.last_of(out, b"x-road-id") == wanted.encode()
        assert headers.last_of(answered(case, []), b"x-road-id") == wanted.encode()


def test_the_request_hash_is_unique_for_the_same_id() -> None:
    case = cases()["requestHashShouldBeUnique"]
    hashes = {headers.last_of(answered(case, [], request_id), b"x-road-request-hash") for request_id in ("r-1", "r-2")}
    assert len(hashes) == case["request"]["repeat"] == 2
    assert case["expect"]["differs_between_repeats"] == headers.REQUEST_HASH.decode()


def test_one_date() -> None:
    case = cases()["shouldHaveOnlyOneDateHeader"]
    dates = [(b"Date", b"Thu, 21 Mar 2019 11:42:03 GMT"), (b"date", b"Thu, 21 Mar 2019 11:42:04 GMT")]
    names = [name.lower() for name, _ in answered(case, dates)]
    assert names.count(b"date") == case["expect"]["header_count"]["Date"] == 1


def test_encoded_identifiers_and_the_path_as_sent() -> None:
    target, asked, _ = sent(cases()["shouldAcceptPercentEncodedIdentifiers"])
    assert target.service == ServiceId("EE", "BUSINESS", "producer", "s/ub", "öäå")
    assert asked.client.subsystem == "sub/system"
    assert target.provider_path == b"/path%3B/"
    assert checked_path(Rights([Endpoint()]), "GET", target.path) == b"/path%3B/"


def test_an_empty_path() -> None:
    target, _, _ = sent(cases()["shouldAcceptEmptyPath"])
    assert target.provider_path == b"/"
    assert checked_path(Rights([Endpoint("GET", "/")]), "GET", target.path) == b"/"


def test_a_redirect_goes_back_as_it_is() -> None:
    case = cases()["shouldNotFollow302Redirects"]
    location = case["expect"]["headers"]["Location"].encode()
    out = answered(case, [(b"Location", location)])
    assert headers.last_of(out, b"location") == location
    assert block.encode_response(case["expect"]["status"], b"Found", out).startswith(b"302\r\nFound\r\nLocation:/r1/")


def test_patch_is_denied_where_get_is_allowed() -> None:
    case = cases()["shouldNotAllowPATCH"]
    target, _, _ = sent(case)
    rights = Rights([Endpoint("GET", "**")])
    assert checked_path(rights, "GET", target.path) == b""
    with pytest.raises(Fault) as denied:
        checked_path(rights, case["request"]["method"], target.path)
    spellings = [faults.answer(denied.value, "d", (), spelling).error for spelling in ("documented", "renamed")]  # type: ignore[arg-type]
    assert spellings == case["expect"]["headers"]["X-Road-Error"]
    assert denied.value.status == case["expect"]["status"]


def wrong_type() -> Fault:
    return Fault(Origin.SERVER_PROXY, Code.INVALID_SERVICE_TYPE, message="The service is no REST service.")


def test_a_service_of_the_wrong_type() -> None:
    expect = cases()["shouldNotAllowCallingWSDLServices"]["expect"]
    answers = [faults.answer(wrong_type(), "d", (), spelling) for spelling in ("documented", "renamed")]  # type: ignore[arg-type]
    assert [one.error for one in answers] == expect["headers"]["X-Road-Error"]
    assert {one.status for one in answers} == {expect["status"]}


def test_the_accept_matrix() -> None:
    matrix = [case for name, case in cases().items() if name.startswith(ACCEPT)]
    assert len(matrix) == 11
    for case in matrix:
        accept = [value.decode() for name, value in fields_of(case) if name == b"Accept"]
        answer = faults.answer(wrong_type(), "d-1", accept)
        assert answer.status == case["expect"]["status"]
        assert answer.content_type == case["expect"]["content_type"]
        assert faults.parse_error(answer.body, answer.content_type).type == answer.error


def test_fault_code_cases() -> None:
    kinds = [case for case in cases().values() if case.get("kind", "").startswith("fault code case")]
    assert len(kinds) == 8
    for case in kinds:
        origin = ORIGINS[case["expect"]["fault_prefix"]]
        code = Code[case["expect"]["fault_code"].removeprefix("X_")]
        documented, renamed = spelled(origin, code), spelled(origin, code, spelling="renamed")
        assert respelled(documented, "renamed") == renamed
        assert Fault(origin, code, message="m").status == 500


def test_the_field_drivers_own_calls() -> None:
    wanted = {"e2e-0100-1": ("mock1", b""), "e2e-0100-2": ("restapi", b"//api/members")}
    for name, (service, path) in wanted.items():
        case = cases()[name]
        method, address = case["request"].split(" ")[:2]
        target = parse_target(address.encode())
        assert target.service == ServiceId("DEV", "COM", "1234", "TestService", service)
        assert target.path == path
        asked = headers.parse_request_fields([(b"X-Road-Client", case["headers"]["X-Road-Client"].encode())])
        assert asked.client.parts == ("DEV", "COM", "4321", "TestClient")
        granted = Rights([Endpoint(method, "/api/members" if path else "**")])
        assert checked_path(granted, method, target.path) == path


def test_meta_service_cases() -> None:
    known = cases()
    service = ServiceId("EE", "BUSINESS", "producer", "sub", "bar")
    offered = methods.Offered(service, "OPENAPI", (Endpoint("GET", "/a"), Endpoint("POST", "/a")))
    assert "nulls omitted" in known["shouldHandleListMethods"]["expect"]
    document = json.loads(methods.encode([offered]))
    assert document["service"][0]["object_type"] == "SERVICE"
    assert None not in document["service"][0].values()
    assert "only what the caller may invoke" in known["shouldHandleAllowedMethods"]["expect"]
    granted = [("bar", Endpoint("GET", "/a"))]
    assert methods.allowed([offered], granted) == (methods.Offered(service, "OPENAPI", (Endpoint("GET", "/a"),)),)
    for name, head in (("shouldOverrideServerUrlsForYaml", "openapi: 3.0.0\nservers:\n  - url: "),
                       ("shouldOverrideServerUrlsForJson", '{"openapi":"3.0.0","servers":[{"url":"')):  # fmt: skip
        told = known[name]["expect"].removeprefix("servers url host removed: ").partition(";")[0]
        url, path = told.split(" -> ")
        tail = '"}]}' if head.startswith("{") else "\n"
        assert description.without_hosts((head + url + tail).encode()).decode() == head + path + tail
    assert known["shouldDetectUnsupportedOpenapiVersion"]["expect"] == "fault"
    with pytest.raises(Fault):
        description.without_hosts(b"openapi: 2.0.0\n")


def test_every_case_is_here_or_waits_for_the_pair() -> None:
    """A case that nobody names in this file is one that nobody proves."""
    text = Path(__file__).read_text(encoding="utf-8")
    kinds = {name for name, case in cases().items() if case.get("kind", "").startswith("fault code case")}
    accept = {name for name in cases() if name.startswith(ACCEPT)}
    named = {name for name in cases() if f'"{name}"' in text}
    assert named | kinds | accept == set(cases())
    assert len(named - NEEDS_A_PAIR) + len(kinds) + len(accept) == 37
