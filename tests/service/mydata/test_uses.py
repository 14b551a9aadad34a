"""A citizen's own uses: theirs only, each provable, and what the law defers told on its day and not before."""

from __future__ import annotations

import pytest
from tests.kernel.policy.test_judging import NOW
from tests.service.mydata.house import BANK, LEE, WANG, House, in_a_house

from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.ledger.entries import commitment_of, read_entry
from banyan.kernel.ledger.receipts import prove
from banyan.wire.tlog.checkpoint import verifier_of

DAY_S = 86_400.0


def test_who_read_what_and_why_with_a_proof() -> None:
    async def story(house: House) -> None:
        used = await house.use()
        await house.use(at=NOW + 5, fields=("income", "year"))
        fresh = await house.call("mydata.uses", house.citizen(WANG))
        assert [one.receipt for one in fresh.uses] == ["", ""], "no checkpoint yet"
        await house.publish()
        found = await house.call("mydata.uses", house.citizen(WANG))
        assert [one.fields for one in found.uses] == [("income", "year"), ("income",)]
        assert found.total == 2
        first = found.uses[1]
        assert first.statute == {
            "zh-Hant": "個人資料保護法第 16 條",
            "en": "Personal Data Protection Act, article 16",
        }
        assert (first.purpose_title["en"], first.reference, first.at) == (
            "Lending and credit",
            "c-1",
            "2020-05-20T18:40:00Z",
        )
        assert first.ask.startswith("mailto:opendata@banyan.example?subject=")
        answer = await house.client.get(first.receipt, token="wang")
        assert answer.status == 200
        assert answer.header("cache-control") == "private, no-store"
        keys = [verifier_of(key) for key in house.node.lawful.keys.vkeys]
        proven = prove(answer.body, logs=keys)
        assert proven.index == used.index
        assert proven.record["receiver"] == "TW/COM/BANK"

    in_a_house(story)


def test_nobody_sees_another_persons_uses_or_receipts() -> None:
    async def story(house: House) -> None:
        used = await house.use()
        await house.publish()
        assert (await house.call("mydata.uses", house.citizen(LEE))).total == 0
        for token, status in (("wang", 200), ("lee", 404), ("bank", 403), ("", 403)):
            answer = await house.client.get(f"/mydata/receipt/{used.index}", token=token)
            assert answer.status == status, token
        hers = await house.client.get(f"/mydata/receipt/{used.index}", token="lee")
        none = await house.client.get("/mydata/receipt/999", token="lee")
        assert (hers.status, hers.json["title"]) == (none.status, none.json["title"]), "the same word for both"
        for odd in ("x", "-1", "1e3", "9" * 40):
            assert (await house.client.get(f"/mydata/receipt/{odd}", token="wang")).status == 404, odd
        for caller in (ANONYMOUS, SYSTEM, BANK, Caller("administrator", "a"), Caller("citizen", "nameless")):
            with pytest.raises(Refused):
                await house.call("mydata.uses", caller)

    in_a_house(story)


def test_a_deferred_use_is_told_on_its_day_and_not_before() -> None:
    async def story(house: House) -> None:
        used = await house.use(reveal_after=NOW + 2 * DAY_S, receiver="TW/GOV/POLICE")
        await house.publish()
        entry = read_entry(await house.node.lawful.ledger.entry(used.index))
        commitment = commitment_of(used.salt, used.record).hex()
        assert entry == {"v": 1, "kind": "release", "commitment": commitment}, "nor does the log tell it"
        found = await house.call("mydata.uses", house.citizen(WANG))
        assert (found.total, found.uses) == (1, ())
        assert [(one.reveal_after, one.commitment) for one in found.later] == [("2020-05-22T18:40:00Z", commitment)]
        path = f"/mydata/receipt/{used.index}"
        assert (await house.client.get(path, token="wang")).status == 404
        house.now[0] += 2 * DAY_S
        found = await house.call("mydata.uses", house.citizen(WANG))
        assert [one.receiver for one in found.uses] == ["TW/GOV/POLICE"]
        assert found.later == ()
        keys = [verifier_of(key) for key in house.node.lawful.keys.vkeys]
        assert prove((await house.client.get(path, token="wang")).body, logs=keys).record["fields"] == ["income"]

    in_a_house(story)
