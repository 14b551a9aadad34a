"""Header fields both ways, the header block and the request hash, against a plain reading and a real message."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.errors import Invalid
from banyan.wire.httpsig.message import fields_of
from banyan.wire.xroad import block, headers
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Asked, Call, Field, parse_request_fields, usual_request_fields
from banyan.wire.xroad.identifiers import ClientId, RepresentedParty, ServerId, ServiceId
from banyan.wire.xroad.shapes import picker
from banyan.wire.xroad.target import parse_target

CLIENT = (b"X-Road-Client", b"EE/BUSINESS/consumer/sub")
SERVICE = ServiceId("EE", "BUSINESS", "producer", "sub", "echo")
TARGET = parse_target(b"/r1/EE/BUSINESS/producer/sub/echo/a%3Bb?x=%20&y")
REQUEST_ID = "f92591a3-6bf0-49b1-987b-0dd78c034cc3"
CALL = Call(ClientId("EE", "BUSINESS", "consumer", "sub"), SERVICE, "id-1", REQUEST_ID, "aGFzaA==")
NAMES = st.sampled_from(
    [
        *b"Accept X-Custom Content-Type Cookie Date Host X-ROAD-ERROR x-road-service x-road-unknown".split(),
        *headers.DROPPED,
    ]
) | st.from_regex(rb"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() not in (b"connection", *headers._ONCE)
)
VALUES = st.from_regex(rb"([\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff]{0,40}[\x21-\x7e\x80-\xff])?)?", fullmatch=True)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=12).map(
    lambda fields: [f for f in fields if f[0] != b"connection"]
)
WRITTEN_BY_US = (b"x-road-service", b"x-road-request-id", b"x-road-request-hash", b"x-road-error")


@given(before=FIELDS, after=FIELDS)
def test_kept_fields_travel_byte_for_byte_in_order(before: list[Field], after: list[Field]) -> None:
    asked = headers.parse_request_fields([*before, CLIENT, *after])
    out = headers.request_fields(asked, REQUEST_ID, "id-1")
    plain = [f for f in [*before, CLIENT, *after] if f[0].lower() not in {*headers.DROPPED, *WRITTEN_BY_US}]
    assert out == [*plain, (b"x-road-request-id", REQUEST_ID.encode()), (b"x-road-id", b"id-1")]


@given(fields=FIELDS)
def test_the_block_is_read_back_and_hashed_as_written(fields: list[Field]) -> None:
    asked = headers.parse_request_fields([CLIENT, *fields])
    out = headers.request_fields(asked, REQUEST_ID, "id-1")
    written = block.encode_request("POST", TARGET, out)
    read = block.parse_block(written)
    assert read == block.RequestBlock("POST", TARGET.raw, tuple(out))
    plain = b"POST\r\n" + TARGET.raw + b"\r\n" + b"".join(name + b":" + value + b"\r\n" for name, value in out)
    assert written == plain
    assert base64.b64decode(block.request_hash(written)) == hashlib.sha512(plain).digest()
    body = hashlib.sha512(b"body").digest()
    both = hashlib.sha512(hashlib.sha512(plain).digest() + body).digest()
    assert base64.b64decode(block.request_hash(written, body)) == both


@given(fields=FIELDS)
def test_an_answer_carries_our_fields_once(fields: list[Field]) -> None:
    forged = [(b"X-Road-Client", b"EE/GOV/other"), (b"X-ROAD-ID", b"no"), (b"x-road-request-hash", b"no")]
    out = headers.response_fields([*forged, *fields], CALL)
    names = [name.lower() for name, _ in out]
    for ours in (b"x-road-id", b"x-road-client", b"x-road-service", b"x-road-request-id", b"x-road-request-hash"):
        assert names.count(ours) == 1
    assert b"x-road-error" not in names
    assert names.count(b"date") <= 1
    assert not headers.DROPPED & set(names)
    written = block.encode_response(200, b"OK", out)
    assert block.parse_block(written) == block.ResponseBlock(200, b"OK", tuple(out))


def test_a_real_response_block_of_the_field() -> None:
    path = shared_data("exchange/xroad/asice/cli-valid-non-batch-rest.asice")
    with zipfile.ZipFile(path) as archive:
        raw = archive.read("message.xml")
    read = block.parse_block(raw)
    assert isinstance(read, block.ResponseBlock)
    assert (read.status, read.reason) == (200, b"OK")
    call = Call(
        ClientId("DEV", "COM", "4422", "TestClient"),
        ServiceId("DEV", "COM", "1234", "TestService", "mock1"),
        "DEV-d75ea6fd-d24b-48ec-a320-53675c40fb86",
        "78b890f3-b1eb-45b2-a512-beec5d7ead23",
        "7zmQ9CwnVrEWzWnCyXbXkQYGR+A7/i6e61JgWMLaEI8Bj1QWdrUVGijBBdyDdhcgOpfY8Sid1RhvRbs+aFbOhw==",
    )
    from_provider = [(name, value) for name, value in read.fields if not name.startswith(b"x-road-")]
    hostile = [*from_provider, (b"Server", b"x"), (b"Transfer-Encoding", b"chunked"), (b"x-road-id", b"forged")]
    assert block.encode_response(200, b"OK", headers.response_fields(hostile, call)) == raw


def test_all_that_a_request_may_say() -> None:
    asked = headers.parse_request_fields(
        [
            CLIENT,
            (b"X-Road-Client", b"EE/GOV/last"),
            (b"x-road-id", b"id-7"),
            (b"X-Road-UserId", b"EE12345678901"),
            (b"X-Road-Issue", b"MT324223MSD"),
            (b"X-Road-Security-Server", b"EE/GOV/last/ss%2F1"),
            (b"X-Road-Represented-Party", b"COM/9"),
        ]
    )
    assert asked.client == ClientId("EE", "GOV", "last")
    assert (asked.message_id, asked.user_id, asked.issue) == ("id-7", "EE12345678901", "MT324223MSD")
    assert asked.server == ServerId("EE", "GOV", "last", "ss/1")
    assert asked.party == RepresentedParty("9", "COM")
    out = headers.request_fields(asked, REQUEST_ID, headers.message_id_of(asked, "unused"))
    assert [value for name, value in out if name.lower() == b"x-road-client"] == [b"EE/GOV/last"]
    assert headers.last_of(out, b"x-road-id") == b"id-7"


def test_an_id_is_made_where_none_came() -> None:
    for fields in ([CLIENT], [CLIENT, (b"X-Road-Id", b"")]):
        asked = headers.parse_request_fields(fields)
        made = headers.message_id_of(asked, "9bc95b6e-2f1d-4a41-a7e6-11eda7d734d5")
        assert made == "EE-9bc95b6e-2f1d-4a41-a7e6-11eda7d734d5"
        out = headers.request_fields(asked, REQUEST_ID, made)
        assert [name for name, _ in out] == [b"X-Road-Client", b"x-road-request-id", b"x-road-id"]


def test_fields_of_one_hop_are_dropped_as_connection_names_them() -> None:
    asked = headers.parse_request_fields([CLIENT, (b"Connection", b"close, X-Hop"), (b"x-hop", b"1"), (b"x-end", b"2")])
    assert asked.kept == (CLIENT, (b"x-end", b"2"))


@pytest.mark.parametrize(
    ("fields", "field", "type_"),
    [
        ([], "X-Road-Client", "Server.ClientProxy.MissingHeaderField"),
        ([(b"X-Road-Client", b"")], "X-Road-Client", "Server.ClientProxy.MissingHeaderField"),
        ([CLIENT, (b"X-Road-Client", b"")], "X-Road-Client", "Server.ClientProxy.MissingHeaderField"),
        ([CLIENT, (b"X-Road-Client", b"EE")], "X-Road-Client", "Server.ClientProxy.InvalidClientIdentifier"),
        ([CLIENT, (b"Connection", b"X-Road-Client")], "Connection", "Server.ClientProxy.InvalidRequest"),
        ([CLIENT, (b"X-Road-Id", b"a" * 256)], "X-Road-Id", "Server.ClientProxy.InvalidRequest"),
        ([CLIENT, (b"X-Road-Id", b"\xc3\xb6")], "X-Road-Id", "Server.ClientProxy.InvalidRequest"),
        (
            [CLIENT, (b"X-Road-Security-Server", b"EE/GOV/a")],
            "X-Road-Security-Server",
            "Server.ClientProxy.InvalidSecurityServer",
        ),
        (
            [CLIENT, (b"X-Road-Represented-Party", b"a/b/c")],
            "X-Road-Represented-Party",
            "Server.ClientProxy.InvalidRequest",
        ),
        ([CLIENT, (b"X-A", b"a\r\nX-B: b")], "X-A", "Server.ClientProxy.InvalidRequest"),
        ([CLIENT, (b"X" * 9_000, b" a")], "X" * 64, "Server.ClientProxy.InvalidRequest"),
        ([CLIENT, (b"X-A", b" a")], "X-A", "Server.ClientProxy.InvalidRequest"),
        ([CLIENT, (b"X A", b"a")], "header", "Server.ClientProxy.InvalidRequest"),
        ([CLIENT, (b"", b"a")], "header", "Server.ClientProxy.InvalidRequest"),
        ([CLIENT, *[(b"X-A", b"a")] * 100], "header", "Server.ClientProxy.InvalidRequest"),
        ([CLIENT, (b"X-A", b"a" * 40_000)], "header", "Server.ClientProxy.InvalidRequest"),
    ],
)
def test_wrong_headers_name_the_field(fields: list[Field], field: str, type_: str) -> None:
    with pytest.raises(Fault) as refused:
        headers.parse_request_fields(fields)
    assert refused.value.fields[0].field == field
    assert refused.value.type_in() == type_
    assert refused.value.status == 500


def test_a_provider_that_splits_its_answer_is_stopped() -> None:
    with pytest.raises(Fault) as refused:
        headers.response_fields([(b"X-A", b"a\r\nX-Road-Error: no")], CALL)
    assert refused.value.type_in() == "Server.ServerProxy.ServiceFailed"


@given(raw=st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"GET\r\n/a\r\nA:b\r\n" + tail + b"\r\n"))
def test_a_block_is_refused_or_comes_back(raw: bytes) -> None:
    try:
        read = block.parse_block(raw)
    except Invalid:
        return
    if isinstance(read, block.RequestBlock):
        lines = [read.verb.encode(), read.target, *(name + b":" + value for name, value in read.fields)]
    else:
        lines = [b"%d" % read.status, read.reason, *(name + b":" + value for name, value in read.fields)]
    assert b"".join(line + b"\r\n" for line in lines) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GET\r\n",
        b"GET\r\n/a",
        b"GET\r\na\r\n",
        b"get\r\n/a\r\n",
        b"GET\r\n/a\r\nHost:b\r\n",
        b"GET\r\n/a\r\nb\r\n",
        b"99\r\nOK\r\n",
        b"200\r\nOK\r\n\r\n",
        b"GET\r\n/a\r\n" + b"a:b\r\n" * 200,
    ],
)
def test_what_is_no_block_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        block.parse_block(raw)


ROAD_NAMES = ("X-Road-Client", "x-road-client", "X-Road-Id", "X-Road-UserId", "X-Road-Issue", "X-Road-Security-Server")
OTHERS = ("X-Road-Represented-Party", "X-Road-Service", "x-road-request-id", "Connection", "Host", "TE", "X-Other")
SAID = ("EE/COM/1", "EE/COM/1/sub", "", "EE/COM/1/ss", "id-1", "COM/2", "close", "x-other", "caf\xe9", "a" * 300)


@given(st.lists(st.tuples(st.sampled_from(ROAD_NAMES + OTHERS), st.sampled_from(SAID)), max_size=8))
@settings(max_examples=400)
def test_the_quick_reading_is_the_general_one(lines: list[tuple[str, str]]) -> None:
    fields = [(name.encode(), value.encode("latin-1")) for name, value in lines]

    def outcome(read: Callable[[], Asked]) -> object:
        try:
            return read()
        except Fault as fault:
            return fault.type_in(), fault.fields

    quick = outcome(lambda: usual_request_fields(fields, fields_of(fields)))
    assert quick == outcome(lambda: parse_request_fields(fields))


@given(FIELDS, st.lists(st.tuples(st.sampled_from([b"Date", b"date", b"Connection", b"Server"]), VALUES), max_size=3))
@settings(deadline=None)
def test_an_answer_that_was_read_strictly_goes_back_the_same(fields: list[Field], more: list[Field]) -> None:
    """The order of names decides then, once for all messages that have it."""
    whole = [*fields, *more]
    try:
        plain = headers.response_fields(whole, CALL)
    except Fault:  # a Connection that names a field of the road
        with pytest.raises(Fault):
            headers.response_fields(whole, CALL, is_checked=True)
        return
    for _ in range(2):
        assert headers.response_fields(whole, CALL, is_checked=True) == plain


@given(FIELDS, st.integers(0, 60))
@settings(deadline=None)
def test_fields_picked_by_the_order_of_names(fields: list[Field], many: int) -> None:
    pick = picker(lambda name: len(name) % 2 == 0)
    for whole in (fields, fields * many):
        assert list(pick(whole)) == [field for field in whole if len(field[0]) % 2 == 0]
