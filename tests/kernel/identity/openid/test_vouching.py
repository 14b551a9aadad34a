"""An outside issuer that is configured to vouch for people's numbers opens and finds accounts; none other does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import pytest
from tests.kernel.identity.openid.making import EC, ISSUER, World, public, query, signed

from banyan.kernel.identity import people
from banyan.kernel.identity.openid import outside, records, signing_in
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.identity.openid.outside import Arrival, Outside
from banyan.kernel.storage.store import SchemaStore

NATIONAL, WANG, LEE = "https://national.example", "A123456789", "F131104093"
VOUCHES = Outside(
    id="national",
    title={"zh-Hant": "國家", "en": "National"},
    issuer=NATIONAL,
    client_id="banyan",
    client_secret="only-for-tests",
    acr={"high": "aal2"},
    number_claim="uid",
)


class Elsewhere:
    """The outside issuer, as far as a client sees it; `says` are the next ID token's claims."""

    def __init__(self, world: World) -> None:
        self.world, self.provider = world, world.provider
        self.says: dict[str, Any] = {}

    async def fetch(self, url: str, form: Mapping[str, str] | None) -> bytes:
        if url.endswith("/token"):
            return msgspec.json.encode({"id_token": signed(self.says, EC[0], kid="k")})
        if url.endswith("/jwks"):
            return msgspec.json.encode({"keys": [public(EC[0], kid="k")]})
        places = {name: f"{NATIONAL}/{name.split('_')[0]}" for name in ("authorization_endpoint", "token_endpoint")}
        return json.dumps({"issuer": NATIONAL, "jwks_uri": f"{NATIONAL}/jwks", **places}).encode()

    async def arrive(self, issuer: Outside = VOUCHES, **claims: Any) -> Arrival:
        """A browser goes there and comes back."""
        sent = self.world.sent("/openid/outside/go", browser="b" * 43)
        location = await outside.depart(self.provider, issuer, self.fetch, sent, request="login")
        asked, now = query(location), int(self.world.now)
        known = {"iss": NATIONAL, "aud": "banyan", "sub": "s-1", "nonce": asked["nonce"], "iat": now, "exp": now + 60}
        self.says = known | claims
        back = self.world.sent("/openid/outside/back", {"state": asked["state"], "code": "c"}, browser="b" * 43)
        return await outside.arrive(self.provider, (issuer,), self.fetch, back)

    async def who(self, arrival: Arrival) -> Account | None:
        found = await signing_in.signed_in(self.provider, self.world.sent("/x", browser=arrival.cookie))
        return found[1] if found is not None else None


def played(store: SchemaStore, story: Callable[[Elsewhere], Awaitable[None]]) -> None:
    async def play() -> None:
        await story(Elsewhere(await World(store).fill()))

    asyncio.run(play())


def test_it_opens_an_account_and_finds_it_again(identity_store: SchemaStore) -> None:
    async def story(there: Elsewhere) -> None:
        first = await there.who(await there.arrive(uid="a123456789", acr="high"))
        assert first is not None
        assert (first.kind, first.name[:2]) == ("citizen", "p.")
        assert await people.number_of(there.provider, first.id) == WANG
        again = await there.who(await there.arrive(uid=WANG))
        assert again == first
        other = await there.who(await there.arrive(uid=LEE, sub="s-2"))
        assert other is not None
        assert other.id != first.id

    played(identity_store, story)


def test_it_finds_the_account_that_a_counter_opened(identity_store: SchemaStore) -> None:
    async def story(there: Elsewhere) -> None:
        made = await people.add(there.provider, Account(id="", name="wang", kind="citizen"), number=WANG)
        arrival = await there.arrive(uid=WANG)
        assert await there.who(arrival) == made
        found = await signing_in.signed_in(there.provider, there.world.sent("/x", browser=arrival.cookie))
        assert found is not None
        assert found[0].acr == "aal1"  # an acr it does not name is worth the least
        assert not signing_in.may_register(*found)  # so it cannot put a passkey beside the person's own
        await people.close(there.provider, made.id)
        assert (await there.arrive(uid=WANG)).failure == "unlinked"
        assert (await there.arrive(uid=WANG, sub="s-9")).alarm == "outside_number"

    played(identity_store, story)


@pytest.mark.parametrize("uid", ["A123456788", "", "04595252", None, 1])
def test_no_number_no_account(identity_store: SchemaStore, uid: Any) -> None:
    async def story(there: Elsewhere) -> None:
        before = len(await there.provider.store.read(records.all_accounts))
        arrival = await there.arrive(uid=uid)
        assert (arrival.failure, arrival.alarm, arrival.cookie) == ("wrong", "outside_number", "")
        assert len(await there.provider.store.read(records.all_accounts)) == before

    played(identity_store, story)


def test_a_subject_that_comes_with_another_number_is_refused(identity_store: SchemaStore) -> None:
    async def story(there: Elsewhere) -> None:
        assert await there.who(await there.arrive(uid=WANG)) is not None
        await people.add(there.provider, Account(id="", name="lee", kind="citizen"), number=LEE)
        arrival = await there.arrive(uid=LEE)  # the same `sub` as Wang's
        assert (arrival.failure, arrival.alarm) == ("wrong", "outside_number")

    played(identity_store, story)


def test_an_issuer_that_does_not_vouch_opens_nothing(identity_store: SchemaStore) -> None:
    async def story(there: Elsewhere) -> None:
        plain = msgspec.structs.replace(VOUCHES, number_claim="")
        assert (await there.arrive(plain, uid=WANG)).failure == "unlinked"

    played(identity_store, story)


def test_mix_up_and_forged_tokens_are_named(identity_store: SchemaStore) -> None:
    async def story(there: Elsewhere) -> None:
        assert (await there.arrive(uid=WANG, iss="https://evil.example")).alarm == "outside_token"
        assert (await there.arrive(uid=WANG, nonce="another")).alarm == "outside_token"
        sent = there.world.sent("/openid/outside/go", browser="b" * 43)
        location = await outside.depart(there.provider, VOUCHES, there.fetch, sent, request="login")
        answer = {"state": query(location)["state"], "code": "c", "iss": "https://evil.example"}
        back = there.world.sent("/openid/outside/back", answer, browser="b" * 43)
        assert (await outside.arrive(there.provider, (VOUCHES,), there.fetch, back)).alarm == "mix_up"
        assert query(location)["redirect_uri"] == ISSUER + "/openid/outside/back"

    played(identity_store, story)
