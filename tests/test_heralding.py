"""Grave alerts stand on top of every page while they are in force, and nothing else ever does."""

from __future__ import annotations

import asyncio

from tests.service.alerts.values import CONTENT, WORDS
from tests.service.alerts.world import World, in_a_world

from banyan.kernel.events.clock import EpochS
from banyan.service.alerts.heralding import lines
from banyan.service.alerts.model import Words

HTML = {"Accept": "text/html"}
TRIES, PAUSE_S = 500, 0.01


async def headed(world: World, *, headlines: int, path: str = "/sitemap") -> str:
    """The page, once so many lines stand on its top: the portal hears of an alert after its commit."""
    for _ in range(TRIES):
        text = (await world.client.get(path, headers=HTML)).text
        if text.count('class="notice-degree"') == headlines:
            return text
        await asyncio.sleep(PAUSE_S)
    raise AssertionError(f"never {headlines} lines: {text[:2000]}")


def test_a_grave_alert_stands_on_every_page_until_it_is_cancelled() -> None:
    async def story(world: World) -> None:
        assert "notice-degree" not in (await world.client.get("/sitemap", headers=HTML)).text
        id = await world.released()
        text = await headed(world, headlines=1)
        assert f'href="/alerts/{id}">花蓮縣淹水警戒</a>' in text
        assert "嚴重" in text
        assert "請移往高處" in text
        english = await headed(world, headlines=1, path="/en/sitemap")
        assert f'href="/en/alerts/{id}">Flood warning: Hualien County</a>' in english
        assert "notice-degree" not in (await world.client.get("/alerts", headers=HTML)).text  # it tells it itself
        await world.cancelled(id)
        await headed(world, headlines=0)

    in_a_world(story)


def test_a_line_is_over_at_its_second_whatever_the_portal_has_heard() -> None:
    async def story(world: World) -> None:
        await world.released()
        await headed(world, headlines=1)
        world.now[0] = float(CONTENT.expires)
        assert "notice-degree" not in (await world.client.get("/sitemap", headers=HTML)).text

    in_a_world(story)


def test_only_what_is_actual_and_grave_and_the_gravest_first() -> None:
    async def story(world: World) -> None:
        hostile = WORDS | {"zh-Hant": Words("<b>海嘯</b>", "", "快跑"), "en": Words("<b>Tsunami</b>", "", "Run")}
        await world.released(status="Exercise", contact="119")
        await world.released(severity="Moderate", level="notice")
        severe = await world.released()
        extreme = await world.released(severity="Extreme", words=hostile)
        found = await lines(world.node.drawers["alerts"], EpochS(world.now[0]))
        assert [one.path for one in found] == [f"/alerts/{extreme}", f"/alerts/{severe}"]
        text = await headed(world, headlines=2)
        assert "&lt;b&gt;海嘯" in text
        assert "<b>海嘯" not in text

    in_a_world(story)
