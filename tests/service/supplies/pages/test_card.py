"""What a card says: the reason is the rule's own, a distance is read as people say it, an address is the view."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from tests.service.supplies.make import ADULT, AT, PLACES, a_board

from banyan.channel.web.speech import say_age
from banyan.kernel.catalogue.messages import load_messages
from banyan.service.supplies.confidence import confidence
from banyan.service.supplies.model import Located, Status, Window
from banyan.service.supplies.pages.asked import Asked
from banyan.service.supplies.pages.card import Stands, card_of, far, reason_of, spell_of
from banyan.service.supplies.pages.picture import shape
from banyan.service.supplies.pages.speaking import client_words

SURE = {"fresh": "high", "ageing": "medium", "few": "medium", "closed": "medium"}
AGES = {"minute": "minutes", "hour": "hours_ago", "day": "days_ago", "month": "months_ago", "year": "years_ago"}


def test_the_reason_told_is_why_the_confidence_is_what_it_is() -> None:
    for age, status, located, is_open in product(
        (0.0, 599.0, 601.0, 3_601.0), get_args(Status), get_args(Located), (True, False, None)
    ):
        reason = reason_of(age, status, located, is_open=is_open)
        assert SURE.get(reason, "low") == confidence(age, status, located, is_open=is_open)


@pytest.mark.parametrize(
    ("metres", "said"),
    [(0, "0 m"), (99, "99 m"), (345, "350 m"), (1_000, "1 km"), (1_250, "1.3 km"), (9_960, "10 km"), (14_499, "14 km")],
)
def test_a_distance_is_told_as_people_say_it(metres: int, said: str) -> None:
    assert far(metres) == said


def test_a_window_tells_where_it_stands() -> None:
    window = Window(540, 720)
    states = [(minute, spell_of(window, AT - (9 * 60 + 5) * 60 - 34 + minute * 60)) for minute in (539, 540, 719, 720)]
    assert [spell.state for _, spell in states if spell] == ["before", "now", "now", "after"]
    assert spell_of(None, AT) is None


def test_a_number_to_dial_has_digits_only() -> None:
    stands = Stands(True, "2020-02-14T01:05:34Z", "high")
    card = card_of(a_board().shown(0), ADULT, stands, AT)
    assert card.tel == "038358141"
    assert card.route.endswith("?to=23.976900%2C121.604400")
    assert card.geo == "geo:23.976900,121.604400"
    assert PLACES[0].code in card.path


def test_an_address_says_only_what_differs() -> None:
    assert Asked(item="water", radius=500).address() == "/supplies?item=water"
    asked = Asked(item="water", area="10015", lat=23.5, lon=121.123456, radius=500, least=0, open=True, page=3)
    assert asked.address(page=1) == "/supplies?item=water&area=10015&lat=23.5&lon=121.12346&radius=500&least=0&open=1"


def test_every_status_has_a_shape_of_its_own() -> None:
    assert len({shape(status, 0.0, 0.0, 2.0) for status in ("in_stock", "few", "reserved", "sold_out")}) == 4


@pytest.mark.parametrize("lang", ["zh-Hant", "en"])
def test_the_script_says_ages_as_the_server_does(lang: str) -> None:
    words, own = client_words(lang), load_messages("banyan.channel.web")
    assert words["card.now"] == say_age(own, lang, 5)
    for unit, key in AGES.items():
        assert words[f"card.{key}"] == own.text(f"age.{unit}", lang)
        assert words[f"card.{key}_one"] == own.text(f"age.{unit}_one", lang)
