"""Who a sign-in or a token is at the gate: a person, an officer, or an app that a person let."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import msgspec
from tests.kernel.identity.openid.making import World, a_client
from tests.kernel.identity.test_representing import a_mandate

from banyan.kernel.identity import acting, people
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.callers import caller_of_session, caller_of_token
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.storage.store import SchemaStore


def name_of(number: str) -> bytes:
    return sha256(b"for this test " + number.encode()).digest()


def test_a_person_an_officer_and_an_app(identity_store: SchemaStore) -> None:
    async def story() -> None:
        world = await World(identity_store).fill()
        fresh = Account(id="", name="chen", kind="citizen", is_demo=True)
        citizen = await people.add(world.provider, fresh, number="A123456789")
        guardian = await people.add(
            world.provider,
            msgspec.structs.replace(fresh, name="mother", kind="representative", for_account=citizen.id),
        )
        subject = name_of("A123456789").hex()

        async def caller(name: str) -> Caller:
            sent = world.sent("/openid/account", browser=await world.signed_in(name))
            known = await signing_in.signed_in(world.provider, sent)
            assert known is not None
            return await caller_of_session(world.provider, *known, name_of=name_of)

        own = await caller("chen")
        assert (own.kind, own.subject, own.assurance) == ("citizen", subject, "aal2")
        assert citizen.id not in str(own)
        nobody = await caller("mother")
        assert (nobody.kind, nobody.subject) == ("representative", "")  # an account alone gives no power
        mandate = a_mandate(guardian.id, citizen.id, world.now)
        await world.provider.store.write(lambda tx: acting.put_representation(tx, mandate))
        mother = await caller("mother")
        assert (mother.kind, mother.subject, mother.relation) == ("representative", subject, "guardian")
        assert (mother.mandate, mother.by) == (mandate.id, mother.id)
        assert guardian.id not in str(mother)
        officer = await caller("eve")
        assert (officer.agency, officer.roles, officer.subject) == ("TW/GOV/CDC", ("epi",), "")

        async def speaks(who: str, **push: str) -> Caller:
            value = (await world.redeem(await world.code(who, **push)))["access_token"]
            token = await world.provider.store.read(lambda tx: records.token_of(tx, value))
            assert token is not None
            return await caller_of_token(world.provider, token, name_of=name_of)

        app = await speaks("chen")
        assert (app.kind, app.id, app.agency, app.subject) == ("app", "loan-app", "TW/GOV/BANK", subject)
        other = await speaks("eve", scope="openid agency")
        assert other.kind == "app"  # another agency's app does not get the officer's rights
        console = a_client(agency="TW/GOV/CDC")
        await world.provider.store.write(lambda tx: records.put_client(tx, console, world.now))
        assert (await speaks("eve", scope="openid agency")).kind == "officer"
        assert (await speaks("eve")).kind == "app"

    asyncio.run(story())
