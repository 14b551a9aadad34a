"""Fault codes in both spellings, and error answers that another gateway reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.errors import Invalid, Limit
from banyan.wire.xroad import faults
from banyan.wire.xroad.codes import Code, Origin, Spelling, respelled, spelled, status_of
from banyan.wire.xroad.faults import ErrorBody, Fault

ORIGINS = {
    "CLIENT_X": Origin.CLIENT,
    "SERVER_CLIENTPROXY_X": Origin.CLIENT_PROXY,
    "SERVER_SERVERPROXY_X": Origin.SERVER_PROXY,
    "SERVER_SERVER_PROXY_OPMONITOR_X": Origin.SERVER_PROXY_MONITOR,
    "SIGNER_X": Origin.SIGNER,
}
SEEN = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))


def rows() -> list[dict[str, Any]]:
    return json.loads(shared_data("exchange/xroad/error_codes.json").read_text(encoding="utf-8"))["rows"]  # type: ignore[no-any-return]


def test_every_code_that_both_releases_have_in_both_spellings() -> None:
    both = [row for row in rows() if row["v7_7_1"] and row["v7_8_0"]]
    seen = set()
    for row in both:
        name = row["constant"]
        if name in ORIGINS:
            origin = ORIGINS[name]
            assert spelled(origin, Code.NOT_FOUND) == row["v7_7_1"] + ".NotFound"
            assert spelled(origin, Code.NOT_FOUND, spelling="renamed") == row["v7_8_0"] + ".not_found"
        else:
            code = Code[name.removeprefix("X_").removesuffix("_X")]
            seen.add(code)
            assert spelled(Origin.CLIENT, code) == "Client." + row["v7_7_1"]
            assert spelled(Origin.CLIENT, code, spelling="renamed") == "client." + row["v7_8_0"]
    assert seen == set(Code)
    assert len(both) == 91


@given(
    origin=st.sampled_from(Origin),
    codes=st.lists(st.sampled_from(Code), min_size=1, max_size=3),
    came=st.sampled_from(["documented", "renamed"]),
    wanted=st.sampled_from(["documented", "renamed"]),
)
def test_either_spelling_becomes_either(origin: Origin, codes: list[Code], came: Spelling, wanted: Spelling) -> None:
    type_ = spelled(origin, *codes, spelling=came)
    assert respelled(type_, wanted) == spelled(origin, *codes, spelling=wanted)
    assert status_of(type_) == (500 if "Proxy" in origin.value else 400)


@pytest.mark.parametrize("type_", ["", "Other.Thing", "ServerX.AccessDenied", "Client", "Server.Unknown"])
def test_types_of_others_stay(type_: str) -> None:
    assert respelled(type_, "renamed") == type_
    assert respelled(type_, "documented") == type_


def test_unknown_parts_stay_within_a_known_type() -> None:
    assert respelled("Server.ServerProxy.Novelty.AccessDenied", "renamed") == "server.serverproxy.Novelty.access_denied"


def a_fault(message: str = "No right.", fix: str = "") -> Fault:
    return Fault(Origin.SERVER_PROXY, Code.ACCESS_DENIED, message=message, field="X-Road-Client", fix=fix)


@given(message=SEEN, fix=SEEN, detail=SEEN, accept=st.sampled_from(["", "text/xml", "application/xml", "text/*"]))
def test_another_gateway_reads_our_error(message: str, fix: str, detail: str, accept: str) -> None:
    for spelling in ("documented", "renamed"):
        sent = faults.answer(a_fault(message, fix), detail, [accept], spelling)  # type: ignore[arg-type]
        read = faults.parse_error(sent.body, sent.content_type)
        assert read == ErrorBody(sent.error, f"{message} {fix}" if fix else message, detail)
        assert sent.status == 500


def test_an_error_names_its_field_and_says_the_fix() -> None:
    fault = a_fault(fix="Ask for a right.")
    assert [(one.field, one.fix) for one in fault.fields] == [("X-Road-Client", "Ask for a right.")]
    sent = faults.answer(fault, "9bc95b6e-2f1d-4a41-a7e6-11eda7d734d5")
    assert sent.body == (
        b'{"type":"Server.ServerProxy.AccessDenied","message":"No right. Ask for a right.",'
        b'"detail":"9bc95b6e-2f1d-4a41-a7e6-11eda7d734d5"}'
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", "application/json"),
        (b"[", "application/json"),
        (b"", "application/json"),
        (b"<error><type>a</type><message>b</message></error>", "text/xml"),
        (b"<fault><type/><message/><detail/></fault>", "text/xml"),
        (b"<!DOCTYPE a><error><type/><message/><detail/></error>", "text/xml"),
        (b'{"type":"' + b"a" * 70_000, "application/json"),
        (b'{"type":"Server.X\\r\\nSet-Cookie: a=b","message":"b","detail":"c"}', "application/json"),
        (b'{"type":"Server.\xc3\xa9","message":"b","detail":"c"}', "application/json"),
        (b"<error><type>Server.X&#13;&#10;a: b</type><message>b</message><detail>c</detail></error>", "text/xml"),
        (b"<a>" * 100, "text/xml"),
    ],
)
def test_what_is_no_error_body_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises((Invalid, Limit)):
        faults.parse_error(body, content_type)
