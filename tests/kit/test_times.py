"""Times as apps write them."""

from __future__ import annotations

import pytest

from banyan.kit.times import epoch_of

MOMENT = 1_581_642_334.0


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-14T01:05:34Z",
        "2020-02-14T09:05:34+08:00",
        "2020/02/14 09:05:34",
        "2020-02-14 09:05:34",
        "1581642334",
        "1581642334000",
        " 2020-02-14T01:05:34.000Z ",
    ],
)
def test_one_moment_written_many_ways(text: str) -> None:
    assert epoch_of(text) == MOMENT


@pytest.mark.parametrize("text", ["", "just now", "2020/13/45 09:05:34", "12", "09:05", "2020/02/30 09:05:34"])
def test_what_is_no_time(text: str) -> None:
    assert epoch_of(text) is None
