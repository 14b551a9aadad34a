"""The public pages and the desk in HTML: marks, refusals in words, and hostile words that stay text."""

from __future__ import annotations

import pytest
from tests.access.enough import Page, faults
from tests.service.alerts.world import World, in_a_world

from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.service.alerts import forms
from banyan.service.alerts.kinds import kinds
from banyan.service.alerts.model import Words

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("prefix", ["", "/en"])
def test_every_public_page_shows_a_real_alert_and_marks_an_exercise(prefix: str) -> None:
    async def story(world: World) -> None:
        real = await world.released()
        drill = await world.released(status="Exercise", contact="119")
        page = await world.client.get(f"{prefix}/alerts", headers=HTML)
        assert page.status == 200
        mark = "[EXERCISE]" if prefix else "【演習】"
        assert page.text.count(f'href="{prefix}/alerts/{real}"') == 2  # the banner and the card
        assert page.text.count(f'href="{prefix}/alerts/{drill}"') == 1
        one = await world.client.get(f"{prefix}/alerts/{drill}", headers=HTML)
        assert f"<h1>{mark}" in one.text
        for text in (page.text, one.text):
            assert faults(Page(text)) == []
        asked = await world.client.get(f"{prefix}/alerts?place=%E8%87%BA%E5%8C%97%E5%B8%82", headers=HTML)
        assert ("No warning is in force here" if prefix else "這裡目前沒有生效的告警") in asked.text
        for path in ("/alerts/archive", "/alerts/warrants"):
            assert (await world.client.get(prefix + path, headers=HTML)).status == 200
        assert (await world.client.get(f"{prefix}/alerts/tw-gov-eoc-none", headers=HTML)).status == 404
        assert (await world.client.get(f"{prefix}/alerts/desk", headers=HTML)).status == 403
        assert (await world.client.get(f"{prefix}/alerts/phones", headers=HTML)).status == 404

    in_a_world(story)


def test_a_draft_is_nobodys_and_hostile_words_are_text() -> None:
    async def story(world: World) -> None:
        id = await world.drafted()
        assert (await world.client.get(f"/alerts/{id}", headers=HTML)).status == 404
        assert (await world.client.get(f"/alerts/cap/{id}.1.xml")).status == 404
        words = {"zh-Hant": Words("<script>alert(1)</script>&花蓮")}
        out = await world.released(words=words)
        page = await world.client.get("/alerts", headers=HTML)
        assert "<script>alert(1)" not in page.text
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in (await world.client.get(f"/alerts/cap/{out}.1.xml")).text
        assert "<script>" not in (await world.client.get("/alerts/feed.rss")).text

    in_a_world(story)


def test_a_place_by_name_by_point_and_one_that_nobody_knows() -> None:
    async def story(world: World) -> None:
        await world.released()
        known = {"place": "花蓮縣玉里鎮"}, {"place": "花蓮縣花蓮市民生里"}, {"lon": 121.602, "lat": 23.985}
        for where in known:
            assert len((await world.call("here", **where)).alerts) == 1, where
        for where in ({"place": "臺北市"}, {"lon": 121.5, "lat": 25.03}):
            told = await world.call("here", **where)
            assert (told.alerts, bool(told.place)) == ((), True)
        assert (await world.call("here", place="亞特蘭提斯")).place is None
        reply = await world.call("ask", text="花蓮縣花蓮市有沒有淹水警報")
        assert reply.score == 1.0
        assert "1 則" in reply.text
        assert (await world.call("ask", text="現在有告警嗎")).asks == "place"
        assert (await world.call("ask", text="口罩哪裡買")).score == 0.0

    in_a_world(story)


HUALIEN, JIAN = "花蓮縣花蓮市", "花蓮縣吉安鄉"
RING = "23.99,121.60 23.99,121.63 23.96,121.63"


@pytest.mark.parametrize(
    ("boxes", "chinese", "english"),
    [
        ({"areas": HUALIEN}, "花蓮縣花蓮市淹水警戒", "Flood warning: Hualien City, Hualien County"),
        (
            {"areas": f"{HUALIEN}\n{JIAN}"},
            "花蓮縣花蓮市、花蓮縣吉安鄉淹水警戒",
            "Flood warning: Hualien City, Hualien County; Ji'an Township, Hualien County",
        ),
        (
            {"areas": "臺北市、新北市、桃園市、臺中市、臺南市、高雄市"},
            "臺北市、新北市、桃園市、臺中市及其他 2 處淹水警戒",
            "Flood warning: Taipei City; New Taipei City; Taoyuan City; Taichung City; 2 more places",
        ),
        ({"polygon": RING}, "淹水警戒", "Flood warning"),
        ({"areas": HUALIEN, "headline_zh-Hant": "堤防潰決", "headline_en": "Dyke broken"}, "堤防潰決", "Dyke broken"),
    ],
)
def test_a_headline_left_as_the_form_began_names_the_places_of_the_warning(
    boxes: dict[str, str], chinese: str, english: str
) -> None:
    """Phones said "Flood warning:." where an officer wrote the places and let the words stand."""
    given = forms.begun(kinds()["flood"], "", EpochS(1_795_438_800.0)) | boxes
    words = forms.content_of(given, "en").words
    assert (words["zh-Hant"].headline, words["en"].headline) == (chinese, english)


def test_the_form_says_each_box_that_does_not_stand() -> None:
    given = forms.begun(kinds()["flood"], "花蓮縣花蓮市", 1_795_438_800.0)  # type: ignore[arg-type]  # a float is one
    content = forms.content_of(given, "en")
    assert content.areas[0].code == "10015010"
    assert content.words["en"].headline == "Flood warning: Hualien City, Hualien County"
    assert forms.content_of(forms.filled(content), "en") == content
    wrong = {**given, "areas": "亞特蘭提斯", "polygon": "23,121", "circle": "x", "onset": "soon", "channels": []}
    with pytest.raises(Invalid) as caught:
        forms.content_of({**wrong, "headline_zh-Hant": ""}, "en")
    boxes = {one.field for one in caught.value.fields}
    assert boxes == {"areas", "polygon", "circle", "onset", "channels", "headline_zh-Hant"}
