"""Meta-services: lists come back, the field's own examples, descriptions without hosts, the configuration's ZIP."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.errors import Invalid, Limit
from banyan.wire.xroad import description, members, methods, verification
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, ServiceId
from banyan.wire.xroad.members import Listed
from banyan.wire.xroad.methods import Offered
from banyan.wire.xroad.verification import VerificationConf

TEXT = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=20
)
LISTED = st.builds(Listed, st.builds(ClientId, TEXT, TEXT, TEXT, st.just("") | TEXT), TEXT, st.just("") | TEXT)
ENDPOINTS = st.builds(Endpoint, st.sampled_from(["*", "GET", "PUT"]), TEXT)
OFFERED = st.builds(
    Offered,
    st.builds(ServiceId, TEXT, TEXT, TEXT, TEXT, TEXT),
    st.sampled_from(["REST", "OPENAPI"]),
    st.lists(ENDPOINTS, max_size=3).map(tuple),
)


def example(name: str) -> bytes:
    return shared_data(f"exchange/xroad/examples/{name}").read_bytes()


@given(listed=st.lists(LISTED, max_size=4), media_type=st.sampled_from(["application/json", "text/xml"]))
def test_a_list_of_clients_comes_back(listed: list[Listed], media_type: str) -> None:
    assert members.parse(members.encode(listed, media_type), media_type) == tuple(listed)


def test_the_fields_own_lists_of_clients() -> None:
    from_xml = members.parse(example("meta_annexC_1.xml"), "text/xml; charset=utf-8")
    from_json = members.parse(example("meta_annexC_2.json"), "application/json")
    owners = [Listed(ClientId("AA", "GOV", "TS1OWNER"), "TS1 Owner")]
    assert from_xml[0] == owners[0]
    assert from_json[:1] == tuple(owners)
    assert from_json[-1] == Listed(ClientId("AA", "ENT", "CLIENT1", "sub"), "Client One", "Client One Sub")
    assert from_xml[-1] == from_json[-1]
    written = json.loads(members.encode(from_json, "application/json"))
    assert written == json.loads(example("meta_annexC_2.json"))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ((), "text/xml"),
        (("*/*",), "text/xml"),
        (("application/json",), "application/json"),
        (("text/xml", "application/json;q=0.1"), "application/json"),
        (("application/json-patch+json",), "text/xml"),
    ],
)
def test_clients_are_listed_in_xml_unless_json_is_named(accept: tuple[str, ...], media_type: str) -> None:
    assert members.media_type_of(accept) == media_type


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{}", "application/json"),
        (b'{"member":[{"id":{"member_class":"a","member_code":"b","object_type":"SUBSYSTEM","xroad_instance":"c"},'
         b'"name":"d"}]}', "application/json"),
        (b"<clientList/>", "text/xml"),
        (b'<clientList xmlns="http://x-road.eu/xsd/xroad.xsd"><member/></clientList>', "text/xml"),
        (b"<!DOCTYPE a><a/>", "text/xml"),
        (b"[" * 20_000_000, "application/json"),
    ],
    ids=["empty", "no subsystem", "no namespace", "no id", "dtd", "large"],
)  # fmt: skip
def test_what_is_no_list_of_clients_is_refused(body: bytes, media_type: str) -> None:
    with pytest.raises((Invalid, Limit)):
        members.parse(body, media_type)


@given(offered=st.lists(OFFERED, max_size=4))
def test_a_list_of_methods_comes_back(offered: list[Offered]) -> None:
    assert methods.parse(methods.encode(offered)) == tuple(offered)


def test_the_fields_own_lists_of_methods() -> None:
    everything = methods.parse(example("mrest_annexB_1.json"))
    assert json.loads(methods.encode(everything)) == json.loads(example("mrest_annexB_1.json"))
    assert [(one.id.service, one.type, len(one.endpoints)) for one in everything] == [
        ("payloadgen", "OPENAPI", 19),
        ("kore", "REST", 3),
    ]
    granted = [("payloadgen", Endpoint("GET", path)) for path in ("/pet/findByStatus", "/pet/findByTags", "/pet/*")]
    some = methods.allowed(everything, granted)
    assert json.loads(methods.encode(some)) == json.loads(example("mrest_annexB_2.json"))


@given(offered=st.lists(OFFERED, max_size=3), granted=st.lists(st.tuples(TEXT, ENDPOINTS), max_size=3))
def test_nothing_is_shown_as_allowed_that_was_not_granted(
    offered: list[Offered], granted: list[tuple[str, Endpoint]]
) -> None:
    assert methods.allowed(offered, ()) == ()
    mine = [(one.id.service, endpoint) for one in offered for endpoint in one.endpoints[:1]] + granted
    for one in methods.allowed(offered, mine):
        assert one.endpoints
        assert all(
            (one.id.service, endpoint) in mine or (one.id.service, Endpoint()) in mine for endpoint in one.endpoints
        )


def test_a_right_on_the_whole_service_shows_all_of_it() -> None:
    service = ServiceId("I", "GOV", "m", "s", "travel")
    declared = Offered(service, "REST", (Endpoint("GET", "/flag"), Endpoint("POST", "/flag")))
    assert methods.allowed([declared], [("travel", Endpoint())]) == (declared,)
    bare = Offered(service, "REST")
    assert methods.allowed([bare], [("travel", Endpoint())]) == (Offered(service, "REST", (Endpoint(),)),)


def a_service(**changed: str) -> bytes:
    parts = {
        "xroad_instance": "I",
        "member_class": "GOV",
        "member_code": "m",
        "subsystem_code": "s",
        "service_code": "c",
    }
    return json.dumps({"service": [{**parts, "object_type": "SERVICE", "service_type": "REST", **changed}]}).encode()


def test_a_list_of_methods_needs_no_endpoints() -> None:
    assert methods.parse(a_service()) == (Offered(ServiceId("I", "GOV", "m", "s", "c"), "REST"),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"service":1}',
        b'{"service":[{}]}',
        b'{"service":[{"member_class":1}]}',
        a_service(subsystem_code=""),
        a_service(object_type="MEMBER"),
        a_service(service_type="WSDL"),
    ],
)
def test_what_is_no_list_of_methods_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        methods.parse(body)


def test_service_codes_of_a_query() -> None:
    assert methods.service_code_of(b"serviceCode=pet%20store") == "pet store"
    assert methods.service_code_of(b"serviceCode=%E6%97%85&x=1") == "旅"
    for query in (None, b"", b"serviceCode=", b"serviceCode=a&serviceCode=b", b"servicecode=a", b"serviceCode=%FF"):
        with pytest.raises(Fault) as refused:
            methods.service_code_of(query)
        assert refused.value.fields[0].field == "serviceCode"


URLS = [
    ("http://petstore.swagger.io/v1/cats", "/v1/cats"),
    ("https://petstore.swagger.io/v2", "/v2"),
    ("https://{securityserver}/r1", "https://{securityserver}/r1"),
    ("/v3", "/v3"),
    ("https://petstore.example", "/"),
    ("//petstore.example:8080/a?b=c", "/a?b=c"),
]


@pytest.mark.parametrize(("url", "wanted"), URLS)
@pytest.mark.parametrize("mark", ["", '"', "'"])
def test_hosts_leave_both_kinds_of_descriptions(url: str, wanted: str, mark: str) -> None:
    if "{" in url and not mark:
        mark = '"'
    head = f"# pets\nopenapi: {mark}3.0.2{mark}\ninfo:\n  title: '網址 url: http://a/b'\n  version: '1'\n"
    rest = "paths:\n  /a:\n    servers:\n      - url: http://kept.example/x\n    get: {}\n"
    written = f"{head}servers:\r\n  # http://c\r\n  - url: {mark}{url}{mark}  # main\r\n    description: d\r\n{rest}"
    out = description.without_hosts(written.encode())
    assert out.decode() == written.replace(f"{mark}{url}{mark}", f"{mark}{wanted}{mark}", 1)
    before: dict[str, Any] = yaml.safe_load(written)
    assert yaml.safe_load(out) == {**before, "servers": [{"url": wanted, "description": "d"}]}
    as_json = json.loads(description.without_hosts(json.dumps(before).encode()))
    assert as_json == {**before, "servers": [{"url": wanted, "description": "d"}]}


def test_other_ways_to_write_the_same() -> None:
    flat = b'"openapi": 3.1.0\n"servers":\n- description: a\n  "url": https://h.example/v2\n- url: http://i.example\n'
    assert yaml.safe_load(description.without_hosts(flat))["servers"] == [
        {"description": "a", "url": "/v2"},
        {"url": "/"},
    ]
    for bare in (b"openapi: 3.0.0\npaths: {}\n", b'{"openapi":"3.0.0","paths":{}}', b"openapi: 3.0.0\nservers: []\n"):
        assert yaml.safe_load(description.without_hosts(bare)) == yaml.safe_load(bare)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"swagger: '2.0'\n",
        b"openapi: 4.0.0\n",
        b"openapi: 3.2.0\n",
        b'{"swagger":"2.0"}',
        b'{"openapi":3}',
        b'{"openapi":"3.0.0","servers":{"url":"http://a"}}',
        b'{"openapi":"3.0.0","servers":[{"url":1}]}',
        b'{"openapi":"3.0.0"',
        b"{" + b'"a":{' * 5_000,
        b"\xff\xfe",
        b"openapi: 3.0.0\nservers: [{url: http://hidden.example/a}]\n",
        b"openapi: 3.0.0\nservers: *other\n",
        b"openapi: 3.0.0\nservers:\n  - {url: http://hidden.example/a}\n",
        b"openapi: 3.0.0\nservers:\n  - url: >\n      http://hidden.example/a\n",
        b"openapi: 3.0.0\nservers:\n  - url:\n      http://hidden.example/a\n",
        b'openapi: 3.0.0\nservers:\n  - url: "http://hidden.example/\\x61"\n',
        b"openapi: 3.0.0\nservers:\n  - ? url\n    : http://hidden.example/a\n",
        b'openapi: 3.0.0\nservers:\n  - "\\x75rl": http://hidden.example/a\n',
        b"openapi: 3.0.0\nservers:\n  - *one\n",
        b"openapi: 3.0.0\n? servers\n: - url: http://hidden.example/a\n",
        b'openapi: 3.0.0\n"\\x73ervers":\n  - url: http://hidden.example/a\n',
        b"---\n{openapi: 3.0.0, servers: [{url: http://hidden.example/a}]}\n",
        b"openapi: 3.0.0\nservers: []\nservers:\n  - url: http://a\n    <<: {url: http://hidden.example/a}\n",
    ],
)
def test_descriptions_that_are_not_carried(document: bytes) -> None:
    with pytest.raises(Fault) as refused:
        description.without_hosts(document)
    assert refused.value.fields[0].field == "openapi"
    assert refused.value.status == 500


@given(
    conf=st.dictionaries(
        TEXT | st.sampled_from([".", "..", "../..", "a/b", "c\\d"]), st.binary(max_size=50), min_size=1, max_size=4
    )
)
def test_a_configuration_comes_back_and_leaves_its_folder_never(conf: dict[str, bytes]) -> None:
    sent = VerificationConf(next(iter(conf)), conf)
    body = verification.encode(sent)
    assert verification.parse(body) == sent
    assert verification.encode(sent) == body
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = archive.namelist()
    assert names[0] == "verificationconf/instance-identifier"
    for name in names[1:]:
        folder, instance, file = name.split("/")
        assert (folder, file) == ("verificationconf", "shared-params.xml")
        assert instance not in ("", ".", "..")


def a_zip(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PK",
        a_zip({"verificationconf/EE/shared-params.xml": b""}),
        a_zip({"verificationconf/instance-identifier": b"EE"}),
        a_zip({"verificationconf/instance-identifier": b"\xff", "verificationconf/EE/shared-params.xml": b""}),
        a_zip(
            {"verificationconf/instance-identifier": b"E", "verificationconf/E/shared-params.xml": b"a" * 17_000_000}
        ),
        a_zip({"verificationconf/instance-identifier": b"EE"})[:-30],
    ],
    ids=["empty", "cut", "no name", "no parameters", "not UTF-8", "bomb", "short"],
)
def test_configurations_that_are_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        verification.parse(body)
