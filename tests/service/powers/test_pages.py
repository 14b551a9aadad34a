"""The pages of emergency powers: everybody sees them without signing in; officers act by plain forms, as rules say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from tests.kernel.policy.test_judging import FLAG, LOAN, NOW
from tests.make import SECRET, Client
from tests.service.powers.test_lapse import run_timers
from tests.service.powers.world import CDC, COURT, NHI, World, declaration, in_a_node, moment

from banyan.channel.web import build_portal
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.kernel.identity.caller import Caller
from banyan.kernel.ledger.receipts import prove
from banyan.kernel.policy import records
from banyan.limits import EMERGENCY_CELL_LEAST, ORDER_REVIEW_DAYS
from banyan.node import ROOT
from banyan.service.powers.parts import SERVICE
from banyan.settings import Settings
from banyan.wire.tlog.checkpoint import verifier_of

TAIPEI = timezone(timedelta(hours=8))
WHO = {
    "cdc": CDC,
    "nhi": NHI,
    "court": COURT,
    "doctor": Caller("officer", "o-7", agency="TW/MED/H1", assurance="aal2"),
    "colleague": Caller("officer", "o-8", agency="TW/MED/H1", assurance="aal2"),
    "citizen": Caller("citizen", "c", assurance="aal2", subject="s"),
    "weak": Caller("officer", "w", agency="TW/GOV/CDC", assurance="aal1"),
    "admin": Caller("administrator", "a"),
}
Story = Callable[[World, Client], Awaitable[None]]


def at_the_door(*stories: Story, folder: Path | None = None) -> None:
    """Each story at a door where a token stands for a caller; restarts in between."""

    async def tell(world: World, story: Story) -> None:
        work = world.node.data / "w"
        work.mkdir(exist_ok=True)
        door = build_door(
            world.node.catalogue,
            world.node.gate,
            identify=WHO.get,
            settings=DoorSettings(secret=SECRET, work=work, rate_scale=0.0),
            log=lambda name, fields: None,
            render=build_portal([SERVICE], site=Settings().site, web=ROOT / "web").render,
        )
        await story(world, Client(door))

    in_a_node(*(lambda world, one=one: tell(world, one) for one in stories), folder=folder)


def local(at: float) -> str:
    """As a `datetime-local` box sends it: Taiwan's time without its offset."""
    return datetime.fromtimestamp(at, TAIPEI).strftime("%Y-%m-%dT%H:%M:%S")


def declared_form(**values: str) -> dict[str, str]:
    texts = {name: str(declaration()[name]) for name in ("id", "title_zh", "title_en", "incident", "reason")}
    return {**texts, "basis": FLAG.id, "start": local(NOW), "until": local(NOW + 500), **values}


def test_the_life_of_an_order_by_plain_forms_and_what_everybody_sees(tmp_path: Path) -> None:
    async def story(world: World, client: Client) -> None:
        assert "No order is in force or waits" in (await client.get("/en/powers")).text
        sent = await client.post("/powers/declare", form=declared_form(), token="cdc")
        assert (sent.status, sent.header("location")) == (303, "/powers/orders/o-1")
        page = (await client.get("/en/powers")).text
        for words in ("Border quarantine", "waits for another agency", "Communicable Disease Control Act, article 39",
                      "TW/GOV/CDC", "TW/MED/H1", "nobody yet", "flag、rule"):  # fmt: skip
            assert words in page, words
        assert "境外移入" not in page, "an officer's free text is not published"
        assert "<form" not in page.split("<main")[1]
        approved = await client.post("/powers/orders/o-1", form={"do": "approve"}, token="nhi")
        assert approved.status == 303
        page = (await client.get("/powers")).text
        for words in ("生效中", "邊境檢疫", "傳染病防治法第 39 條", "TW/GOV/NHI", "8 分", "2020-05-21 02:48"):
            assert words in page, words
        longer = {"do": "extend", "until": local(NOW + 700)}
        assert (await client.post("/powers/orders/o-1", form=longer, token="court")).status == 303
        one = (await client.get("/api/powers/order?id=o-1")).json
        assert (one["stage"], one["remaining_s"]) == ("in-force", 700)
        assert one["extended_by"] == [{"agency": "TW/GOV/COURT", "until": "2020-05-20T18:51:40Z"}]
        unsure = await client.post("/powers/orders/o-1", form={"do": "end"}, token="nhi")
        assert unsure.status == 422
        assert 'href="#f-sure"' in unsure.text
        ended = await client.post("/powers/orders/o-1", form={"do": "end", "sure": "yes"}, token="nhi")
        assert ended.status == 303
        await world.entries()
        page = (await client.get("/en/powers")).text
        assert "ended early" in page
        assert "/powers/orders/o-1/receipt" in page
        assert "/en/transparency#check" in page
        receipt = await client.get("/powers/orders/o-1/receipt")
        keys = [verifier_of(key) for key in world.node.lawful.keys.vkeys]
        assert prove(receipt.body, logs=keys).entry == {
            "v": 1,
            "kind": "deletion",
            "order": "o-1",
            "keys": 0,
            "at": NOW,
        }

    at_the_door(story, folder=tmp_path)


def test_an_order_that_lapses_by_itself_shows_its_receipt_after_a_restart(tmp_path: Path) -> None:
    async def before(world: World, client: Client) -> None:
        await world.in_force("standing", {}, None)
        assert (await client.get("/powers/orders/o-1/receipt")).status == 404
        world.now[0] = NOW + 500
        await run_timers(world)

    async def after(world: World, client: Client) -> None:
        await world.entries()
        (one,) = (await client.get("/api/powers/board")).json["orders"]
        assert (one["stage"], one["remaining_s"], one["is_ended_early"]) == ("ended", 0, False)
        assert (await client.get(one["receipt"])).status == 200

    at_the_door(before, after, folder=tmp_path)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"until": local(NOW - 1)}, ""),
        ({"until": "tomorrow"}, "until"),
        ({"start": ""}, "start"),
        ({"reason": " "}, "reason"),
        ({"basis": ""}, ""),
        ({"basis": LOAN.id}, ""),
        ({"id": "../x"}, "id"),
        ({"title_en": "x" * 201 + "Border quarantine"}, "title_en"),
        ({"until": local(NOW + 40 * 86_400)}, ""),
    ],
)
def test_a_declaration_that_does_not_stand_comes_back_with_its_words(change: dict[str, str], field: str) -> None:
    async def story(world: World, client: Client) -> None:
        sent = await client.post("/en/powers/declare", form=declared_form(**change), token="cdc")
        assert sent.status in (409, 422)
        assert 'id="error-summary"' in sent.text
        assert not field or f'href="#f-{field}"' in sent.text
        assert "Border quarantine" in sent.text, "what was written is still there"
        assert (await world.policy.read(records.all_orders)) == []

    at_the_door(story)


def test_who_is_no_officer_sees_no_form_and_sends_none() -> None:
    async def story(world: World, client: Client) -> None:
        await world.call("declare_order", declaration(id="o-2"), CDC)
        for token in ("", "citizen", "admin"):
            for path in ("/powers/declare", "/powers/reviews"):
                assert (await client.get(path, token=token)).status == 403, (token, path)
            for path, form in (
                ("/powers/declare", declared_form()),
                ("/powers/orders/o-2", {"do": "approve"}),
                ("/powers/reviews", {"use": "1", "do": "justified"}),
            ):
                assert (await client.post(path, form=form, token=token)).status == 403, (token, path)
            assert (await client.get("/powers", token=token)).status == 200
        assert (await client.post("/powers/declare", form=declared_form(), token="weak")).status == 403
        order = (await client.get("/api/powers/order?id=o-2")).json
        assert order["stage"] == "declared"
        assert [one.id for one in await world.policy.read(records.all_orders)] == ["o-2"]

    at_the_door(story)


def test_an_officer_is_offered_only_what_their_agency_may_do() -> None:
    async def story(world: World, client: Client) -> None:
        async def acts(token: str) -> list[str]:
            page = await client.get("/powers/orders/o-1", token=token)
            assert "no-store" in page.header("cache-control")
            return re.findall(r'name="do" value="(\w+)"', page.text)

        await world.call("declare_order", declaration(), CDC)
        assert "境外移入" in (await client.get("/powers/orders/o-1", token="nhi")).text, "who approves reads why"
        for token in ("", "citizen", "admin", "weak"):
            assert "境外移入" not in (await client.get("/powers/orders/o-1", token=token)).text, token
            assert (await client.get("/api/powers/order_reason?id=o-1", token=token)).status in (401, 403), token
        assert [await acts(who) for who in ("cdc", "nhi", "court")] == [["end"], ["approve"], ["approve"]]
        await world.call("approve_order", {"id": "o-1"}, NHI)
        assert [await acts(who) for who in ("cdc", "nhi", "court")] == [["end"], ["end"], ["extend"]]
        refused = await client.post(
            "/en/powers/orders/o-1", form={"do": "extend", "until": local(NOW + 600)}, token="nhi"
        )
        assert refused.status == 409
        assert "cannot extend it" in refused.text
        assert (
            await client.post("/powers/orders/o-1", form={"do": "extend", "until": "x"}, token="court")
        ).status == 422
        assert (await client.post("/powers/orders/o-1", form={"do": "drop"}, token="cdc")).status == 422
        assert (await client.post("/powers/orders/o-9", form={"do": "approve"}, token="nhi")).status == 404
        await world.call("end_order", {"id": "o-1"}, CDC)
        assert [await acts(who) for who in ("cdc", "nhi", "court")] == [[], [], []]

    at_the_door(story)


def test_reviews_are_written_from_the_worklist_and_overdue_ones_suspend_in_public() -> None:
    async def story(world: World, client: Client) -> None:
        long = declaration(until=moment(NOW + 900))
        await world.call("declare_order", long, CDC)
        await world.call("approve_order", {"id": "o-1"}, NHI)
        await world.use()
        (use,) = await world.call("open_reviews", {}, world.doctor)
        own = (await client.get("/en/powers/reviews", token="doctor")).text
        assert "a colleague reviews it" in own
        assert 'name="do"' not in own
        assert "急診無法陳述" in own
        assert "Nothing waits" in (await client.get("/en/powers/reviews", token="cdc")).text
        board = (await client.get("/api/powers/board")).json["reviews"]
        due = datetime.fromtimestamp(NOW + ORDER_REVIEW_DAYS * 86_400, TAIPEI).date().isoformat()
        waiting = {"agency": "TW/MED/H1", "waiting": None, "overdue": 0, "first_due": due, "is_suspended": False}
        assert board == [waiting], "one use is too few to be told, and its due day has no clock"
        world.now[0] = NOW + ORDER_REVIEW_DAYS * 86_400
        assert "suspended" in (await client.get("/en/powers")).text
        assert (await client.get("/api/powers/board")).json["reviews"][0]["is_suspended"] is True
        late = (await client.get("/en/powers/reviews", token="colleague")).text
        for words in ("Your agency&#39;s emergency powers are suspended", "overdue", 'value="justified"'):
            assert words in late, words
        refused = await client.post("/powers/reviews", form={"use": str(use.use), "do": "justified"}, token="doctor")
        assert refused.status == 409
        for form, status in (({"use": "x", "do": "justified"}, 422), ({"use": str(use.use), "do": "x"}, 422),
                             ({"use": str(use.use), "do": "unjustified"}, 303)):  # fmt: skip
            assert (await client.post("/powers/reviews", form=form, token="colleague")).status == status
        assert (await client.get("/api/powers/board")).json["reviews"] == []
        assert "No use waits for a review" in (await client.get("/en/powers")).text

    at_the_door(story)


def test_counts_as_csv_are_those_of_the_operation() -> None:
    async def story(world: World, client: Client) -> None:
        empty = await client.get("/powers/uses.csv")
        assert empty.header("content-type") == "text/csv; charset=utf-8"
        assert empty.text == "order,agency,day,uses\r\n"
        await world.in_force("standing", {}, None)
        people = ("A123456789", "F131104093", "A800000014")
        for number in range(EMERGENCY_CELL_LEAST):
            await world.use(person=people[number % 3])
            rows = list(csv.DictReader(io.StringIO((await client.get("/powers/uses.csv")).text)))
            told = str(EMERGENCY_CELL_LEAST) if number + 1 == EMERGENCY_CELL_LEAST else ""
            assert rows == [{"order": "o-1", "agency": "TW/MED/H1", "day": "2020-05-21", "uses": told}]
        page = (await client.get("/en/powers")).text
        assert '<td class="number">5</td>' in page

    at_the_door(story)


def test_the_register_says_each_basis_in_words_in_both_languages() -> None:
    async def story(world: World, client: Client) -> None:
        for path, words in (
            ("/powers/bases", ("傳染病防治法第 39 條", "012 公共衛生或傳染病防治", "C034 旅行及其他遷徙細節", "28 天",
                               "要有生效中的命令", "使用後 2 天", "每人每天最多 3 次", "法律明文規定", "目前無效")),
            ("/en/powers/bases", ("Communicable Disease Control Act, article 39", "28 days", "an order in force",
                                  "2 days after the use", "the person&#39;s consent", "any agency",
                                  "as long as the law stands")),
        ):  # fmt: skip
            world.now[0] = NOW + (2_000 if path == "/powers/bases" else 0)
            page = (await client.get(path)).text
            for word in words:
                assert word in page, word
        found = (await client.get("/api/powers/bases?q=loan")).json
        assert [one["id"] for one in found["bases"]] == [LOAN.id]
        assert "1 found" in (await client.get("/en/powers/bases?q=LOAN")).text
        one = (await client.get(f"/api/powers/basis?id={FLAG.id}")).json
        assert (one["version"], one["clause"], one["sunset"]) == (FLAG.version, "16-1", "2020-05-20T18:56:40Z")
        assert one["sunset"] == datetime.fromtimestamp(FLAG.sunset, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert "Travel flag" in (await client.get(f"/en/powers/bases/{FLAG.id}")).text
        assert (await client.get("/powers/bases/none")).status == 404
        assert msgspec.json.decode((await client.get("/api/powers/bases?first=1&limit=1")).body)["total"] == 2

    at_the_door(story)


def test_a_longer_register_is_paged() -> None:
    async def story(world: World, client: Client) -> None:
        for number in range(25):
            basis = msgspec.structs.replace(LOAN, id=f"p-{number:02}")
            await world.policy.write(lambda tx, b=basis: records.put_basis(tx, b, NOW))
        world.node.lawful.conscience.forget()
        first = (await client.get("/en/powers/bases")).text
        assert "first=20" in first
        second = (await client.get("/en/powers/bases?first=20")).text
        assert 'rel="prev"' in second
        assert "p-24" in second
        assert "p-24" not in first

    at_the_door(story)
