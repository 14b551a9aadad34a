"""The console's pages: officers only, in both languages, acts by plain forms, and words for what does not stand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.service.exchange.world import ASKS, FLAG, NIA_2, NOW, World, in_a_node

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.model import Timing
from banyan.limits_road import EXCHANGE_CALLS
from banyan.road_desk import Calls
from banyan.service.exchange.shelf import Alert, DirectoryStands
from banyan.service.exchange.wording import MESSAGES
from banyan.wire.xroad.identifiers import parse_client, parse_service

PAGES = ("/exchange", "/exchange/grants", "/exchange/calls", "/exchange/queue")
FORM = {"service": FLAG, "client": ASKS, "purpose": "012", "basis": "CDC-31-travel", "until": "2026-12-31",
        "priority": "crisis", "per_minute": "600", "path": ""}  # fmt: skip


def test_the_pages_are_officers_alone_and_never_cached() -> None:
    async def story(world: World) -> None:
        for path in PAGES:
            for token, status in ((None, 403), ("admin", 403), ("citizen", 403), ("weak", 403), ("nia", 200)):
                for at in (path, f"/en{path}"):
                    reply = await world.client.get(at, token=token)
                    assert reply.status == status, (at, token, reply.text[-400:])
            assert "no-store" in (reply.header("cache-control") or "")
        for path, form in (("/exchange/grants", FORM), ("/exchange/queue", {"do": "revive", "id": "l-1"})):
            assert (await world.client.post(path, form=form, token="admin")).status == 403
        assert len(world.road.queue) == 2

    in_a_node(story)


def test_a_grant_lives_by_plain_forms() -> None:
    async def story(world: World) -> None:
        sent = await world.client.post("/exchange/grants", form=FORM, token="nia")
        assert (sent.status, sent.header("location")) == (303, "/exchange/grants")
        page = (await world.client.get("/exchange/grants", token="nia")).text
        for words in (
            "等待核可",
            f"{ASKS} 可呼叫 {FLAG}",
            "傳染病防治法第 31 條",
            "另一位承辦人員核可",
            "每分鐘最多 600 次",
        ):
            assert words in page, words
        assert 'value="approve"' not in page
        page = (await world.client.get("/en/exchange/grants", token="nia2")).text
        assert 'value="approve"' in page
        assert "2026-12-31 23:59" in page
        id = (await world.call("grants", NIA_2))[0].id
        assert (await world.client.post(f"/exchange/grants/{id}", form={"do": "approve"}, token="nia2")).status == 303
        assert "生效中" in (await world.client.get("/exchange/grants", token="nia")).text
        assert (await world.client.post(f"/exchange/grants/{id}", form={"do": "end"}, token="nia")).status == 303
        late = await world.client.post(f"/en/exchange/grants/{id}", form={"do": "approve"}, token="nia2")
        assert late.status == 409
        assert "does not wait for approval" in late.text
        assert (await world.client.post(f"/exchange/grants/{id}", form={"do": "x"}, token="nia")).status == 422

    in_a_node(story)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"client": ""}, "client"),
        ({"until": ""}, "until"),
        ({"until": "soon"}, "until"),
        ({"until": "2026-01-01"}, "until"),
        ({"per_minute": "many"}, "per_minute"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "157"}, "purpose"),
        ({"basis": ""}, "basis"),
        ({"client": "TW/GOV/CDC/epidemic"}, "basis"),
    ],
)
def test_a_proposal_that_does_not_stand_comes_back_with_its_words(changes: Mapping[str, str], field: str) -> None:
    async def story(world: World) -> None:
        sent = await world.client.post("/en/exchange/grants", form={**FORM, **changes}, token="nia")
        assert sent.status in (409, 422)
        assert f'href="#f-{field}"' in sent.text
        assert f'id="f-{field}"' in sent.text
        assert "CDC-31-travel" in sent.text, "what was chosen is still there"

    in_a_node(story)


def test_what_cannot_be_delivered_is_settled_by_its_sender() -> None:
    async def story(world: World) -> None:
        page = (await world.client.get("/exchange/queue", token="hospital")).text
        assert "did not answer in time" in page
        assert "The peer cannot be reached." in page
        unsure = await world.client.post(
            "/exchange/queue", form={"do": "discard", "id": "l-1", "place": "1"}, token="hospital"
        )
        assert unsure.status == 422
        assert 'href="#f-sure-1"' in unsure.text
        sure = {"do": "discard", "id": "l-1", "place": "1", "sure-1": "yes"}
        assert (await world.client.post("/exchange/queue", form=sure, token="hospital")).status == 303
        again = await world.client.post("/en/exchange/queue", form={"do": "revive", "id": "l-1"}, token="hospital")
        assert again.status == 404
        assert "no such dead letter" in again.text
        assert (await world.client.post("/exchange/queue", form={"do": "x"}, token="hospital")).status == 422

    in_a_node(story)


def test_the_first_page_shows_what_needs_somebody_first() -> None:
    async def story(world: World) -> None:
        world.road.told = [
            Alert("certificate-soon", {"server": "TW/GOV/NIA/gw1", "days": "12"}),
            Alert("split-view", {"version": "7"}, "wrong"),
        ]
        world.road.directory = DirectoryStands("7", "stale", EpochS(1_795_000_000.0), EpochS(1_797_000_000.0))
        page = (await world.client.get("/exchange", token="hospital")).text
        assert page.index("同版本而內容不同") < page.index("再 12 天到期")
        for words in ("較舊，仍可用", "第 7 版", "榕樹醫院", "旅遊史註記", "maintenance until noon", "http://127.0.0.1:8080",
                      "1 則等待中，1 則送不到", "12 毫秒"):  # fmt: skip
            assert words in page, words
        page = (await world.client.get("/en/exchange", token="cdc")).text
        assert "Server.ServerProxy.AccessDenied" in page
        assert "12 ms" not in page, "another agency's calls are not shown"

    in_a_node(story)


def test_what_a_doctor_asked_of_services_pushes_no_call_off_the_first_page() -> None:
    about = "TW/GOV/NIA/border/allowedMethods"

    async def story(world: World) -> None:
        calls = Calls()
        world.road.calls = lambda: calls.newest  # type: ignore[method-assign]
        calls.note(a_timing(FLAG, 0))
        for number in range(EXCHANGE_CALLS + 1):
            calls.note(a_timing(about, number + 1))
        page = (await world.client.get("/en/exchange", token="nia")).text
        assert page.count(f"<td>{FLAG}</td><td>GET") == 1
        assert about not in page
        page = (await world.client.get("/en/exchange/calls", token="nia")).text
        assert page.count(f"<td>{FLAG}</td><td>GET") == 1
        assert page.count(f'{about} <span class="small">(asks what is offered)') == EXCHANGE_CALLS
        assert page.index(about) < page.index(f"<td>{FLAG}</td><td>GET")

    in_a_node(story)


def a_timing(service: str, at_s: int) -> Timing:
    ms = int(NOW + at_s) * 1_000
    asked = parse_service(service)
    return Timing("provider", "x", "m", parse_client(ASKS), asked, "GET", "", ms, ms, ms, ms, 0, 0, 200, "")


def test_every_alert_has_its_words_and_what_to_do() -> None:
    values = {"server": "s", "days": "1", "hours": "2", "version": "3", "peer": "p", "count": "4", "client": "c",
              "service": "x"}  # fmt: skip
    for code in ("certificate-soon", "certificate-over", "directory-stale", "directory-expired", "split-view",
                 "breaker-open", "dead-letters", "log-unwitnessed", "log-strange", "basis-changed"):  # fmt: skip
        for lang in ("zh-Hant", "en"):
            assert MESSAGES.text(f"exchange_alert.{code}", lang, **values)
            assert MESSAGES.text(f"exchange_alert.{code}_remedy", lang, **values)
