"""Identifiers and addresses: any text comes back, path and query byte for byte; what is no address is refused."""

from __future__ import annotations

import json
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.wire.xroad.codes import Code
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import (
    ClientId,
    RepresentedParty,
    ServerId,
    ServiceId,
    encoded,
    parse_client,
    parse_party,
    parse_server,
    parse_service,
    percent_decoded,
)
from banyan.wire.xroad.target import parse_target, parse_verb, target_of

PARTS = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp"]), min_size=1, max_size=40).filter(
    lambda part: part not in (".", "..")
)
ASCII = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#")
PATHS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#?")).map(str.encode)
QUERIES = st.none() | st.text(ASCII).map(str.encode)
SERVICES = st.builds(ServiceId, PARTS, PARTS, PARTS, PARTS, PARTS)


@given(service=SERVICES, tail=st.just(b"") | PATHS.map(lambda path: b"/" + path), query=QUERIES)
def test_path_and_query_come_out_byte_for_byte(service: ServiceId, tail: bytes, query: bytes | None) -> None:
    written = target_of(service, tail, query)
    read = parse_target(written.raw)
    assert read == written
    assert (read.service, read.path, read.query) == (service, tail, query)
    assert read.provider_path == tail + (b"" if query is None else b"?" + query)


@given(raw=st.binary(max_size=300) | PATHS.map(lambda path: b"/r1/" + path))
def test_an_address_is_refused_or_comes_back(raw: bytes) -> None:
    try:
        read = parse_target(raw)
    except Fault:
        return
    assert read.raw == raw
    assert read.service.parts == tuple(unquote(part) for part in raw.decode().partition("?")[0].split("/")[2:7])


@given(client=st.builds(ClientId, PARTS, PARTS, PARTS, st.just("") | PARTS))
def test_clients_come_back(client: ClientId) -> None:
    assert parse_client(encoded(client)) == client
    assert encoded(client).isascii()
    assert client.owner.owner == client.owner


@given(service=SERVICES, server=st.builds(ServerId, PARTS, PARTS, PARTS, PARTS))
def test_services_and_servers_come_back(service: ServiceId, server: ServerId) -> None:
    assert parse_service(encoded(service)) == service
    assert parse_server(encoded(server)) == server


@given(party=st.builds(RepresentedParty, PARTS, st.just("") | PARTS))
def test_represented_parties_come_back(party: RepresentedParty) -> None:
    assert parse_party(encoded(party)) == party


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"/",
        b"/r1/invalid",
        b"/r1/EE/BUSINESS/producer/echo",
        b"/r2/EE/BUSINESS/producer/sub/echo",
        b"/R1/EE/BUSINESS/producer/sub/echo",
        b"r1/EE/BUSINESS/producer/sub/echo",
        b"http://host/r1/EE/BUSINESS/producer/sub/echo",
        b"/r1/EE//producer/sub/echo",
        b"/r1/EE/../producer/sub/echo",
        b"/r1/EE/%2e%2E/producer/sub/echo",
        b"/r1/EE/BUSINESS/producer/sub/ec ho",
        b"/r1/EE/BUSINESS/producer/sub/ec\r\nho",
        b"/r1/EE/BUSINESS/producer/sub/echo#part",
        b"/r1/EE/BUSINESS/producer/sub/ech\xc3\xb6",
        b"/r1/EE/BUSINESS/producer/sub/ech%FF",
        b"/r1/EE/BUSINESS/producer/sub/ech%00",
        b"/r1/EE/BUSINESS/producer/sub/ech%E2%80%8B",
        b"/r1/EE/BUSINESS/producer/sub/%C0%AE",
        b"/r1/EE/BUSINESS/producer/sub/" + b"a" * 256,
        b"/r1/EE/BUSINESS/producer/sub/echo?" + b"a" * 9_000,
    ],
)
def test_wrong_addresses_say_the_fix(target: bytes) -> None:
    with pytest.raises(Fault) as refused:
        parse_target(target)
    assert refused.value.codes == (Code.INVALID_REQUEST,)
    assert refused.value.fields[0].field == "address"
    assert refused.value.fields[0].fix
    assert refused.value.status == 500


def test_the_narrow_set_of_characters_is_a_setting() -> None:
    wide = b"/r1/EE/BUSINESS/producer/s%2Fub/%C3%B6%C3%A4%C3%A5"
    assert parse_target(wide).service == ServiceId("EE", "BUSINESS", "producer", "s/ub", "öäå")
    with pytest.raises(Fault):
        parse_target(wide, strict=True)
    assert parse_target(b"/r1/EE/GOV/a.b-c/'()+,=%3F/x", strict=True).service.subsystem == "'()+,=?"


@pytest.mark.parametrize("text", ["", "EE", "EE/GOV", "EE/GOV/a/b/c", "EE/GOV/", "EE//a", "EE/GOV/a b", "EE/GOV/%2"])
def test_wrong_clients_name_the_header(text: str) -> None:
    with pytest.raises(Fault) as refused:
        parse_client(text)
    assert refused.value.type_in() == "Server.ClientProxy.InvalidClientIdentifier"
    assert refused.value.fields[0].field == "X-Road-Client"


def test_a_segment_is_decoded_as_uri_utils_does() -> None:
    table = json.loads(shared_data("exchange/xroad/uri_normalize_cases.json").read_text(encoding="utf-8"))
    for segment in table["invalid_segments"]:
        with pytest.raises(ValueError, match=r"percent|character"):
            percent_decoded(segment)


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_decoding_undoes_escaping_of_every_byte(text: str) -> None:
    escaped = "".join(f"%{octet:02{'x' if octet % 2 else 'X'}}" for octet in text.encode())
    assert percent_decoded(escaped) == text


@given(char=st.characters(categories=["Cc", "Cf"]))
def test_what_nobody_sees_is_in_no_identifier(char: str) -> None:
    escaped = "".join(f"%{octet:02X}" for octet in char.encode())
    assert unicodedata.category(char) in ("Cc", "Cf")
    with pytest.raises(Fault):
        parse_client(f"EE/GOV/a{escaped}b")


def test_methods_that_are_carried() -> None:
    assert [parse_verb(verb) for verb in ("GET", "PATCH", "TRACE")] == ["GET", "PATCH", "TRACE"]
    for verb in ("get", "CONNECT", "", "PROPFIND"):
        with pytest.raises(Fault) as refused:
            parse_verb(verb)
        assert refused.value.type_in("renamed") == "server.clientproxy.invalid_http_method"
