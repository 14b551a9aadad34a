"""A whole node, through its pages: a registrar lets a mother act for her child, two officers help who has no phone, a
kiosk forgets; and what the people concerned find in their own lists afterwards.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.identity.openid.making import ISSUER, World
from tests.make import NOW, Client, Reply

from banyan.demo.personas import seed_personas
from banyan.errors import Denied
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Refused
from banyan.kernel.identity import acting
from banyan.kernel.identity.caller import Assisted, Caller
from banyan.kernel.identity.openid import records
from banyan.limits_identity import COUNTER_S, KIOSK_S
from banyan.node import Node, open_node
from banyan.settings import Settings, Site

HOST = ISSUER.removeprefix("https://")
LIN, MOTHER = "A123456789", "A223456781"
BORN = "2015-05-04"
Jar = dict[str, str]


class Hall:
    """A node at its public address, a clock to move, and browsers."""

    def __init__(self, node: Node, times: list[float]) -> None:
        self.node, self.client, self.times = node, Client(node.app), times
        self.app = World(node.persons.store)
        self.app.provider, self.app.now = node.persons, NOW

    async def call(self, method: str, path: str, *, jar: Jar, **options: Any) -> Reply:
        headers = dict(options.pop("headers", {})) | {"host": HOST}
        if jar:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        reply = await self.client.request(method, path, headers=headers, scheme="https", **options)
        for name, value in reply.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                jar[key] = rest.partition(";")[0]
                if "Max-Age=0" in value:
                    del jar[key]
        return reply

    async def signed_in(self, name: str) -> Jar:
        return {"__Host-openid": await self.app.signed_in(name)}

    async def post(self, path: str, jar: Jar, *, at: str = "", **form: str) -> Reply:
        """A form of a page, with what the page gives to send along."""
        page = await self.call("GET", at or path, jar=jar)
        for name in ("csrf_token", "form_token"):
            found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
            form |= {name: found.group(1)} if found else {}
        return await self.call("POST", path, jar=jar, form=form)

    async def asks(self, operation: str, jar: Jar, **request: Any) -> Any:
        """An operation as this browser's own page would ask it."""
        page = await self.call("GET", "/en/operations/openid.end_representation", jar=jar)
        found = re.search(r'name="csrf_token" value="([^"]*)"', page.text)
        assert found, page.text[:2_000]
        headers = {"x-csrf-token": found.group(1)}
        return await self.call("POST", f"/api/{operation}", jar=jar, json=request, headers=headers)

    async def uses(self, jar: Jar) -> list[dict[str, Any]]:
        return list((await self.call("GET", "/api/mydata/uses", jar=jar)).json["uses"])


def lived(folder: Path, story: Callable[[Hall], Awaitable[None]]) -> None:
    async def live() -> None:
        times = [NOW + 0.0]
        services = ("banyan.service.identity.parts:SERVICE", "banyan.service.mydata.parts:SERVICE")
        settings = Settings(services=services, site=Site(public_url=ISSUER))
        async with open_node(folder, settings, clock=lambda: EpochS(times[0]), is_demo=True) as node:
            await seed_personas(node.persons)
            await story(Hall(node, times))

    asyncio.run(live())


def moment(at: float) -> str:
    from banyan.kernel.events.clock import iso

    return iso(EpochS(at))


def test_a_mother_acts_for_her_child_and_the_child_sees_it(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        registrar, mother, lin = [await hall.signed_in(n) for n in ("demo.registrar", "demo.mother", "demo.lin")]
        between = {"representative": MOTHER, "represented": LIN}
        first = await hall.asks("openid/end_representation", registrar, **between)
        assert (first.status, first.json) == (200, {"ended": 1})  # the demonstration's own
        terms = {"start": moment(NOW), "until": moment(NOW + 3_600), "document": "HR-1", "born": BORN}
        asked = {**between, "relation": "child", "ground": "household", **terms}
        for jar in (mother, await hall.signed_in("demo.epidemic"), await hall.signed_in("demo.clerk")):
            assert (await hall.asks("openid/grant_representation", jar, **asked)).status == 403
        for wrong, field in (
            ({"ground": "both-parents"}, "other_parent"),
            ({"born": "2008-11-23"}, "born"),
            ({"represented": "A123456788"}, "represented"),
            ({"until": moment(NOW)}, "until"),
        ):
            refused = await hall.asks("openid/grant_representation", registrar, **(asked | wrong))
            assert (refused.status, refused.json["errors"][0]["field"]) == (422, field)
        made = await hall.asks("openid/grant_representation", registrar, **asked)
        assert made.status == 200, made.text
        assert LIN not in made.text

        page = await hall.call("GET", "/en/openid/acting", jar=mother)
        assert "A12****789" in page.text
        chosen = await hall.post("/en/openid/acting", mother, do="act", **{"for": made.json["id"]})
        assert chosen.status == 303, chosen.text
        page = await hall.call("GET", "/en/mydata", jar=mother)
        assert "You act for your child" in page.text
        seen = await hall.uses(lin)
        assert {one["action"]["en"] for one in seen} == {
            "Your parent, for you: Who used my data",
            "Your parent, for you: My consents",
        }
        assert {one["reference"] for one in seen} == {made.json["id"]}
        assert "Civil Code, article 1086" in seen[0]["statute"]["en"]
        assert "Your parent, for you" in (await hall.call("GET", "/en/mydata", jar=lin)).text
        assert "Your parent" in (await hall.call("GET", "/en/openid/acting", jar=lin)).text

        guardian = await hall.signed_in("demo.guardian")
        foreign = await hall.post("/en/openid/acting", guardian, do="act", **{"for": made.json["id"]})
        assert foreign.status == 422  # another's mandate
        assert hall.node.persons.alarms.newest(1)[0].kind == "acting_unmandated"

        assert (await hall.asks("openid/end_representation", registrar, **between)).json == {"ended": 1}
        over = await hall.call("GET", "/api/mydata/uses", jar=mother)
        assert over.status == 403  # at once, and not silently as herself
        assert "This representation is over" in (await hall.call("GET", "/en/kiosk", jar=mother)).text
        await hall.post("/en/openid/acting", mother, do="act", **{"for": ""})
        assert await hall.uses(mother) == []
        assert len(await hall.uses(lin)) == len(seen)

    lived(tmp_path, story)


def test_a_company_is_represented_by_a_person(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        registrar, director = await hall.signed_in("demo.registrar"), await hall.signed_in("demo.mother")
        asked = {
            "representative": MOTHER,
            "represented": "04595252",
            "relation": "company",
            "ground": "company-register",
            "document": "C-1",
            "start": moment(NOW),
            "until": moment(NOW + 86_400),
        }
        wrong = await hall.asks("openid/grant_representation", registrar, **(asked | {"represented": "10458571"}))
        assert wrong.json["errors"][0]["field"] == "represented"
        made = await hall.asks("openid/grant_representation", registrar, **asked)
        await hall.post("/en/openid/acting", director, do="act", **{"for": made.json["id"]})
        assert await hall.uses(director) != await hall.uses(await hall.signed_in("demo.mother"))
        accounts = await hall.node.persons.store.read(records.all_accounts)
        company = next(one for one in accounts if one.kind == "company")
        assert company.name.startswith("c.")
        gone = await hall.post("/en/openid/acting", director, do="give-up", **{"for": made.json["id"]})
        assert gone.status == 303
        mandate = await hall.node.persons.store.read(lambda tx: acting.representation_by_id(tx, made.json["id"]))
        assert mandate is not None
        assert mandate.ended_at == NOW

    lived(tmp_path, story)


async def known(hall: Hall, what: str, registrar: Jar, second: Jar) -> Reply:
    """Lin stands at the counter; the second officer looks; the first begins. The page that hands over."""
    await hall.post("/en/counter", registrar, do="ask", what=what, number=LIN, shown="id-card", word="", name="lin.two")
    waiting = re.search(r'name="id" value="([^"]*)"', (await hall.call("GET", "/en/counter", jar=second)).text)
    assert waiting
    assert (await hall.post("/en/counter", second, do="confirm", id=waiting.group(1), number=LIN)).status == 303
    return await hall.post("/en/counter", registrar, do="begin", id=waiting.group(1))


def test_a_visit_at_the_counter(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        registrar, second, lin = [await hall.signed_in(n) for n in ("demo.registrar", "demo.registrar2", "demo.lin")]
        nobody = await hall.call("GET", "/en/counter", jar=lin)
        assert "for officers" in nobody.text
        assert (await hall.call("GET", "/en/counter", jar=await hall.signed_in("demo.epidemic"))).status == 403
        begun = await known(hall, "visit", registrar, second)
        assert begun.header("location").endswith("/counter")
        page = await hall.call("GET", "/en/mydata", jar=registrar)
        assert "At a counter" in page.text
        assert "no-store" in page.header("cache-control")
        for path in ("/api/mydata/history", "/api/openid/officers"):  # not marked for the counter; the officer's own
            assert (await hall.call("GET", path, jar=registrar)).status in (401, 403)
        seen = await hall.uses(lin)
        assert {one["system"] for one in seen} == {"counter"}
        assert {one["receiver"] for one in seen} == {"TW/GOV/DISTRICT"}
        assert "You at a counter, with an officer's help: My consents" in [one["action"]["en"] for one in seen]
        visit = await hall.node.persons.store.read(lambda tx: acting.appearance_by_id(tx, seen[0]["reference"]))
        assert visit is not None
        names = {one.id: one.name for one in await hall.node.persons.store.read(records.all_accounts)}
        assert (names[visit.officer], names[visit.second], visit.how) == (
            "demo.registrar",
            "demo.registrar2",
            "two-person",
        )
        assert names[visit.account] == "demo.lin"

        hall.times[0] += COUNTER_S
        assert (await hall.call("GET", "/api/mydata/uses", jar=registrar)).status == 403
        assert "Time is over" in (await hall.call("GET", "/en/mydata", jar=registrar)).text
        assert (await hall.post("/en/counter", registrar, do="end")).status == 303
        assert "Somebody is at the counter" in (await hall.call("GET", "/en/counter", jar=registrar)).text

    lived(tmp_path, story)


def test_a_word_chosen_on_ones_own_page_is_enough_at_a_counter(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        registrar, lin = await hall.signed_in("demo.registrar"), await hall.signed_in("demo.lin")
        short = await hall.post("/en/openid/account", lin, do="word", word="1234")
        assert (short.status, "6 to 64 characters" in short.text) == (422, True)
        assert (await hall.post("/en/openid/account", lin, do="word", word="blue bicycle")).status == 303
        officer = await hall.call("GET", "/en/openid/account", jar=registrar)
        assert "Counter word" not in officer.text  # officers are known by their passkey
        ask = {"do": "ask", "what": "visit", "number": LIN, "shown": "id-card", "name": ""}
        assert (await hall.post("/en/counter", registrar, word="red bicycle", **ask)).status == 403
        assert (await hall.post("/en/counter", registrar, word="blue bicycle", **ask)).status == 303
        waiting = re.search(r'name="id" value="([^"]*)"', (await hall.call("GET", "/en/counter", jar=registrar)).text)
        assert waiting
        await hall.post("/en/counter", registrar, do="begin", id=waiting.group(1))
        assert "At a counter" in (await hall.call("GET", "/en/mydata", jar=registrar)).text
        away = await hall.call("GET", "/en/openid/account", jar=registrar)
        assert away.header("location") == "/en/counter"  # neither the officer's nor the person's account from here

    lived(tmp_path, story)


def test_a_kiosk_forgets(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        registrar, second = await hall.signed_in("demo.registrar"), await hall.signed_in("demo.registrar2")
        screen: Jar = await hall.signed_in("demo.registrar2")
        plain = await hall.call("GET", "/en/kiosk", jar={})
        assert "not a public screen" in plain.text
        set_up = await hall.post("/en/counter", screen, do="screen")
        assert set_up.header("location").endswith("/kiosk?kiosk=1")  # with the portal's own idle timer
        assert "SameSite=Strict" in set_up.header("set-cookie")
        handed = await known(hall, "kiosk", registrar, second)
        code = re.search(r"<code>(\d{4}-\d{4})</code>", handed.text)
        assert code, handed.text[:3_000]
        assert (await hall.post("/en/kiosk", screen, number=LIN, code="1111-1111")).status == 422
        assert hall.node.persons.alarms.newest(1)[0].kind == "sign_in_failed"
        stolen: Jar = {}
        assert (await hall.post("/en/kiosk", stolen, number=LIN, code=code.group(1))).status == 422  # elsewhere
        entered = await hall.post("/en/kiosk", screen, number=LIN, code=code.group(1))
        assert entered.header("location").endswith("/mydata")
        page = await hall.call("GET", "/en/mydata", jar=screen)
        assert page.header("refresh") == f"{KIOSK_S:.0f};url=/en/kiosk/end"
        assert "Public screen" in page.text
        assert (await hall.uses(await hall.signed_in("demo.lin"))) == []  # what one reads alone is nobody's help
        left = await hall.call("GET", "/en/kiosk/end", jar=screen)
        assert left.header("clear-site-data") == '"cache", "storage"'
        assert "__Host-openid" not in screen
        assert "__Host-screen" in screen
        assert (await hall.call("GET", "/api/mydata/uses", jar=screen)).status in (401, 403)

    lived(tmp_path, story)


def test_opening_an_account_and_renewing_one(tmp_path: Path) -> None:
    async def story(hall: Hall) -> None:
        registrar, second = await hall.signed_in("demo.registrar"), await hall.signed_in("demo.registrar2")
        there = await hall.post(
            "/en/counter", registrar, do="ask", what="open", number=LIN, shown="id-card", name="x.y"
        )
        assert there.status == 409  # one person, one account
        handed = await known(hall, "renew", registrar, second)
        assert "demo.lin" in handed.text
        code = re.search(r"<code>([A-Z2-7-]{19})</code>", handed.text)
        assert code
        typed = await hall.post("/en/openid/enrol", {}, name="demo.lin", code=code.group(1))
        assert typed.status == 303
        wrong = await hall.post("/en/counter", registrar, do="ask", what="sell", number=LIN, shown="id-card")
        assert wrong.status == 422

    lived(tmp_path, story)


@pytest.mark.parametrize("place", ["counter", "kiosk"])
def test_what_is_not_marked_is_refused_there(tmp_path: Path, place: Any) -> None:
    """Also when an operation is asked directly, with the place's own caller."""

    async def story(hall: Hall) -> None:
        subject = hall.node.lawful.conscience.subject(LIN).hex()
        assisted = Assisted(place, "officer", "TW/GOV/DISTRICT", "visit")
        caller = Caller(kind="citizen", id="lin", subject=subject, assurance="aal1", assisted=assisted)
        marked = {name for name, one in hall.node.catalogue.operations.items() if place in one.channels}
        assert marked
        for name, one in hall.node.catalogue.operations.items():
            if one.audience == "citizen" and name not in marked:
                with pytest.raises((Refused, Denied)):
                    await hall.node.gate.call(name, _filled(one.request), caller=caller)
        assert "mydata.give" in marked if place == "counter" else "mydata.give" not in marked

    lived(tmp_path, story)


def _filled(request: type[msgspec.Struct]) -> msgspec.Struct:
    """A request with something in each required field; it must be refused before anybody looks at it."""
    required = [one for one in msgspec.structs.fields(request) if one.required]
    return request(**{one.name: "x" for one in required})
