"""Pre-authorised codes on both engines: redeemed once with the right number in time, a model beside them, each lie."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from joserfc.jwk import ECKey
from tests.kernel.identity.openid.making import EC, ISSUER, World, public, refusal, signed

from banyan.kernel.identity.openid.clients import GRANTS
from banyan.kernel.identity.openid.discovery import metadata
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.preauthorized import (
    PRE_AUTHORIZED,
    ChallengeNonces,
    Prepared,
    end,
    prepare,
    redeemed,
)
from banyan.kernel.identity.openid.presenting import presented
from banyan.kernel.identity.openid.proofs import proven_keys
from banyan.kernel.identity.openid.tokens import token
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.store import SchemaStore
from banyan.limits_identity import OPENID_ACCESS_S
from banyan.limits_mydata import CREDENTIAL_NONCE_S, CREDENTIAL_OFFER_S, CREDENTIAL_TX_TRIES

Story = Callable[[World], Awaitable[None]]
HOLDERS = [ECKey.generate_key("P-256") for _ in range(3)]


def played(store: SchemaStore, story: Story) -> None:
    async def play() -> None:
        await story(await World(store).fill())

    asyncio.run(play())


async def redeem(world: World, prepared: Prepared, *, dpop: str = "", **changes: str) -> Any:
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": prepared.code, "tx_code": prepared.tx_code} | changes
    kept = {name: value for name, value in form.items() if value}
    return json.loads((await token(world.provider, world.sent("/openid/token", kept, dpop=dpop))).body)


async def attempt(world: World, prepared: Prepared, number: str) -> tuple[Any, str]:
    """What a redemption gives, or the error it ends in."""
    try:
        return await redeem(world, prepared, tx_code=number), ""
    except Fault as fault:
        return {}, fault.kind


def wrong(prepared: Prepared) -> str:
    return f"{(int(prepared.tx_code) + 1) % 1_000_000:06}"


async def offer_of(world: World, access: str, **more: Any) -> str:
    sent = world.sent("/openid/credential", authorization=f"Bearer {access}", **more)
    return (await redeemed(world.provider, sent)).authority.family


def test_redeemed_once_with_its_number_and_in_time(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        one = await prepare(world.provider, "o-1")
        assert len(one.tx_code) == 6
        assert await refusal(redeem(world, one, tx_code="")) == "invalid_request"
        assert await refusal(redeem(world, one, tx_code=wrong(one))) == "invalid_grant"
        assert await refusal(redeem(world, one, **{"pre-authorized_code": one.code + "x"})) == "invalid_grant"
        given = await redeem(world, one)
        assert given.keys() == {"access_token", "token_type", "expires_in"}
        assert await offer_of(world, given["access_token"]) == "o-1"
        assert await refusal(redeem(world, one, tx_code=wrong(one))) == "invalid_grant"
        assert await offer_of(world, given["access_token"]) == "o-1", "who knows only the code cannot end it"
        assert await refusal(redeem(world, one)) == "invalid_grant"
        assert await refusal(offer_of(world, given["access_token"])) == "invalid_token", "a replay ends what came of it"
        late = await prepare(world.provider, "o-2")
        world.now += CREDENTIAL_OFFER_S
        assert await refusal(redeem(world, late)) == "invalid_grant"

    played(identity_store, story)


def test_its_number_is_guessed_a_few_times_only(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        one = await prepare(world.provider, "o-1")
        for _ in range(CREDENTIAL_TX_TRIES):
            assert await refusal(redeem(world, one, tx_code=wrong(one))) == "invalid_grant"
        assert await refusal(redeem(world, one)) == "invalid_grant"

    played(identity_store, story)


def test_two_wallets_at_once_get_one_token(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        one = await prepare(world.provider, "o-1")
        both = await asyncio.gather(refusal(redeem(world, one)), refusal(redeem(world, one)))
        assert sorted(both) == ["", "invalid_grant"]

    played(identity_store, story)


def test_the_token_is_good_for_nothing_else(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        given = await redeem(world, await prepare(world.provider, "o-1"))
        sent = world.sent("/api/x", authorization=f"Bearer {given['access_token']}", method="GET")
        assert await refusal(presented(world.provider, sent)) == "invalid_token"
        assert not await world.is_active(given["access_token"])
        other = await world.redeem(await world.code())
        assert await refusal(offer_of(world, other["access_token"])) == "invalid_token", "nor another here"
        world.now += OPENID_ACCESS_S
        assert await refusal(offer_of(world, given["access_token"])) == "invalid_token"

    played(one_store, story)


def test_taken_back_it_ends_at_once(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        waiting, taken = await prepare(world.provider, "o-1"), await prepare(world.provider, "o-2")
        given = await redeem(world, taken)
        await end(world.provider, "o-1")
        await end(world.provider, "o-2")
        assert await refusal(redeem(world, waiting)) == "invalid_grant"
        assert await refusal(offer_of(world, given["access_token"])) == "invalid_token"

    played(one_store, story)


def test_a_wallet_may_bind_its_token_to_a_key_and_one_that_proves_itself_must_be_allowed(
    one_store: SqliteStore,
) -> None:
    async def story(world: World) -> None:
        one = await prepare(world.provider, "o-1")
        proof = world.proof("/openid/token")
        given = await redeem(world, one, dpop=proof)
        assert given["token_type"] == "DPoP"
        assert await refusal(offer_of(world, given["access_token"])) == "invalid_token", "bound, so no bearer's"
        again = await prepare(world.provider, "o-2")
        assert await refusal(redeem(world, again, dpop=proof)) == "invalid_dpop_proof"
        assert await refusal(redeem(world, again, **world.assertion())) == "unauthorized_client"
        assert await refusal(redeem(world, again, **world.assertion(key=EC[1]))) == "invalid_client"
        path, access = "/openid/credential", given["access_token"]
        bound = world.sent(path, authorization=f"DPoP {access}", dpop=world.proof(path, access_token=access))
        assert (await redeemed(world.provider, bound)).authority.family == "o-1"

    played(one_store, story)


def test_the_discovery_document_says_so() -> None:
    said = metadata(ISSUER, {})
    assert PRE_AUTHORIZED in said["grant_types_supported"]
    assert said["pre-authorized_grant_anonymous_access_supported"] is True
    assert PRE_AUTHORIZED in GRANTS


def proof(key: ECKey = HOLDERS[0], *, nonce: str = "n", now: float = 0, alg: str = "ES256", **claims: Any) -> str:
    header = {"typ": "openid4vci-proof+jwt", "jwk": public(key)} | claims.pop("header", {})
    values = {"aud": ISSUER, "nonce": nonce, "iat": int(now)} | claims
    return signed({name: value for name, value in values.items() if value is not None}, key, alg=alg, **header)


def test_each_key_is_proven_for_this_issuer_and_now() -> None:
    good = [proof(key) for key in HOLDERS]
    found = proven_keys(good, issuer=ISSUER, client="", now=0)
    assert [key["x"] for key in found.keys] == [public(key)["x"] for key in HOLDERS]
    assert found.nonce == "n"
    assert all(key.keys() == {"kty", "crv", "x", "y"} for key in found.keys)


@pytest.mark.parametrize(
    "proofs",
    [
        [proof(aud="https://other.example")],
        [proof(aud=[ISSUER, "https://other.example"])],
        [proof(iat=int(-CREDENTIAL_NONCE_S - 60))],
        [proof(iat=60)],
        [proof(iat=None)],
        [proof(exp=-60)],
        [proof(nonce="")],
        [proof(iss="somebody")],
        [proof(), proof(HOLDERS[1], nonce="m")],
        [proof(), proof()],
        [proof(header={"typ": "JWT"})],
        [proof(header={"jwk": None, "kid": "did:key:z"})],
        [proof(header={"kid": "did:key:z"})],
        [proof(header={"jwk": public(HOLDERS[1])})],
        [proof(header={"jwk": HOLDERS[0].as_dict(private=True)})],
        [proof(header={"crit": ["x"]})],
        [proof(alg="none")],
        [proof(alg="EdDSA")],
        [proof()[:-4] + "AAAA"],
        ["x"],
        ["a.b.c"],
    ],
)
def test_no_other_proof_passes(proofs: list[str]) -> None:
    with pytest.raises(Fault) as refused:
        proven_keys(proofs, issuer=ISSUER, client="", now=0)
    assert refused.value.kind == "invalid_proof"


def test_a_challenge_nonce_is_ours_fresh_and_spent_once(identity_store: SchemaStore) -> None:
    async def story(world: World) -> None:
        nonces = ChallengeNonces(world.provider)
        one, two = nonces.fresh(), nonces.fresh()
        assert one != two
        assert await nonces.spend(one)
        assert not await nonces.spend(one)
        for lie in ("", "x", "=" * 8, two[:-1], two + "A", "A" * len(two), "é", "A" * 5_000):
            assert not await nonces.spend(lie), lie
        world.now += CREDENTIAL_NONCE_S
        assert not await nonces.spend(two)

    played(identity_store, story)


class Offers(RuleBasedStateMachine):
    """Codes in any order of guesses, redemptions, replays, withdrawals and passing time, beside what they should be."""

    offers = Bundle("offers")

    @initialize(folder=st.none())
    def begin(self, folder: None) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = SqliteStore(self.folder / f"{next(self.names)}.db")
        migrate(self.store, "banyan.kernel.identity", load_steps("banyan.kernel.identity"), at=0.0)
        self.world = self.loop.run_until_complete(World(self.store).fill())
        self.model: dict[str, dict[str, Any]] = {}

    @rule(target=offers)
    def prepare(self) -> Any:
        name = f"o-{len(self.model)}"
        made = self.loop.run_until_complete(prepare(self.world.provider, name))
        self.model[name] = {"until": self.world.now + CREDENTIAL_OFFER_S, "tries": CREDENTIAL_TX_TRIES, "state": "new"}
        return name, made

    @rule(one=offers, is_right=st.booleans())
    def redeem(self, one: tuple[str, Prepared], is_right: bool) -> None:
        name, made = one
        known = self.model[name]
        number = made.tx_code if is_right else wrong(made)
        is_open = known["state"] == "new" and known["tries"] > 0 and self.world.now < known["until"]
        given, refused = self.loop.run_until_complete(attempt(self.world, made, number))
        if refused:
            assert refused == "invalid_grant"
            assert not (is_open and is_right)
            if known["state"] != "back" and not is_right:
                known["tries"] -= 1
            if known["state"] == "taken" and is_right and known["tries"] > 0:
                known["state"] = "replayed"
            return
        assert is_open
        assert is_right
        known |= {"state": "taken", "token": given["access_token"], "ends": self.world.now + OPENID_ACCESS_S}

    @rule(one=offers)
    def take_back(self, one: tuple[str, Prepared]) -> None:
        self.loop.run_until_complete(end(self.world.provider, one[0]))
        self.model[one[0]]["state"] = "back"

    @rule(seconds=st.sampled_from([1, 200, 601]))
    def pass_time(self, seconds: int) -> None:
        self.world.now += seconds

    @rule(one=offers)
    def look(self, one: tuple[str, Prepared]) -> None:
        known = self.model[one[0]]
        if "token" in known:
            lives = known["state"] == "taken" and self.world.now < known["ends"]
            assert (self.loop.run_until_complete(refusal(offer_of(self.world, known["token"]))) == "") is lives

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run_until_complete(self.store.close())
            self.loop.close()


def test_the_life_of_an_offer(tmp_path: Path) -> None:
    machine = type("Offered", (Offers,), {"folder": tmp_path, "names": itertools.count()})
    phases = (Phase.explicit, Phase.generate, Phase.shrink)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=12, stateful_step_count=20, deadline=None, phases=phases)
    )
