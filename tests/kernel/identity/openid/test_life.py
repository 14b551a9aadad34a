"""Codes, tokens, families and grants on both engines: a state machine against a model, and what each attack gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from tests.kernel.identity.openid.making import EC, LOAN, World, a_client, public, query, refusal

from banyan.errors import Conflict
from banyan.kernel.identity import people
from banyan.kernel.identity.openid import authorizing, records
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.identity.openid.tokens import ACCESS_TYPE, EXCHANGE
from banyan.kernel.identity.openid.watching import query_grant, revoke, revoke_grant, withdraw
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.store import SchemaStore

Story = Callable[[World], Awaitable[None]]


def played(store: SchemaStore, story: Story) -> None:
    async def play() -> None:
        await story(await World(store).fill())

    asyncio.run(play())


def test_a_replayed_code_ends_what_it_gave(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        code = await world.code()
        first = await world.redeem(code)
        second = await world.refresh(first["refresh_token"])
        assert await refusal(world.redeem(code)) == "invalid_grant"
        for value in (first["access_token"], second["access_token"], second["refresh_token"]):
            assert not await world.is_active(value)

    played(identity_store, story)


def test_two_at_once_get_one_answer(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        code = await world.code()
        both = await asyncio.gather(refusal(world.redeem(code)), refusal(world.redeem(code)))
        assert sorted(both) == ["", "invalid_grant"]
        assertion = world.assertion()
        form = {"grant_type": "client_credentials"}
        both = await asyncio.gather(*(refusal(world.ask(form, auth=assertion)) for _ in range(2)))
        assert sorted(both)[0] == ""
        assert sorted(both)[1] in ("invalid_dpop_proof", "invalid_client")

    played(identity_store, story)


def test_a_withdrawn_grant_ends_its_tokens_at_once(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        answer = await world.redeem(await world.code(authorization_details=json.dumps([LOAN])))
        other = await world.redeem(await world.code(authorization_details=json.dumps([LOAN])))
        assert not await withdraw(world.provider, answer["grant_id"], account="bob")
        assert await world.is_active(answer["access_token"])
        assert await withdraw(world.provider, answer["grant_id"], account="ann")
        assert not await world.is_active(answer["access_token"])
        assert await refusal(world.refresh(answer["refresh_token"])) == "invalid_grant"
        assert await world.is_active(other["access_token"])

    played(identity_store, story)


def test_grants_are_queried_and_revoked_by_their_app(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        answer = await world.redeem(
            await world.code(
                scope="openid grant_management_query grant_management_revoke",
                authorization_details=json.dumps([LOAN]),
                grant_management_action="create",
            )
        )
        value, id = answer["access_token"], answer["grant_id"]

        def sent(method: str, grant: str) -> Any:
            path = f"/openid/grants/{grant}"
            dpop = world.proof(path, method=method, access_token=value)
            return world.sent(path, method=method, authorization=f"DPoP {value}", dpop=dpop)

        said = json.loads((await query_grant(world.provider, sent("GET", id), id)).body)
        assert said["authorization_details"] == [LOAN]
        assert await refusal(query_grant(world.provider, sent("GET", "other"), "other")) == "invalid_grant_id"
        assert (await revoke_grant(world.provider, sent("DELETE", id), id)).status == 204
        assert await refusal(query_grant(world.provider, sent("GET", id), id)) == "invalid_token"

    played(identity_store, story)


def test_merge_adds_and_replace_ends_the_old_tokens(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        first = await world.redeem(await world.code(grant_management_action="create"))
        id = first["grant_id"]
        more = {"grant_management_action": "merge", "grant_id": id, "authorization_details": json.dumps([LOAN])}
        merged = await world.redeem(await world.code(**more))
        assert (merged["grant_id"], merged["authorization_details"]) == (id, [LOAN])
        assert await world.is_active(first["access_token"])
        replaced = await world.redeem(await world.code(grant_management_action="replace", grant_id=id))
        assert "authorization_details" not in replaced
        assert not await world.is_active(merged["access_token"])
        browser = await world.signed_in("bob")  # bob may not touch ann's grant
        uri = await world.push(grant_management_action="replace", grant_id=id)
        name = (await world.browse(uri, browser=browser)).location.removeprefix("/openid/ask/")
        sent = world.sent("/openid/ask", browser=browser)
        asking = await authorizing.look(world.provider, sent, name)
        answer = await authorizing.agree(world.provider, sent, name, asking)
        assert query(answer.location)["error"] == "invalid_grant_id"

    played(identity_store, story)


def test_exchange_narrows_and_ends_with_its_origin(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        uri = await world.push(
            scope="openid agency", authorization_details=json.dumps([LOAN]), resource="https://tax.example"
        )
        first = await world.redeem(await world.code_for(uri))

        def form(**more: str) -> dict[str, str]:
            known = {"grant_type": EXCHANGE, "subject_token": first["access_token"], "subject_token_type": ACCESS_TYPE}
            return {**known, **more}

        def auth() -> dict[str, str]:
            return world.assertion("tax-office", EC[1])

        made = await world.ask(form(scope="agency", resource="https://land.example"), auth=auth())
        assert (made["issued_token_type"], made["scope"]) == (ACCESS_TYPE, "agency")
        token = await world.provider.store.read(lambda tx: records.token_of(tx, made["access_token"]))
        assert token is not None
        assert (token.authority.actor, token.authority.audience) == ("tax-office", ("https://land.example",))
        more = json.dumps([LOAN | {"datatypes": ["income", "debts"]}])
        assert await refusal(world.ask(form(scope="offline_access"), auth=auth())) == "invalid_scope"
        assert await refusal(world.ask(form(resource="https://x.example"), auth=auth())) == "invalid_target"
        wide = world.ask(form(authorization_details=more), auth=auth())
        assert await refusal(wide) == "invalid_authorization_details"
        elsewhere = await world.redeem(await world.code())
        foreign = world.ask(form(subject_token=elsewhere["access_token"]), auth=auth())
        assert await refusal(foreign) == "invalid_request"  # not made for this service
        await withdraw(world.provider, first["grant_id"])
        assert not await world.is_active(made["access_token"])
        assert await refusal(world.ask(form(), auth=auth())) == "invalid_request"

    played(identity_store, story)


def test_revoking_a_refresh_token_ends_its_family(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        answer = await world.redeem(await world.code())
        stranger = world.sent("/openid/revoke", {"token": answer["refresh_token"]}, authorization=world.basic())
        assert (await revoke(world.provider, stranger)).status == 200
        assert await world.is_active(answer["access_token"])
        sent = world.sent("/openid/revoke", {"token": answer["refresh_token"], **world.assertion()})
        assert (await revoke(world.provider, sent)).status == 200
        assert not await world.is_active(answer["access_token"])

    played(identity_store, story)


def test_a_closed_account_or_app_has_no_tokens(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        answer = await world.redeem(await world.code("bob"))
        await people.close(world.provider, "bob")
        assert not await world.is_active(answer["access_token"])
        assert await refusal(world.refresh(answer["refresh_token"])) == "invalid_grant"
        closed = a_client(is_closed=True)
        await world.provider.store.write(lambda tx: records.put_client(tx, closed, world.now))
        assert await refusal(world.push()) == "invalid_client"

    played(identity_store, story)


def test_at_jwt_is_checked_by_its_record_too(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        jwt_app = a_client(access_form="at+jwt")
        await world.provider.store.write(lambda tx: records.put_client(tx, jwt_app, world.now))
        answer = await world.redeem(await world.code())
        assert answer["access_token"].count(".") == 2
        assert await world.is_active(answer["access_token"])
        await withdraw(world.provider, answer["grant_id"])
        assert not await world.is_active(answer["access_token"])

    played(identity_store, story)


def test_a_persons_number_is_sealed_and_one_account_each(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        fresh = Account(id="", name="chen.a", kind="citizen")
        made = await people.add(world.provider, fresh, number="a123456789")
        assert await people.number_of(world.provider, made.id) == "A123456789"
        again = msgspec.structs.replace(fresh, name="chen.b")
        for account, number in ((again, "A123456789"), (fresh, "F131104093")):
            with pytest.raises(Conflict):
                await people.add(world.provider, account, number=number)

    played(identity_store, story)


def test_pairwise_subjects_differ_by_sector(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        apps = [
            a_client(id=f"app-{n}", sector=sector, jwks=(public(EC[0]),)) for n, sector in enumerate(("x", "x", "y"))
        ]
        one, two, three = (world.provider.subject("ann", app) for app in apps)
        assert one == two != three

    played(identity_store, story)


class TokenLife(RuleBasedStateMachine):
    """A model of what must hold, beside the provider: a token lives until its family, grant or time ends."""

    codes = Bundle("codes")
    families = Bundle("families")

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        store = SqliteStore(Path(self.folder.name) / "records.db")
        migrate(store, "banyan.kernel.identity", load_steps("banyan.kernel.identity"), at=0.0)
        self.store = store
        self.world = self.run(World(store).fill())
        self.live: dict[str, tuple[str, str, float]] = {}  # access token: family, grant, until
        self.dead: set[str] = set()
        self.ended: set[str] = set()  # families that a replay, a revocation or a closing ended
        self.begun: set[str] = set()

    def run(self, awaited: Any) -> Any:
        return self.loop.run_until_complete(awaited)

    def outcome(self, awaited: Any) -> Any:
        """The token answer; None when it was refused, and for the right reason."""
        try:
            return self.run(awaited)
        except Fault as fault:
            if fault.kind != "invalid_grant":
                raise
            return None

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.run(self.store.close())
            self.loop.close()
            self.folder.cleanup()

    def kill(self, *, family: str = "", grant: str = "") -> None:
        ended = {value for value, (f, g, _) in self.live.items() if family == f or grant == g}
        self.dead |= ended
        self.live = {value: kept for value, kept in self.live.items() if value not in ended}

    @rule(target=codes)
    def agree(self) -> Any:
        return {"code": self.run(self.world.code(authorization_details=json.dumps([LOAN]))), "at": self.world.now}

    @rule(target=families, code=codes)
    def redeem(self, code: Any) -> Any:
        is_good = self.world.now - code["at"] < 60 and "used" not in code
        answer = self.outcome(self.world.redeem(code["code"]))
        if answer is None:
            assert not is_good
            self.kill(family=code.get("id", "-"))
            self.ended.add(code.get("id", "-"))
            code["used"] = True
            return multiple()
        assert is_good
        code |= {"used": True, "id": answer["refresh_token"]}
        self.begun.add(code["id"])
        self.live[answer["access_token"]] = (code["id"], answer["grant_id"], self.world.now + 600)
        return {"id": code["id"], "refresh": [answer["refresh_token"]], "grant": answer["grant_id"]}

    @rule(family=families, which=st.integers(0, 3))
    def refresh(self, family: Any, which: int) -> None:
        value = family["refresh"][max(-len(family["refresh"]), -1 - which)]
        is_last = value == family["refresh"][-1]
        answer = self.outcome(self.world.refresh(value))
        if answer is None:
            if not is_last:
                self.kill(family=family["id"])
                self.ended.add(family["id"])
            else:
                assert family["id"] in self.ended
            return
        assert is_last
        assert family["id"] not in self.ended
        family["refresh"].append(answer["refresh_token"])
        self.live[answer["access_token"]] = (family["id"], family["grant"], self.world.now + 600)

    @rule(family=families, which=st.integers(0, 3))
    def refresh_with_another_key(self, family: Any, which: int) -> None:
        """A thief without the key gets nothing. With the newest token nothing ends, for its owner still has it; with a
        used one the family does, whoever shows it."""
        value = family["refresh"][max(-len(family["refresh"]), -1 - which)]
        proof = self.world.proof("/openid/token", key=EC[1])
        assert self.outcome(self.world.refresh(value, dpop=proof)) is None
        if value != family["refresh"][-1]:
            self.kill(family=family["id"])
            self.ended.add(family["id"])

    @rule(family=families)
    def revoke_refresh(self, family: Any) -> None:
        sent = self.world.sent("/openid/revoke", {"token": family["refresh"][-1], **self.world.assertion()})
        assert self.run(revoke(self.world.provider, sent)).status == 200
        self.kill(family=family["id"])
        self.ended.add(family["id"])

    @rule(data=st.data())
    def revoke_access(self, data: st.DataObject) -> None:
        """One access token ends, and nothing else of its family."""
        if not self.live:
            return
        value = data.draw(st.sampled_from(sorted(self.live)))
        sent = self.world.sent("/openid/revoke", {"token": value, **self.world.assertion()})
        assert self.run(revoke(self.world.provider, sent)).status == 200
        self.dead.add(value)
        del self.live[value]

    @rule()
    def close_the_app(self) -> None:
        """Everything of it ends, and stays ended when it is opened again."""
        for is_closed in (True, False):
            app = a_client(resources=("https://tax.example",), is_closed=is_closed)
            self.run(self.world.provider.store.write(lambda tx, app=app: records.put_client(tx, app, self.world.now)))
            if is_closed:
                assert self.run(refusal(self.world.push())) == "invalid_client"
        self.ended |= {family for family, _, _ in self.live.values()} | self.begun
        self.dead |= set(self.live)
        self.live = {}

    @rule()
    def close_the_account(self) -> None:
        self.run(people.close(self.world.provider, "ann"))

        def again(tx: Any) -> None:
            known = records.account_by_id(tx, "ann")
            assert known is not None
            records.put_account(tx, msgspec.structs.replace(known, is_closed=False))

        self.run(self.world.provider.store.write(again))
        self.ended |= self.begun
        self.dead |= set(self.live)
        self.live = {}

    @rule(family=consumes(families))
    def withdraw(self, family: Any) -> None:
        self.run(withdraw(self.world.provider, family["grant"]))
        self.kill(grant=family["grant"])

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0, 601.0]))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds
        lapsed = {value for value, kept in self.live.items() if kept[2] <= self.world.now}
        self.dead |= lapsed
        self.live = {value: kept for value, kept in self.live.items() if value not in lapsed}

    @invariant()
    def holds(self) -> None:
        for value in getattr(self, "live", {}):
            assert self.run(self.world.is_active(value))
        for value in getattr(self, "dead", set()):
            assert not self.run(self.world.is_active(value))


TestTokenLife = TokenLife.TestCase
TestTokenLife.settings = settings(max_examples=12, stateful_step_count=20, deadline=None, phases=(Phase.generate,))
