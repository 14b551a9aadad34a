"""A code is read however a person writes it, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.notify.linkcode import CODE_LETTERS, LETTERS, new_code, said, shown


@given(
    st.binary(min_size=16, max_size=16),
    st.sampled_from(["連結 ", "连结:", "綁定：", "link ", "LINK", "Link: "]),
    st.booleans(),
)
def test_what_a_page_shows_is_read_in_the_chat(drawn: bytes, word: str, is_lower: bool) -> None:
    code = new_code(lambda size: drawn[:size])
    assert len(code) == CODE_LETTERS
    assert set(code) <= set(LETTERS)
    written = shown(code).lower() if is_lower else shown(code)
    for text in (word + written, word + written.replace("-", " "), word + written.replace("-", "")):
        assert said(text) == code


def test_each_draw_is_its_own_code() -> None:
    assert len({new_code(lambda size, n=n: (n * 7919).to_bytes(size)) for n in range(2_000)}) == 2_000


@pytest.mark.parametrize(
    "text", ["", "連結", "ABCDE-FGHJK", "link ABCDE-FGHJ", "link ABCDE-FGHJKL", "連結 ABCDE-FGHJK 謝謝", "我在家"]
)
def test_anything_else_is_no_code(text: str) -> None:
    assert said(text) is None
