"""The pages of allocation by forms alone: compare, propose, adjust, approve; and what the public sees of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.kernel.identity.openid.making import ISSUER
from tests.make import NOW as TODAY
from tests.service.allocation.world import DAY, EVENTS, ITEM, OUTLETS, WEEK, a_day
from tests.test_counter import Hall

from banyan.demo.personas import seed_personas
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import SYSTEM
from banyan.node import open_node
from banyan.service.supplies.keeping import kept_of
from banyan.settings import Settings, Site

NAMES = ("identity", "supplies", "allocation")
ONLY = Settings(services=tuple(f"banyan.service.{name}.parts:SERVICE" for name in NAMES), site=Site(public_url=ISSUER))


def in_a_hall(folder: Path, story: Callable[[Hall], Awaitable[None]]) -> None:
    """A whole node with its personas, the map and the sales of the small county."""

    async def run() -> None:
        times = [float(TODAY)]
        async with open_node(folder, ONLY, clock=lambda: EpochS(times[0]), is_demo=True) as node:
            await seed_personas(node.persons)
            board = kept_of(node.drawers["supplies"])
            for event in EVENTS:
                await board.commit(event)
            for day in WEEK:
                await node.gate.call("allocation.save_day", a_day(day), caller=SYSTEM)
            await story(Hall(node, times))

    asyncio.run(run())


def test_two_officers_take_a_plan_from_comparison_to_the_public(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        wu, chen = await hall.signed_in("demo.supplies"), await hall.signed_in("demo.epidemic")
        asked = {"item": ITEM, "day": DAY, "supply": "30", "method": "fill"}
        compared = await hall.post("/en/allocation", wu, do="compare", **asked)
        assert compared.status == 200
        assert "The methods side by side" in compared.text
        assert "/allocation/plans/" not in compared.text

        made = await hall.post("/en/allocation", wu, do="propose", **asked)
        assert made.status == 303, made.text
        path = "/en" + made.header("location").removeprefix("/en")
        for page in ("/en/allocation", path):
            assert "no-store" in (await hall.call("GET", page, jar=chen)).header("cache-control")
        assert (await hall.call("GET", path, jar={})).status == 404
        assert DAY not in (await hall.call("GET", "/en/allocation", jar={})).text

        code = OUTLETS[9].code
        wrong = await hall.post(path, wu, do="adjust", code=code, boxes="many", kind="event", words="")
        assert wrong.status == 422
        assert "Say how many boxes" in wrong.text
        assert "Say why" in wrong.text
        changed = await hall.post(path, wu, do="adjust", code=code, boxes="0", kind="event", words="祭典改期")
        assert changed.status == 303, changed.text
        own = await hall.post(path, wu, do="approve", sure="yes")
        assert own.status == 403
        unsure = await hall.post(path, chen, do="approve")
        assert (unsure.status, "tick that you are sure" in unsure.text) == (422, True)
        assert "祭典改期" in (await hall.call("GET", path, jar=chen)).text
        assert (await hall.post(path, chen, do="approve", sure="yes")).status == 303

        public = await hall.call("GET", path, jar={})
        assert public.status == 200
        assert "floor of the only outlet in 金門縣烏坵鄉" in public.text
        assert "local event" in public.text
        assert "祭典改期" not in public.text
        assert "button" not in public.text.partition("<main")[2].partition('id="outlets"')[0]
        assert DAY in (await hall.call("GET", "/en/allocation", jar={})).text
        found = await hall.call("GET", f"{path}?q=%E5%90%89%E5%AE%89", jar={})
        assert "2 outlets found" in found.text

    in_a_hall(tmp_path, story)


def test_nobody_else_is_shown_or_may_send_a_form(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        for name in ("demo.lin", "demo.border", "demo.clerk"):
            jar = await hall.signed_in(name)
            page = await hall.call("GET", "/en/allocation", jar=jar)
            assert 'name="supply"' not in page.text
            asked = {"item": ITEM, "day": DAY, "supply": "30", "do": "propose"}
            refused = await hall.post("/en/allocation", jar, at="/en/session", **asked)
            assert refused.status in (403, 404), refused.text

    in_a_hall(tmp_path, story)


def test_what_cannot_be_shared_out_comes_back_with_words(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        wu = await hall.signed_in("demo.supplies")
        empty = await hall.post("/en/allocation", wu, do="propose", item=ITEM, day="", supply="0", method="fill")
        assert empty.status == 422
        assert 'href="#f-day"' in empty.text
        assert 'href="#f-supply"' in empty.text
        unknown = await hall.post("/en/allocation", wu, do="propose", item="mask-child", day=DAY, supply="5")
        assert unknown.status == 409
        assert "No sales of mask-child are on record" in unknown.text

    in_a_hall(tmp_path, story)
