"""The 41 cases of X-Road's own tests, each by its name, over two real gateways with mTLS between them.

`data/exchange/xroad/rest_conformance_cases.json`. `TESTS` names the function of each; a case without one fails.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.exchange.road.conformance.stage import (
    BASE,
    DEV_CLIENT,
    DEV_SERVICE,
    LARGE,
    NIIS,
    SECURED,
    YAML,
    Town,
    a_town,
    cases,
    only,
)
from tests.kernel.exchange.road.pair import CONSUMER, PRODUCER, Reply, Seen, said

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.model import Route
from banyan.kernel.exchange.road.spool import EMPTY
from banyan.wire.xroad import faults, methods
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.codes import Code, Origin, Spelling, respelled, spelled
from banyan.wire.xroad.identifiers import parse_client

Case = Mapping[str, Any]
Test = Callable[[Town, Case], Awaitable[None]]
TESTS: dict[str, Test] = {}
ACCEPT = "shouldRespectAcceptHeaderInErrorResponse"
ORIGINS = {"SERVER_SERVERPROXY_X": Origin.SERVER_PROXY, "SERVER_CLIENTPROXY_X": Origin.CLIENT_PROXY}


def case(name: str) -> Callable[[Test], Test]:
    def note(test: Test) -> Test:
        assert name not in TESTS
        TESTS[name] = test
        return test

    return note


def run(name: str, folder: Path, test: Test, spelling: Spelling = "documented") -> None:
    async def story() -> None:
        async with a_town(folder, spelling=spelling) as town:
            await test(town, cases()[name])
            assert not town.road.reported

    asyncio.run(story())


def check_error(reply: Reply, origin: Origin, code: Code, spelling: Spelling = "documented") -> None:
    told = spelled(origin, code, spelling=spelling)
    assert (reply.status, reply.fields.get("x-road-error")) == (500, told)
    body = faults.parse_error(reply.body, reply.fields["content-type"])
    assert body.type == told
    assert body.message
    assert body.detail


async def _as_expected(town: Town, one: Case) -> Reply:
    """Ask, and hold the answer to what the case says of it."""
    reply = await town.ask(one)
    expect = one["expect"]
    assert reply.status == expect.get("status", 200), (reply, town.road.reported)
    for name in expect.get("headers_present", ()):
        assert name.lower() in reply.fields
    if "content_type" in expect:
        assert reply.fields["content-type"] == expect["content_type"]
    if "json" in expect:
        assert reply.json == expect["json"]
    for name, count in expect.get("header_count", {}).items():
        assert [known.lower() for known, _ in reply.lines].count(name.lower()) == count
    return reply


@case("shouldFailIfClientHeaderMissing")
async def client_header_missing(town: Town, one: Case) -> None:
    check_error(await _as_expected(town, one), Origin.CLIENT_PROXY, Code.MISSING_HEADER_FIELD)


@case("shouldFailIfMalformedRequestURI")
async def malformed_uri(town: Town, one: Case) -> None:
    check_error(await _as_expected(town, one), Origin.CLIENT_PROXY, Code.INVALID_REQUEST)


@case("shouldHandleSimplePost")
async def simple_post(town: Town, one: Case) -> None:
    reply = await _as_expected(town, one)
    assert reply.fields["x-road-client"] == CONSUMER
    assert reply.fields["x-road-service"] == f"{PRODUCER}/sub/echo"
    assert reply.fields["x-road-id"].startswith("EE-")
    assert {log.messages.published.size for log in town.logs.values()} == {0}, "an answer waits for no checkpoint"
    for log in town.logs.values():
        await log.messages.publish()
    assert {log.messages.published.size for log in town.logs.values()} == {2}, "who logs, and this exchange"


@case("shouldKeepQueryId")
async def keeps_the_id(town: Town, one: Case) -> None:
    sent = "5b3d8f9c-0e4a-4c33-9d8d-1f2a3b4c5d6e"
    reply = await town.ask(one, headers={**one["request"]["headers"], "X-Road-Id": sent})
    assert reply.status == 200
    assert reply.fields["x-road-id"] == sent
    assert town.road.service.seen[0].get("X-Road-Id") == sent


@case("shouldHaveContentLengthHeader")
async def content_length(town: Town, one: Case) -> None:
    await _as_expected(town, one)
    (seen,) = town.road.service.seen
    assert seen.get("Content-Length") == str(len(one["request"]["body"]))
    assert seen.get("Transfer-Encoding") is None


@case("requestHashShouldBeUnique")
async def unique_hash(town: Town, one: Case) -> None:
    replies = [await _as_expected(town, one) for _ in range(one["request"]["repeat"])]
    name = one["expect"]["differs_between_repeats"]
    assert len({reply.fields[name] for reply in replies}) == 2
    assert {reply.fields["x-road-id"] for reply in replies} == {"queryid"}


@case("shouldHaveOnlyOneDateHeader")
async def one_date(town: Town, one: Case) -> None:
    dates = (("Date", "Thu, 21 Mar 2019 11:42:03 GMT"), ("date", "Thu, 21 Mar 2019 11:42:04 GMT"))
    town.road.service.script = lambda seen: said(seen.body, dates)
    await _as_expected(town, one)
    town.road.service.script = lambda seen: said(seen.body)
    reply = await _as_expected(town, one)
    told = datetime.strptime(reply.fields["date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert told.timestamp() > 0


@case("shouldAcceptPercentEncodedIdentifiers")
async def encoded_identifiers(town: Town, one: Case) -> None:
    reply = await _as_expected(town, one)
    (seen,) = town.road.service.seen
    assert seen.target == "/path%3B/"
    assert reply.fields["x-road-service"] == "EE/BUSINESS/producer/s%2Fub/%C3%B6%C3%A4%C3%A5"
    assert reply.fields["x-road-client"] == "EE/BUSINESS/consumer/sub%2Fsystem"


@case("shouldAcceptEmptyPath")
async def empty_path(town: Town, one: Case) -> None:
    await _as_expected(town, one)
    assert town.road.service.seen[0].target == "/"


@case("shouldGetLargeBinaryMessage")
async def large_binary(town: Town, one: Case) -> None:
    def script(seen: Seen) -> bytes:
        assert seen.target == f"/?bytes={LARGE}" or seen.target == f"?bytes={LARGE}"
        return said(bytes(LARGE), (("Content-Type", "application/octet-stream"),))

    town.road.service.script = script
    reply = await _as_expected(town, one)
    assert len(reply.body) == one["expect"]["body_length"] == LARGE
    assert not any(reply.body)
    assert reply.fields["content-type"] == "application/octet-stream"


@case("shouldNotFollow302Redirects")
async def redirects(town: Town, one: Case) -> None:
    location = one["expect"]["headers"]["Location"]
    town.road.service.script = lambda seen: said(b"", (("Location", location),), "302 Found")
    reply = await _as_expected(town, one)
    assert reply.fields["location"] == location
    assert "x-road-error" not in reply.fields
    assert len(town.road.service.seen) == 1


@case("shouldNotAllowCallingWSDLServices")
async def wsdl_services(town: Town, one: Case) -> None:
    reply = await _as_expected(town, one)
    assert reply.fields["x-road-error"] in one["expect"]["headers"]["X-Road-Error"]
    check_error(reply, Origin.SERVER_PROXY, Code.INVALID_SERVICE_TYPE, town.road.a.gateway.settings.spelling)


@case("shouldNotAllowPATCH")
async def no_patch(town: Town, one: Case) -> None:
    only(town, CONSUMER, f"{PRODUCER}/sub/service", Endpoint("GET", "**"))
    allowed = await town.ask(one, method="GET")
    assert allowed.status == 200
    reply = await _as_expected(town, one)
    assert reply.fields["x-road-error"] in one["expect"]["headers"]["X-Road-Error"]
    check_error(reply, Origin.SERVER_PROXY, Code.ACCESS_DENIED, town.road.a.gateway.settings.spelling)
    assert len(town.road.service.seen) == 1


@case("shouldSelectResolvableAddress")
async def resolvable_address(town: Town, one: Case) -> None:
    producer, good = parse_client(f"{PRODUCER}/sub"), town.road.route("ss2")
    junk = ["server.invalid.", "127.0.0,78", "\ufeffzero\u200b.width", "::1"]
    assert all(host in one["setup"].encode().decode("unicode_escape") for host in junk[:2])
    for hosts in (["127.0.0.1", *junk], [*junk, "127.0.0.1"]):
        routes = [msgspec.structs.replace(good, host=host) for host in hosts]
        town.road.directory.by_subsystem[producer] = routes
        await _as_expected(town, one)


@case("UnknownService")
async def unknown_service(town: Town, one: Case) -> None:
    reply = await town.road.call("GET", f"{BASE}/nothing")
    check_error(reply, ORIGINS[one["expect"]["fault_prefix"]], Code.UNKNOWN_SERVICE)


@case("ServiceDisabled")
async def service_disabled(town: Town, one: Case) -> None:
    town.road.offer(f"{PRODUCER}/sub/echo", CONSUMER, is_enabled=False, notice="We move house.")
    reply = await town.road.call("POST", f"{BASE}/echo", body=b"{}")
    check_error(reply, ORIGINS[one["expect"]["fault_prefix"]], Code.SERVICE_DISABLED)
    assert "We move house." in reply.json["message"]


@case("NotAllowed")
async def not_allowed(town: Town, one: Case) -> None:
    reply = await town.road.call("POST", f"{BASE}/echo", {"X-Road-Client": DEV_CLIENT}, b"{}")
    check_error(reply, ORIGINS[one["expect"]["fault_prefix"]], Code.ACCESS_DENIED)
    assert not town.road.service.seen


@case("InvalidProviderAddress3")
async def no_address(town: Town, one: Case) -> None:
    town.road.directory.by_subsystem[parse_client(f"{PRODUCER}/sub")] = []
    reply = await town.road.call("POST", f"{BASE}/echo", body=b"{}")
    check_error(reply, ORIGINS[one["expect"]["fault_prefix"]], Code.UNKNOWN_MEMBER)


@case("SslSelectFastestProxyNoConnections")
async def no_connections(town: Town, one: Case) -> None:
    good = town.road.route("ss2")
    await town.road.b.gateway.stop(0.0)
    routes = [msgspec.structs.replace(good, host=host) for host in ("127.0.0.1", "127.0.0.2")]
    town.road.directory.by_subsystem[parse_client(f"{PRODUCER}/sub")] = routes
    reply = await town.road.call("POST", f"{BASE}/echo", body=b"{}")
    check_error(reply, ORIGINS[one["expect"]["fault_prefix"]], Code.NETWORK_ERROR)


@case("ServerProxyMaintenanceMode")
async def maintenance_mode(town: Town, one: Case) -> None:
    good = town.road.route("ss2")
    town.road.directory.by_subsystem[parse_client(f"{PRODUCER}/sub")] = [
        msgspec.structs.replace(good, notice="New disks, until 5 o'clock.")
    ]
    reply = await town.road.call("POST", f"{BASE}/echo", body=b"{}")
    check_error(reply, ORIGINS[one["expect"]["fault_prefix"]], Code.MAINTENANCE_MODE)
    assert "New disks" in reply.json["message"]


@case("SslClientAuthNoISCert")
async def no_client_certificate(town: Town, one: Case) -> None:
    """The client's connection is mutual TLS: neither plain HTTP nor TLS without its certificate do."""
    fields, trusting = {"X-Road-Client": SECURED}, _trusting(town)
    for context in (None, trusting):
        reply = await town.road.call("POST", f"{BASE}/echo", fields, b"{}", context=context)
        check_error(reply, ORIGINS[one["expect"]["fault_prefix"]], Code.SSL_AUTH_FAILED)
    assert not town.road.service.seen
    trusting.load_cert_chain(town.identity.certificate, town.identity.key)
    reply = await town.road.call("POST", f"{BASE}/echo", fields, b"{}", context=trusting)
    assert reply.status == 200, reply


@case("NoSignatureToServerProxy")
async def no_signature(town: Town, one: Case) -> None:
    """Past the consumer's gateway: its certificate, and a call that nobody signed."""
    route: Route = town.road.route("ss2")
    until = EpochS(town.road.clock() + 10)
    fields = ((b"X-Road-Client", CONSUMER.encode()), (b"X-Road-Service", f"{PRODUCER}/sub/echo".encode()))
    answer = await town.road.a.gateway.peer.ask(route, "GET", f"{BASE}/echo".encode(), until=until, fields=fields)
    told = dict(answer.fields)
    assert answer.status == 500
    assert told[b"x-road-error"].decode() == spelled(ORIGINS[one["expect"]["fault_prefix"]], Code.MISSING_SIGNATURE)
    assert not town.road.service.seen
    assert answer.body is not EMPTY


@case("e2e-0100-1")
async def e2e_post(town: Town, one: Case) -> None:
    verb, address, body = one["request"].split(" ", 2)
    town.road.service.script = lambda seen: said(b'{"message": "Hello, world from POST service!"}')
    reply = await town.road.call(verb, address, one["headers"], body.encode())
    assert reply.status == 200
    assert reply.json["message"] == one["expect"].partition('"')[2].strip('"')
    assert town.road.service.seen[0].body == body.encode()


@case("e2e-0100-2")
async def e2e_get(town: Town, one: Case) -> None:
    only(town, DEV_CLIENT, f"{DEV_SERVICE}/restapi", Endpoint("GET", "/api/members"))
    town.road.service.script = lambda seen: said(msgspec.json.encode(NIIS), (("Content-Type", "application/json"),))
    verb, address = one["request"].split(" ")[:2]
    reply = await town.road.call(verb, address, one["headers"])
    assert reply.status == 200
    assert reply.json[0]["name"] == one["expect"].partition('"')[2].strip('"')
    assert town.road.service.seen[0].target == "//api/members"
    other = await town.road.call(verb, address.replace("members", "others"), one["headers"])
    check_error(other, Origin.SERVER_PROXY, Code.ACCESS_DENIED)


@case("shouldHandleListMethods")
async def list_methods(town: Town, one: Case) -> None:
    town.road.offer(f"{PRODUCER}/sub/bar", type="OPENAPI", endpoints=(Endpoint("GET", "/a"), Endpoint("POST", "/a")))
    reply = await town.road.call("GET", f"{BASE}/listMethods")
    assert reply.status == 200
    assert reply.fields["content-type"] == "application/json"
    found = {code.id.service: code for code in methods.parse(reply.body)}
    assert sorted(found) == ["bar", "echo", "service", "test"]
    assert found["bar"].endpoints == (Endpoint("GET", "/a"), Endpoint("POST", "/a"))
    assert "null" not in reply.body.decode()
    assert set(reply.json["service"][0]) == {
        "member_class",
        "member_code",
        "object_type",
        "service_code",
        "service_type",
        "subsystem_code",
        "xroad_instance",
        "endpoint_list",
    }
    assert reply.fields["x-road-request-hash"]


@case("shouldHandleAllowedMethods")
async def allowed_methods(town: Town, one: Case) -> None:
    town.road.offer(f"{PRODUCER}/sub/bar", type="OPENAPI", endpoints=(Endpoint("GET", "/a"), Endpoint("POST", "/a")))
    only(town, DEV_CLIENT, f"{PRODUCER}/sub/bar", Endpoint("GET", "/a"))
    reply = await town.road.call("GET", f"{BASE}/allowedMethods", {"X-Road-Client": DEV_CLIENT})
    found = methods.parse(reply.body)
    assert [(code.id.service, code.endpoints) for code in found] == [("bar", (Endpoint("GET", "/a"),))]


async def _openapi(town: Town, document: bytes, kind: str) -> Reply:
    town.road.service.script = lambda seen: said(document, (("Content-Type", kind),))
    where = f"{town.road.url}/petstore?format=any"
    town.road.offer(f"{PRODUCER}/sub/pets", type="OPENAPI", description=where)
    reply = await town.road.call("GET", f"{BASE}/getOpenAPI?serviceCode=pets")
    assert town.road.service.seen[-1].target == "/petstore?format=any"
    assert town.road.service.seen[-1].get("X-Road-Client") is None
    return reply


@case("shouldHandleGetOpenApi")
async def get_openapi(town: Town, one: Case) -> None:
    for kind in ("text/yaml; charset=utf-8", "application/vnd.oai.openapi"):
        reply = await _openapi(town, YAML, kind)
        assert reply.status == 200
        assert reply.body
        assert reply.fields["content-type"] == kind


@case("shouldOverrideServerUrlsForYaml")
async def openapi_yaml(town: Town, one: Case) -> None:
    url, path = one["expect"].removeprefix("servers url host removed: ").split(" -> ")
    document = YAML.replace(b"http://petstore.swagger.io/v1/cats", url.encode())
    reply = await _openapi(town, document, "text/yaml")
    assert reply.body == document.replace(url.encode(), path.encode())


@case("shouldOverrideServerUrlsForJson")
async def openapi_json(town: Town, one: Case) -> None:
    url, path = one["expect"].partition(";")[0].split(" -> ")
    servers = [{"url": url}, {"url": "https://{region}.petstore.swagger.io/v2"}]
    reply = await _openapi(town, msgspec.json.encode({"openapi": "3.0.2", "servers": servers}), "application/json")
    assert reply.json["servers"] == [{"url": path}, servers[1]]


@case("shouldDetectUnsupportedOpenapiVersion")
async def openapi_version(town: Town, one: Case) -> None:
    reply = await _openapi(town, b"openapi: 2.0.0\n", "text/yaml")
    check_error(reply, Origin.SERVER_PROXY, Code.INTERNAL_ERROR)


async def accept_matrix(town: Town, one: Case) -> None:
    reply = await _as_expected(town, one)
    told = faults.parse_error(reply.body, reply.fields["content-type"])
    assert told.type == reply.fields["x-road-error"] == "Server.ServerProxy.ServiceType"


for _name in cases():
    if _name.startswith(ACCEPT):
        TESTS[_name] = accept_matrix


@pytest.mark.parametrize("name", sorted(cases()))
def test_case(name: str, tmp_path: Path) -> None:
    run(name, tmp_path, TESTS[name])


@pytest.mark.parametrize("name", ["shouldNotAllowCallingWSDLServices", "shouldNotAllowPATCH"])
def test_case_in_the_spelling_of_7_8(name: str, tmp_path: Path) -> None:
    run(name, tmp_path, TESTS[name], spelling="renamed")
    documented, renamed = cases()[name]["expect"]["headers"]["X-Road-Error"]
    assert respelled(documented, "renamed") == renamed


def test_every_case_has_its_test() -> None:
    assert set(TESTS) == set(cases())


def _trusting(town: Town) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=town.road.a.pem)
    return context
