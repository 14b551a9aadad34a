"""No SMS of the government leaves with a link that a fraudster could have written, or from a number not ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.notify.wording import Rules, checked_text, sender_of
from banyan.errors import Invalid

RULES = Rules(senders=("1922", "1955"), domains=("gov.tw",), parts=2)


@pytest.mark.parametrize(
    "text",
    [
        "請見 https://www.cdc.gov.tw/Disease 說明",
        "請上cdc.gov.tw查詢",
        "請上cdc.gov.tw。謝謝",
        "體溫 37.5 度，每日 2.5 公升水",
        "請於 11.27 前回覆，p.m. 6:00 前",
        "撥打1922，或3.14分機",
        "https://gov.tw",
        "Please stay at home. Thank you.",
    ],
)
def test_what_may_leave(text: str) -> None:
    assert checked_text(text, RULES).parts == 1


@pytest.mark.parametrize(
    "text",
    [
        "請點 http://bit.ly/3xYz",
        "bit.ly/3xYz",
        "請上cdc.gov.tw.evil.com",
        "https://cdc.gov.tw@evil.com/",
        "https://cdc.gov.tw:443@evil.com/",
        "http://cdc.gov.tw/",
        "https://192.168.1.1/login",
        "192.168.1.1",
        "https://evil",
        "evil.com/cdc.gov.tw",
        "cdc-gov.tw",
        "notgov.tw",
        "gоv.tw",  # a Cyrillic о
        "疾管署.tw",
        "evil.台灣",
        "ｂｉｔ．ｌｙ／ａ",
        "bit。ly/a",
        "line://ti/p/x",
        "HTTPS://EVIL.COM",
        "xn--evil.com",
        "cdc.gov\u200b.tw",
        "tel\u202egpj.com",
    ],
)
def test_what_may_not(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_text(text, RULES)
    assert text not in str(caught.value)


@given(
    st.from_regex(r"[a-z0-9]{1,10}\.(com|net|tw|ly|cc|xyz|top)(/[a-z0-9]{0,5})?", fullmatch=True),
    st.text("請到看 ，", max_size=6),
)
def test_no_link_of_anybody_else(link: str, before: str) -> None:
    with pytest.raises(Invalid):
        checked_text(f"{before}{link}", RULES)


@given(st.text(max_size=200))
def test_any_text_is_judged(text: str) -> None:
    try:
        shape = checked_text(text, RULES)
    except Invalid as error:
        assert error.fields[0].field == "text"  # noqa: PT017 - either is right
        return
    assert shape.parts <= 2


def test_the_budget_is_counted_before_it_leaves() -> None:
    assert checked_text("榕" * 70, RULES).parts == 1
    assert checked_text("榕" * 134, RULES).parts == 2
    with pytest.raises(Invalid, match="needs 3 parts"):
        checked_text("榕" * 135, RULES)


def test_senders_are_fixed() -> None:
    assert [sender_of(one, RULES) for one in ("", "1955")] == ["1922", "1955"]
    with pytest.raises(Invalid):
        sender_of("0912345678", RULES)
