"""The pages and FHIR over HTTP: what a clinic, a patient and immigration see; nothing names a person in an address."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.make import Reply
from tests.service.travel.ehr import http
from tests.service.travel.world import H1, H2, LIN, NIA, ORDER, STRANGER, World, in_a_world

from banyan.errors import Conflict, NotFound
from banyan.kernel.exchange.gate import Refused

SAID = {"is_yes": False}
TOCC: dict[str, Any] = {
    "person": LIN, "visit": "V-1", "travel": {"is_yes": True, "words": "榕嶼三天"}, "occupation": SAID,
    "contact": SAID, "cluster": SAID, "has_fever": True,
}  # fmt: skip


async def seen(world: World, path: str) -> Reply:
    return await http(world).get(path, headers={"Accept": "text/html"})


@pytest.mark.parametrize("lang", ["", "/en"])
def test_the_first_page_shows_order_sunset_and_counts(lang: str) -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        for _ in range(12):
            await world.flag(LIN)
        found = await seen(world, f"{lang}/travel")
        assert found.status == 200, found.body[:500]
        text = found.body.decode()
        assert ORDER in text
        assert ("到期" if not lang else "Ends") in text
        assert ">12<" in text.replace(" ", "")
        for path in ("/travel/rules", "/travel/tocc", "/travel/mine", "/travel/contests"):
            assert (await seen(world, lang + path)).status == 200, path
        assert "2020-wuhan" in (await seen(world, f"{lang}/travel/rules")).body.decode()

    in_a_world(story)


def test_without_an_order_the_page_says_so() -> None:
    async def story(world: World) -> None:
        assert "沒有生效中的命令" in (await seen(world, "/travel")).body.decode()

    in_a_world(story, is_ordered=False)


def test_small_counts_are_withheld() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        await world.flag(LIN)
        found = await world.call("standing", STRANGER)
        assert (found.today, found.people, found.waiting) == (None, None, 0)

    in_a_world(story)


def test_tocc_is_kept_with_the_visit_and_given_as_fhir() -> None:
    async def story(world: World) -> None:
        kept = await world.call("tocc", H1, **TOCC)
        sent = msgspec.json.decode(msgspec.json.encode(kept.response))
        assert (sent["resourceType"], sent["status"]) == ("QuestionnaireResponse", "completed")
        travel = sent["item"][0]
        (answered,) = travel["answer"]
        assert (answered["valueBoolean"], "item" in travel) == (True, False)
        assert answered["item"][0]["answer"] == [{"valueString": "榕嶼三天"}]
        assert await world.call("tocc", H1, **TOCC) == kept
        assert (await world.call("tocc_of", H1, person=LIN, visit="V-1")).response == kept.response
        with pytest.raises(Conflict):
            await world.call("tocc", H1, **{**TOCC, "has_fever": False})
        for caller, person in ((H2, LIN), (H1, "F131104093")):
            with pytest.raises(NotFound):
                await world.call("tocc_of", caller, person=person, visit="V-1")
        for caller in (NIA, STRANGER):
            with pytest.raises(Refused):
                await world.call("tocc_of", caller, person=LIN, visit="V-1")
        assert [one.operation for one in (await world.uses(LIN)).uses].count("travel.tocc") == 2
        assert not any("榕嶼三天".encode() in one.read_bytes() for one in world.node.data.rglob("*") if one.is_file())

    in_a_world(story, is_ordered=False)


def test_fhir_needs_a_token_and_says_so_in_fhir() -> None:
    async def story(world: World) -> None:
        named = f"patient.identifier=http://www.moi.gov.tw|{LIN}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for found in (
            await http(world).get(f"/fhir/Flag?{named}"),
            await http(world).post("/fhir/Flag/_search", body=named.encode(), headers=form),
        ):
            assert (found.status, found.json["resourceType"]) == (401, "OperationOutcome")
            assert LIN not in found.body.decode()
        for wrong in ("", "patient.identifier=A123456789", f"{named}&status=active", f"{named}&{named}"):
            found = await http(world).get(f"/fhir/Flag?{wrong}")
            assert (found.status, found.json["issue"][0]["code"]) == (422, "invalid"), wrong
            assert LIN not in found.body.decode()
        capable = (await http(world).get("/fhir/metadata")).json
        assert capable["fhirVersion"] == "4.0.1"

    in_a_world(story)
