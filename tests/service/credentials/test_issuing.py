"""From an offer to credentials in a wallet: what they say, what they do not, and every step bent."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from tests.service.credentials.house import (
    CHOSEN,
    CLERK,
    KIND,
    LEE,
    ORIGIN,
    OTHER,
    WANG,
    House,
    Wallet,
    fetched,
    in_a_house,
    jwks,
)

from banyan.errors import Conflict, Denied, Invalid, Limit, NotFound
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.limits_identity import OPENID_ACCESS_S, OPENID_KEY_LEAD_S
from banyan.limits_mydata import (
    CREDENTIAL_BATCH,
    CREDENTIAL_KEY_S,
    CREDENTIAL_NONCE_S,
    CREDENTIAL_OFFER_S,
    CREDENTIAL_OFFERS,
    CREDENTIAL_S,
    CREDENTIAL_STATUS_S,
    CREDENTIAL_STATUS_TTL_S,
    CREDENTIAL_STATUSES,
)
from banyan.service.credentials.records import NewBatch, new_batch
from banyan.wire.openid4vci import (
    BadMessage,
    Grants,
    Offer,
    PreAuthorized,
    TxCode,
    offer_url,
    read_offer,
    read_request,
)
from banyan.wire.sdjwt.credential import disclosed, parse, show, unverified, verify
from banyan.wire.sdjwt.disclosures import BadCredential
from banyan.wire.sdjwt.statustoken import place_of, verify_list


def key_in(keys: list[dict[str, Any]]) -> Any:
    by_kid = {key["kid"]: ECKey.import_key(key) for key in keys}
    return lambda header, payload: by_kid[header["kid"]]


async def issuer_of(house: House) -> Any:
    return key_in(jwks(await house.client.get("/.well-known/jwt-vc-issuer")))


async def status_of(house: House, credential: str) -> int:
    place = place_of(unverified(parse(credential).jwt)[1])
    assert place is not None
    answer = await house.client.get(place.uri.removeprefix(ORIGIN))
    assert answer.header("content-type") == "application/statuslist+jwt"
    return verify_list(answer.text, await issuer_of(house), uri=place.uri, now=int(house.now[0]))[place.index]


def test_a_batch_says_what_was_seen_and_shows_only_what_is_chosen() -> None:
    async def story(house: House) -> None:
        seen = await house.call("credentials.preview", house.citizen(WANG), kind=KIND, fields=list(CHOSEN))
        assert seen.values["members"][0] == {"name": "王大樹", "relation": "父"}
        wallet, held = await fetched(house)
        assert len(held) == 3
        find, now = await issuer_of(house), int(house.now[0])
        whole = verify(held[0], find, now=now).claims
        assert {name: whole[name] for name in ("name", "county", "members", "as_of")} == {
            name: seen.values[name] for name in ("name", "county", "members", "as_of")
        }
        assert whole["data_status"] == "在籍", "a field may not take the place of a registered claim"
        assert whole["vct"] == f"{ORIGIN}/credentials/types/{KIND}"
        assert "note" not in whole
        assert "secret" not in whole
        shown = show(held[0], disclosed("county"), holder=wallet.keys[0], audience="bank", nonce="n", now=now)
        proven = verify(shown, find, now=now, audience="bank", nonce="n")
        assert proven.is_bound
        assert proven.claims["county"] == "花蓮縣"
        assert not {"name", "members", "as_of", "data_status", "sub"} & proven.claims.keys()
        with pytest.raises(BadCredential):
            verify(show(held[0], disclosed(), holder=wallet.keys[1], audience="b", nonce="n", now=now), find, now=now,
                   audience="b", nonce="n")  # fmt: skip
        assert await house.uses() == 2, "the preview and the offer; fetching is no further use"

    in_a_house(story)


def test_no_two_credentials_of_a_batch_can_be_linked() -> None:
    async def story(house: House) -> None:
        _, held = await fetched(house)
        payloads = [unverified(parse(one).jwt)[1] for one in held]
        for name in ("cnf", "status", "_sd"):
            assert len({str(payload[name]) for payload in payloads}) == len(held), name
        digests = [one.digest for text in held for one in parse(text).disclosures]
        assert len(set(digests)) == len(digests), "a salt of its own for each value of each credential"
        indexes = sorted(payload["status"]["status_list"]["idx"] for payload in payloads)
        assert indexes[-1] - indexes[0] > 10, "no neighbours"
        assert {payload["iat"] % 86_400 for payload in payloads} == {0}
        assert {payload["exp"] % 86_400 for payload in payloads} == {0}

    in_a_house(story)


def test_an_offer_is_fetched_once_and_ends() -> None:
    async def story(house: House) -> None:
        wallet, offered = Wallet(house, keys=6), await house.offer()
        assert (await house.call("credentials.mine", house.citizen(WANG))).offers[0].state == "offered"
        access = await wallet.access(offered)
        assert (await wallet.token(offered, tx_code="0")).json["error"] == "invalid_grant"
        assert (await wallet.ask(access)).status == 200
        mine = await house.call("credentials.mine", house.citizen(WANG))
        assert (mine.offers[0].state, mine.batches[0].size, mine.batches[0].fields) == ("redeemed", 6, CHOSEN)
        again = await wallet.ask(access)
        assert (again.status, again.json["error"]) == (400, "credential_request_denied"), "six of ten are gone"
        wallet.keys = wallet.keys[:4]
        assert (await wallet.ask(access)).status == 200
        assert (await wallet.ask(access)).json["error"] == "credential_request_denied"
        late, later = await house.offer(), await house.offer()
        token = await wallet.access(later)
        house.now[0] += CREDENTIAL_OFFER_S
        assert (await wallet.token(late)).json["error"] == "invalid_grant"
        mine = await house.call("credentials.mine", house.citizen(WANG))
        assert {one.id: one.state for one in mine.offers}[late.id] == "expired"
        house.now[0] += OPENID_ACCESS_S
        gone = await wallet.ask(token)
        assert (gone.status, gone.json["error"]) == (401, "invalid_token")
        assert (await house.call("credentials.mine", house.citizen(WANG))).offers == ()

    in_a_house(story)


def test_a_wallets_every_mistake_has_its_word() -> None:
    async def story(house: House) -> None:
        wallet = Wallet(house, keys=1)
        access, nonce = await wallet.access(await house.offer()), await wallet.nonce()
        key, lonely = wallet.keys[0], {"jwt": [wallet.proof(wallet.keys[0], "made-up")]}
        for changes, error in (
            ({"credential_configuration_id": "hukou.hidden"}, "unknown_credential_configuration"),
            ({"credential_configuration_id": None}, "invalid_credential_request"),
            ({"credential_identifier": "x"}, "unknown_credential_identifier"),
            ({"credential_response_encryption": {"alg": "x"}}, "invalid_encryption_parameters"),
            ({"proofs": None}, "invalid_proof"),
            ({"proofs": {"jwt": []}}, "invalid_proof"),
            ({"proofs": {"ldp_vp": ["x"]}}, "invalid_proof"),
            ({"proofs": {"jwt": [wallet.proof(key, nonce)] * 2}}, "invalid_proof"),
            ({"proofs": {"jwt": [wallet.proof(key, nonce, aud="https://x.example")]}}, "invalid_proof"),
            ({"proofs": {"jwt": ["x"] * (CREDENTIAL_BATCH + 1)}}, "invalid_proof"),
            ({"proofs": lonely}, "invalid_nonce"),
        ):
            answer = await wallet.ask(access, nonce=nonce, **changes)
            assert (answer.status, answer.json["error"]) == (400, error), changes
            assert answer.header("cache-control") == "private, no-store"
        headers = {"Authorization": f"Bearer {access}"}
        for body in (b"", b"[]", b"{", b"\xff", b'{"proofs": 1}'):
            answer = await house.client.post("/openid/credential", body=body, headers=headers)
            assert (answer.status, answer.json["error"]) == (400, "invalid_credential_request"), body
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"DPoP {access}"}):
            answer = await house.client.post("/openid/credential", json={}, headers=headers)
            assert answer.status == 401
            assert "DPoP" in answer.header("www-authenticate")
        assert (await wallet.ask(access, nonce=nonce)).status == 200, "no mistake spent the nonce or the offer"
        assert (await wallet.ask(access, nonce=nonce)).json["error"] == "invalid_nonce", "a proof comes once"
        stale = await wallet.nonce()
        house.now[0] += CREDENTIAL_NONCE_S
        assert (await wallet.ask(access, nonce=stale)).json["error"] == "invalid_nonce"

    in_a_house(story)


def test_refusals_are_noted_without_saying_who() -> None:
    async def story(house: House) -> None:
        wallet, offered = Wallet(house, keys=1), await house.offer()
        guess = f"{(int(offered.tx_code) + 1) % 1_000_000:06}"
        assert (await wallet.token(offered, tx_code=guess)).status == 400
        access = await wallet.access(offered)
        assert (await wallet.ask(access, nonce="made-up")).status == 400
        assert (await wallet.token(offered)).status == 400
        assert (await wallet.ask(access)).status == 401
        found = {one.kind: one for one in house.alarms()}
        assert {"offer_guessed", "invalid_nonce", "offer_replay", "invalid_token"} <= found.keys()
        told = msgspec.json.encode(list(found.values())).decode()
        for secret in (offered.tx_code, access, guess, WANG, house.citizen(WANG).subject):
            assert secret not in told
        assert found["invalid_nonce"].endpoint == "credential"
        assert found["invalid_nonce"].trace

    in_a_house(story)


def test_revoked_by_its_holder_or_its_issuer_and_by_nobody_else() -> None:
    async def story(house: House) -> None:
        wang, lee = house.citizen(WANG), house.citizen(LEE)
        _, held = await fetched(house)
        _, other = await fetched(house)
        assert await status_of(house, held[0]) == 0
        batch = (await house.call("credentials.mine", wang)).batches
        mine = next(one.id for one in batch)
        for caller in (lee, Caller("citizen", "x", subject="00")):
            with pytest.raises(NotFound):
                await house.call("credentials.revoke", caller, batch=mine)
        for caller in (
            ANONYMOUS,
            SYSTEM,
            CLERK,
            Caller("citizen", "nameless"),
            Caller("app", "a", subject=wang.subject),
        ):
            with pytest.raises(Refused):
                await house.call("credentials.revoke", caller, batch=mine)
        await house.call("credentials.revoke", wang, batch=mine)
        statuses = [[await status_of(house, one) for one in those] for those in (held, other)]
        assert sorted(statuses) == [[0, 0, 0], [1, 1, 1]], "the whole batch, and no other; the list is signed anew"
        with pytest.raises(Conflict):
            await house.call("credentials.revoke", wang, batch=mine)
        left = next(those[0] for those, each in zip((held, other), statuses, strict=True) if each[0] == 0)
        place = place_of(unverified(parse(left).jwt)[1])
        assert place is not None
        entry = {"list": int(place.uri.rpartition("/")[2]), "index": place.index}
        with pytest.raises(Denied):
            await house.call("credentials.revoke_issued", OTHER, **entry)
        with pytest.raises(NotFound):
            await house.call("credentials.revoke_issued", CLERK, **(entry | {"list": 9}))
        await house.call("credentials.revoke_issued", CLERK, **entry)
        assert await status_of(house, left) == 1
        held_now = (await house.call("credentials.mine", wang)).batches
        assert sorted(one.is_revoked_by_me for one in held_now) == [False, True]
        assert all(one.revoked_at for one in held_now)

    in_a_house(story)


def test_a_status_list_is_signed_once_for_many_and_too_old_a_copy_is_refused() -> None:
    async def story(house: House) -> None:
        _, held = await fetched(house)
        place = place_of(unverified(parse(held[0]).jwt)[1])
        assert place is not None
        path = place.uri.removeprefix(ORIGIN)
        first, second = await house.client.get(path), await house.client.get(path)
        assert first.body == second.body
        assert first.header("cache-control") == f"public, max-age={CREDENTIAL_STATUS_TTL_S}"
        assert first.header("access-control-allow-origin") == "*"
        house.now[0] += CREDENTIAL_STATUS_TTL_S
        assert (await house.client.get(path)).body != first.body
        find, now = await issuer_of(house), int(house.now[0])
        for uri, at in ((place.uri + "0", now), (place.uri, now + CREDENTIAL_STATUS_S)):
            with pytest.raises(BadCredential):
                verify_list(first.text, find, uri=uri, now=at)
        for name in ("0", "2", "x", "1e3", "9" * 30):
            assert (await house.client.get(f"/credentials/status/{name}")).status == 404, name

    in_a_house(story)


def test_keys_stay_published_until_what_they_signed_has_expired() -> None:
    async def story(house: House) -> None:
        _, held = await fetched(house)
        (first,) = jwks(await house.client.get("/.well-known/jwt-vc-issuer"))
        assert not {"d", "p", "q"} & first.keys()
        house.now[0] += CREDENTIAL_KEY_S
        two = jwks(await house.client.get("/.well-known/jwt-vc-issuer"))
        assert len(two) == 2
        for is_first, later in ((True, 0.0), (False, OPENID_KEY_LEAD_S)):
            house.now[0] += later
            _, newer = await fetched(house)
            assert (unverified(parse(newer[0]).jwt)[0]["kid"] == first["kid"]) is is_first, "published a day before"
        with pytest.raises(BadCredential, match="expired"):
            verify(held[0], key_in(two), now=int(house.now[0] // 86_400 * 86_400 + CREDENTIAL_S - CREDENTIAL_KEY_S + 1))
        house.now[0] += CREDENTIAL_S + CREDENTIAL_KEY_S
        left = jwks(await house.client.get("/.well-known/jwt-vc-issuer"))
        assert first["kid"] not in {key["kid"] for key in left}

    in_a_house(story)


def test_only_ones_own_and_only_what_the_register_gives() -> None:
    async def story(house: House) -> None:
        wang, lee = house.citizen(WANG), house.citizen(LEE)
        (kind,) = await house.call("credentials.kinds", wang)
        assert (kind.id, kind.names) == (KIND, ("name", "county", "members", "status", "note"))
        assert kind.fields[0].label == {"zh-Hant": "姓名", "en": "Name"}
        seen = await house.call("credentials.preview", lee, kind=KIND, fields=["name"])
        assert seen.values == {"as_of": "2026-11-23", "name": "李四"}
        for fields in (["secret"], ["nothing"], ["name", "secret"]):
            with pytest.raises(Invalid):
                await house.call("credentials.preview", wang, kind=KIND, fields=fields)
        with pytest.raises(NotFound):
            await house.call("credentials.preview", wang, kind="hukou.hidden", fields=["name"])
        for caller in (ANONYMOUS, SYSTEM, CLERK, Caller("app", "a", subject=wang.subject), Caller("citizen", "x")):
            with pytest.raises(Refused):
                await house.call("credentials.preview", caller, kind=KIND, fields=["name"])
        weak = msgspec.structs.replace(wang, assurance="aal1")
        with pytest.raises(Refused):
            await house.call("credentials.preview", weak, kind=KIND, fields=["name"])
        child = Caller("representative", "r", assurance="aal2", subject=wang.subject, relation="guardian")
        assert (await house.call("credentials.preview", child, kind=KIND, fields=["name"])).values["name"] == "王小榕"

    in_a_house(story)


def test_offers_are_few_taken_back_and_nobody_elses() -> None:
    async def story(house: House) -> None:
        offers = [await house.offer() for _ in range(CREDENTIAL_OFFERS)]
        with pytest.raises(Limit):
            await house.offer()
        await house.offer(LEE)
        with pytest.raises(NotFound):
            await house.call("credentials.take_back", house.citizen(LEE), offer=offers[0].id)
        wallet = Wallet(house, keys=1)
        access = await wallet.access(offers[1])
        for one in offers[:2]:
            await house.call("credentials.take_back", house.citizen(WANG), offer=one.id)
        assert (await wallet.token(offers[0])).json["error"] == "invalid_grant"
        assert (await wallet.ask(access)).json["error"] == "invalid_token"
        assert len({one.url for one in offers}) == len(offers)

    in_a_house(story)


def test_what_waits_is_sealed_and_gone_when_it_was_fetched() -> None:
    async def story(house: House) -> None:
        wallet, offered = Wallet(house, keys=CREDENTIAL_BATCH), await house.offer()
        store = house.node.drawers["credentials"].sql
        kept = await store.read(lambda tx: _ready(tx, offered.id, house.now[0]))
        assert kept is not None
        assert "花蓮縣".encode() not in kept
        assert len(await wallet.credentials(offered)) == CREDENTIAL_BATCH
        assert await store.read(lambda tx: _ready(tx, offered.id, house.now[0])) is None

    in_a_house(story)


def _ready(tx: Any, id: str, now: float) -> bytes | None:
    from banyan.service.credentials.records import offer_by_id

    ready = offer_by_id(tx, id, now)
    assert ready is not None
    return ready.sealed


def test_the_issuer_says_what_it_has() -> None:
    async def story(house: House) -> None:
        answer = await house.client.get("/.well-known/openid-credential-issuer")
        said = answer.json
        assert said["credential_issuer"] == ORIGIN
        assert said["batch_credential_issuance"] == {"batch_size": CREDENTIAL_BATCH}
        (one,) = said["credential_configurations_supported"].items()
        assert one[0] == KIND
        assert one[1]["format"] == "dc+sd-jwt"
        paths = [claim["path"] for claim in one[1]["credential_metadata"]["claims"]]
        assert ["data_status"] in paths
        kind = (await house.client.get(one[1]["vct"].removeprefix(ORIGIN))).json
        assert (kind["vct"], kind["name"]) == (one[1]["vct"], "Household record")
        assert (await house.client.get("/credentials/types/hukou.hidden")).status == 404
        strange = await house.client.get("/.well-known/openid-credential-issuer", headers={"Host": "evil.example"})
        assert strange.status == 421

    in_a_house(story)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(issuer=TEXTS, ids=st.lists(TEXTS, min_size=1, max_size=3), code=TEXTS, length=st.integers(1, 12))
def test_an_offer_goes_through_a_link_and_back(issuer: str, ids: list[str], code: str, length: int) -> None:
    grants = Grants(PreAuthorized(code, TxCode(length=length, description="六位數字")))
    offer = Offer(issuer, tuple(ids), grants)
    assert read_offer(offer_url(offer)) == offer


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_a_reader(body: bytes) -> None:
    for read in (lambda: read_request(body, batch=3), lambda: read_offer(body.decode("latin-1"))):
        with suppress(BadMessage):
            read()


@given(st.binary(min_size=256, max_size=256), st.integers(1, CREDENTIAL_BATCH))
def test_draws_are_entries(random: bytes, size: int) -> None:
    batch: NewBatch = new_batch("b", "o", size, random=random, now=1_795_438_800.0)
    assert len(batch.draws) == 64
    assert all(0 <= index < CREDENTIAL_STATUSES for index in batch.draws)
    assert batch.expires % 86_400 == 0
