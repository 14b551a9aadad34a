"""LINE's codec: the signature in the standard's own words, events one by one, texts cut on whole characters."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.wire.line import Event, TextMessage, Unreadable, cut, is_signed, read_events, signature, units, write_reply

EVENT = {"type": "follow", "timestamp": 1, "mode": "active", "webhookEventId": "01H"}
TEXTS = st.text(st.sampled_from("aé臺口\u0301\u200d\ufe0f👨👩👧🏽🇹🇼🇯🇵x \n"), max_size=60)


@given(secret=st.binary(min_size=1), body=st.binary())
def test_the_signature_is_base64_of_hmac_sha256_of_the_raw_body(secret: bytes, body: bytes) -> None:
    ours = signature(secret, body)
    assert base64.b64decode(ours) == hmac.new(secret, body, hashlib.sha256).digest()
    assert is_signed(secret, body, ours)
    assert not is_signed(secret, body + b" ", ours)
    assert not is_signed(secret + b"x", body, ours)


@given(sent=st.text())
def test_no_header_text_breaks_the_comparison(sent: str) -> None:
    assert not is_signed(b"secret", b"body", sent)


@given(body=st.binary(max_size=200))
def test_any_bytes_are_events_or_unreadable(body: bytes) -> None:
    try:
        events, unread = read_events(body, 10)
    except Unreadable:
        return
    assert len(events) + unread <= 10


def test_an_event_is_read_by_what_it_has_and_new_fields_are_left_alone() -> None:
    raw = {"destination": "U", "events": [EVENT | {"later": {"x": [1]}}, {}, 7, EVENT | {"timestamp": "x"}], "more": 1}
    events, unread = read_events(json.dumps(raw).encode(), 10)
    assert events == [Event("follow", 1, "active", "01H")]
    assert unread == 3
    with pytest.raises(Unreadable):
        read_events(json.dumps(raw).encode(), 3)


@given(text=TEXTS, most=st.integers(2, 50))
def test_a_cut_text_fits_and_is_a_beginning_of_whole_characters(text: str, most: int) -> None:
    short = cut(text, most)
    assert units(short) <= max(most, 0)
    if short != text:
        assert short.endswith("…")
        assert text.startswith(short[:-1])
        rest = text[len(short) - 1 :]
        assert not rest.startswith(("\u0301", "\u200d", "\ufe0f", "🏽")) or short == "…"
        assert not short[:-1].endswith("\u200d")
        short.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("口罩還有嗎", 5, "口罩還有嗎"),
        ("口罩還有嗎", 4, "口罩還…"),
        ("👨‍👩‍👧是一家", 5, "…"),
        ("a🇹🇼b", 5, "a…"),
        ("🇹🇼🇯🇵x", 6, "🇹🇼…"),
        ("e\u0301e\u0301", 3, "e\u0301…"),
        ("", 1, ""),
    ],
)
def test_flags_families_and_accents_stay_whole(text: str, most: int, short: str) -> None:
    assert cut(text, most) == short


def test_a_reply_is_lines_own_json() -> None:
    assert json.loads(write_reply("t", [TextMessage("好")])) == {
        "replyToken": "t",
        "messages": [{"type": "text", "text": "好"}],
        "notificationDisabled": False,
    }
