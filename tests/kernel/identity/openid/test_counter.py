"""People without a phone, on both engines: known by a word or two officers, beside an officer, at a kiosk; and attacks
from both sides of the counter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from tests.kernel.identity.openid.making import World
from tests.kernel.identity.test_representing import a_mandate

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity import acting, people
from banyan.kernel.identity.acting import Agency
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.openid import counter, records, signing_in
from banyan.kernel.identity.openid.callers import caller_of_session
from banyan.kernel.identity.openid.counter import Asking, Begun
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.storage.store import SchemaStore
from banyan.limits_identity import (
    COUNTER_ASK_S,
    COUNTER_S,
    KIOSK_CODE_S,
    KIOSK_S,
)

WANG, LEE = "A123456789", "F131104093"
OFFICE = "TW/GOV/DISTRICT"
Story = Callable[["Hall"], Awaitable[None]]


def name_of(number: str) -> bytes:
    return sha256(b"for this test " + number.encode()).digest()


class Hall:
    """A counter hall: two officers of one agency, one of another, and Wang with an account and a word."""

    def __init__(self, world: World) -> None:
        self.world, self.provider = world, world.provider
        self.officers: dict[str, Account] = {}
        self.browsers: dict[str, str] = {}

    async def open(self) -> Hall:
        for name, agency in (("hsu", OFFICE), ("kao", OFFICE), ("far", "TW/GOV/OTHER")):
            fresh = Account(id="", name=name, kind="officer", agency=agency, roles=("counter",), is_demo=True)
            self.officers[name] = await people.add(self.provider, fresh)
            self.browsers[name] = await self.world.signed_in(name)
        made = await people.add(self.provider, Account(id="", name="wang", kind="citizen", is_demo=True), number=WANG)
        self.wang = made
        await counter.set_word(self.provider, made.id, "blue bicycle")
        return self

    def sent(self, name: str = "", **more: Any) -> Sent:
        return self.world.sent("/counter", browser=self.browsers.get(name, ""), **more)

    async def ask(self, what: Any, *, who: str = "hsu", number: str = WANG, **more: Any) -> Any:
        asking = Asking(what=what, number=number, shown="id-card", **more)
        return await counter.ask(self.provider, self.sent(who), self.officers[who], asking)

    async def confirm(self, id: str, who: str = "kao", number: str = WANG) -> Any:
        return await counter.confirm(self.provider, self.sent(who), self.officers[who], id, number)

    async def begin(self, id: str, who: str = "hsu", **more: Any) -> Begun:
        return await counter.begin(self.provider, self.sent(who), self.officers[who], id, **more)

    async def caller(self, browser: str) -> Caller | None:
        known = await signing_in.signed_in(self.provider, self.world.sent("/x", browser=browser))
        return await caller_of_session(self.provider, *known, name_of=name_of) if known else None


def played(store: SchemaStore, story: Story) -> None:
    async def play() -> None:
        await story(await Hall(await World(store).fill()).open())

    asyncio.run(play())


def test_beside_an_officer_for_minutes_in_that_browser(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        one = await hall.ask("visit", word=" blue bicycle ")
        assert (one.state, one.how) == ("known", "word")
        await hall.begin(one.id)
        caller = await hall.caller(hall.browsers["hsu"])
        assert caller is not None
        assert (caller.kind, caller.subject, caller.assurance) == ("citizen", name_of(WANG).hex(), "aal1")
        assert caller.assisted is not None
        assert (caller.assisted.place, caller.assisted.agency, caller.assisted.visit) == ("counter", OFFICE, one.id)
        assert (caller.agency, caller.roles) == ("", ())  # the officer's own powers are put away meanwhile
        assert caller.by == caller.assisted.officer != caller.id
        elsewhere = await hall.caller(await hall.world.signed_in("hsu"))
        assert elsewhere is not None
        assert elsewhere.kind == "officer"  # another browser of the same officer holds no visit
        hall.world.now += COUNTER_S
        over = await hall.caller(hall.browsers["hsu"])
        assert over is not None
        assert (over.kind, over.subject) == ("citizen", "")
        assert await counter.end(hall.provider, hall.sent("hsu"))
        back = await hall.caller(hall.browsers["hsu"])
        assert back is not None
        assert (back.kind, back.agency) == ("officer", OFFICE)
        with pytest.raises(NotFound):
            await hall.begin(one.id)

    played(identity_store, story)


def test_two_officers_when_there_is_no_word(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        one = await hall.ask("visit")
        for who, number in (("hsu", WANG), ("kao", LEE)):  # oneself; another person's number
            with pytest.raises(Denied):
                await hall.confirm(one.id, who, number)
        with pytest.raises(NotFound):
            await hall.confirm(one.id, "far")  # another agency's officer
        with pytest.raises(Conflict):
            await hall.begin(one.id)
        assert (await hall.confirm(one.id)).how == "two-person"
        with pytest.raises(Conflict):
            await hall.begin(one.id, "kao")  # who confirmed does not begin
        await hall.begin(one.id)
        kinds = [alarm.kind for alarm in hall.provider.alarms.newest(9)]
        assert sorted(kinds) == ["counter_another_person", "counter_same_officer"]
        late = await hall.ask("visit")
        hall.world.now += COUNTER_ASK_S
        with pytest.raises(NotFound):
            await hall.confirm(late.id)

    played(identity_store, story)


def test_a_word_is_not_enough_for_a_new_device_or_account(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        renewed = await hall.ask("renew", word="blue bicycle")
        assert renewed.state == "asked"
        with pytest.raises(Conflict):
            await hall.begin(renewed.id)
        await hall.confirm(renewed.id)
        token = await hall.world.redeem(await hall.world.code("wang"))
        given = await hall.begin(renewed.id)
        assert not await hall.world.is_active(token["access_token"])  # the app's key was on the lost device
        assert (given.name, len(given.code)) == ("wang", 19)
        session = await signing_in.with_code(hall.provider, hall.sent(), "wang", given.code)
        assert session not in ("wrong", "later")

        opened = await hall.ask("open", number=LEE, name="lee")
        with pytest.raises(NotFound):
            await hall.ask("visit", number=LEE)  # not opened yet
        again = await hall.ask("open", number=LEE, name="lee.two")
        assert again.account == opened.account  # one person, one account, however often it is begun
        await hall.confirm(again.id, number=LEE)
        given = await hall.begin(again.id, word="a small boat")
        assert given.name == "lee"
        assert (await hall.ask("visit", number=LEE, word="a small boat")).state == "known"
        with pytest.raises(Conflict):
            await hall.ask("open", number=LEE, name="lee.three")
        with pytest.raises(Invalid):
            await hall.ask("open", number="A123456788", name="lee.four")

    played(identity_store, story)


def test_guessing_a_word_is_throttled_and_noted(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        for _ in range(10):
            with pytest.raises(Denied):
                await hall.ask("visit", word="wrong word")
        with pytest.raises(Denied, match="too many"):
            await hall.ask("visit", word="blue bicycle")
        kinds = [alarm.kind for alarm in hall.provider.alarms.newest(20)]
        assert (kinds[0], kinds.count("counter_word")) == ("sign_in_throttled", 10)
        row = await hall.provider.store.read(lambda tx: tx.row(acting.SQL["word"], account=hall.wang.id))
        assert b"bicycle" not in bytes(row[0])

    played(identity_store, story)


def test_at_a_kiosk_with_a_printed_code(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        one = await hall.ask("kiosk", word="blue bicycle")
        code = (await hall.begin(one.id)).code
        screen = await counter.set_up_kiosk(hall.provider, hall.sent("kao"), hall.officers["kao"])
        assert await hall.caller(hall.browsers["kao"]) is None  # who set it up is not left signed in there
        other = await counter.set_up_kiosk(hall.provider, hall.sent("far"), hall.officers["far"])

        async def enter(device: str, number: str = WANG, typed: str = code) -> str:
            return await counter.enter_kiosk(hall.provider, hall.sent(device=device), number, typed)

        for wrong in (enter(""), enter("x" * 43), enter(screen, LEE), enter(screen, typed="0000-0000")):
            assert await wrong == "wrong"
        cookie = await enter(screen)
        assert cookie not in ("wrong", "later")
        assert await enter(screen) == "wrong"  # once
        second = (await hall.begin((await hall.ask("kiosk", word="blue bicycle")).id)).code
        assert await enter(other, typed=second) == "wrong"  # another agency's screen, and that ends the code
        assert await enter(screen, typed=second) == "wrong"
        caller = await hall.caller(cookie)
        assert caller is not None
        assert caller.assisted is not None
        assert (caller.kind, caller.subject, caller.assisted.place) == ("citizen", name_of(WANG).hex(), "kiosk")
        known = await signing_in.signed_in(hall.provider, hall.world.sent("/x", browser=cookie))
        assert known is not None
        assert not signing_in.may_register(*known)  # no passkey from a public screen
        hall.world.now += KIOSK_S
        assert await hall.caller(cookie) is None

    played(identity_store, story)


def test_a_kiosk_code_lapses_and_the_newest_alone_is_good(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        screen = await counter.set_up_kiosk(hall.provider, hall.sent("kao"), hall.officers["kao"])
        codes = []
        for _ in range(2):
            one = await hall.ask("kiosk", word="blue bicycle")
            codes.append((await hall.begin(one.id)).code)
        sent = hall.sent(device=screen)
        assert await counter.enter_kiosk(hall.provider, sent, WANG, codes[0]) == "wrong"
        hall.world.now += KIOSK_CODE_S
        assert await counter.enter_kiosk(hall.provider, sent, WANG, codes[1]) == "wrong"

    played(identity_store, story)


def test_who_leaves_office_leaves_the_counter_at_once(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        one = await hall.ask("kiosk", word="blue bicycle")
        code = (await hall.begin(one.id)).code
        screen = await counter.set_up_kiosk(hall.provider, hall.sent("kao"), hall.officers["kao"])
        cookie = await counter.enter_kiosk(hall.provider, hall.sent(device=screen), WANG, code)
        await people.close(hall.provider, hall.officers["hsu"].id)
        caller = await hall.caller(cookie)
        assert caller is not None
        assert caller.subject == ""
        assert await hall.caller(hall.browsers["hsu"]) is None

    played(identity_store, story)


def test_a_closed_agency_takes_its_officers_and_apps_along(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        world = hall.world
        bank = Agency("TW/GOV/BANK", "04595252", {"zh-Hant": "銀行", "en": "Bank"})
        token = await world.redeem(await world.code())
        fresh = Account(id="", name="banker", kind="officer", agency=bank.id, is_demo=True)
        banker = await people.add(hall.provider, fresh)
        cookie = await world.signed_in("banker")
        await hall.provider.store.write(lambda tx: acting.put_agency(tx, bank))
        assert await world.is_active(token["access_token"])
        for other, error in (
            (msgspec.structs.replace(bank, id="TW/GOV/X"), Conflict),
            (msgspec.structs.replace(bank, ubn="10458571"), Invalid),
        ):
            with pytest.raises(error):
                await hall.provider.store.write(lambda tx, one=other: acting.put_agency(tx, one))
        closed = msgspec.structs.replace(bank, is_closed=True)
        await hall.provider.store.write(lambda tx: acting.put_agency(tx, closed))
        assert await hall.caller(cookie) is None
        app = await hall.provider.store.read(lambda tx: records.client_by_id(tx, "loan-app"))
        account = await hall.provider.store.read(lambda tx: records.account_by_id(tx, banker.id))
        assert app is not None
        assert account is not None
        assert app.is_closed
        assert account.is_closed
        assert [one.id for one in await hall.provider.store.read(acting.all_agencies)] == [bank.id]

    played(identity_store, story)


def test_tokens_of_a_closed_account_stay_ended_when_it_is_opened_again(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        token = await hall.world.redeem(await hall.world.code("eve"))
        await people.close(hall.provider, "eve")
        known = await hall.provider.store.read(lambda tx: records.account_by_id(tx, "eve"))
        assert known is not None
        again = msgspec.structs.replace(known, is_closed=False)
        await hall.provider.store.write(lambda tx: records.put_account(tx, again))
        assert not await hall.world.is_active(token["access_token"])

    played(identity_store, story)


def test_acting_for_another_ends_on_its_day_and_at_once_when_withdrawn(identity_store: SchemaStore) -> None:
    async def story(hall: Hall) -> None:
        store, now = hall.provider.store, hall.world.now
        fresh = Account(id="", name="mother", kind="citizen", is_demo=True)
        mother = await people.add(hall.provider, fresh, number=LEE)
        mandate = a_mandate(mother.id, hall.wang.id, now)
        await store.write(lambda tx: acting.put_representation(tx, mandate))
        cookie = await hall.world.signed_in("mother")

        def choose(id: str) -> Any:
            change = lambda s: msgspec.structs.replace(s, acts_for=id)  # noqa: E731 - one word
            return store.write(lambda tx: acting.change_session(tx, cookie, hall.world.now, change))

        async def subject() -> str:
            caller = await hall.caller(cookie)
            assert caller is not None
            return f"{caller.kind} {caller.subject[:8]}"

        wang, lee = name_of(WANG).hex()[:8], name_of(LEE).hex()[:8]
        assert await subject() == f"citizen {lee}"
        await choose(mandate.id)
        assert await subject() == f"representative {wang}"
        foreign = a_mandate("somebody", hall.wang.id, now)
        await store.write(lambda tx: acting.put_representation(tx, foreign))
        await choose(foreign.id)
        assert await subject() == "representative "  # another's mandate is worth nothing
        await choose(mandate.id)
        later = msgspec.structs.replace(mandate, until=EpochS(now + 60))
        await store.write(lambda tx: acting.put_representation(tx, later))
        hall.world.now += 60
        assert await subject() == "representative "  # over: and not suddenly for herself
        await choose("")
        assert await subject() == f"citizen {lee}"
        assert await store.read(lambda tx: acting.representations_by(tx, mother.id, hall.world.now)) == []

    played(identity_store, story)
