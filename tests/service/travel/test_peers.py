"""Other people's software on the other side: a record system by jwcrypto and Authlib, whose key set is fetched, and
fhir.resources as the judge of what we answer and as the maker of what we read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.make import missing
from tests.service.travel.ehr import BASE, CALL, body, call, http, register
from tests.service.travel.jwks import a_hospital, certificate
from tests.service.travel.test_pages import TOCC
from tests.service.travel.world import H1, LIN, ONLY, World, in_a_world

from banyan.service.travel import resources
from banyan.service.travel.cards import document_in
from banyan.settings import Fetch
from banyan.wire.fhir.model import Identifier

ROOT = Path(__file__).parents[3]
PEERS = Path(__file__).parent / "peers"
INSIDE = msgspec.structs.replace(ONLY, fetch=Fetch(allow_private=True))
pytestmark = pytest.mark.peers


def ran(script: str, given: Any) -> Any:
    python = ROOT / ".venv-peers/bin/python"
    if not python.exists():
        missing("run ./banyan test, which sets up .venv-peers")
    done = subprocess.run(
        [python, "-W", "ignore", PEERS / script], input=json.dumps(given), capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_record_system_of_other_peoples_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))

    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        with a_hospital(pem) as hospital:
            await register(world, jku=hospital.url)
            now = int(world.now[0])
            claims = {
                "iss": "https://ehr.h1.example", "aud": BASE + CALL, "iat": now, "exp": now + 120, "tenant": "h1",
            }  # fmt: skip
            peer = ran("record_system.py", {"claims": claims, "jku": hospital.url})
            hospital.publish(peer["set"]["keys"])
            answers = {alg: await call(world, body(), one) for alg, one in peer["tokens"].items()}
        told = {alg: one.status for alg, one in answers.items()}
        assert told == {"ES384": 200, "RS384": 200, "ES256": 401, "sealing": 401}
        assert len(answers["ES384"].json["cards"]) == 1
        assert hospital.asked == 1

    in_a_world(story, settings=INSIDE)


def test_fhir_resources_reads_what_we_answer_and_we_read_what_it_makes() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        marks = (await world.flag(LIN)).marks
        found = await world.flag(LIN)
        asked = Identifier("http://www.moi.gov.tw", LIN)
        bundle = resources.flags_of(
            found, marks, ["f-1"], asked=asked, base=BASE, now="2026-11-23T13:00:00+00:00", lang="zh-Hant",
            has_provenance=True,
        )  # fmt: skip
        kept = (await world.call("tocc", H1, **TOCC)).response
        refused = await http(world).get("/fhir/Flag?patient.identifier=http://www.moi.gov.tw|A123456789")
        assert refused.status == 401
        looks = await world.call("mine", world.citizen(LIN))
        made = resources.audit_of(looks.looks, base=BASE)
        assert made.total
        good = [
            *(msgspec.json.decode(msgspec.json.encode(one)) for one in (bundle, made, kept)),
            refused.json,
            (await http(world).get("/fhir/metadata")).json,
        ]
        bad = [{**good[0]["entry"][0]["resource"], name: value} for name, value in WRONG]
        papers = [("http://www.moi.gov.tw", LIN), ("http://www.immigration.gov.tw", "A800000014"),
                  ("http://hl7.org/fhir/sid/passport-JPN", "TR1234567")]  # fmt: skip
        peer = ran("fhir_judge.py", {"good": good, "bad": bad, "papers": papers})
        assert [one["resourceType"] for one in peer["judged"]] == [one["resourceType"] for one in good]
        flag = peer["judged"][0]["entry"][0]["resource"]
        assert flag["period"] == good[0]["entry"][0]["resource"]["period"]
        assert peer["judged"][0]["total"] == 1
        assert all(peer["faults"]), "a judge that lets this through judges nothing"
        assert [document_in(one, "p1") for one in peer["patients"]] == [LIN, "A800000014", "P:JPN:TR1234567"]

    in_a_world(story)


WRONG = (("status", None), ("period", "today"), ("flagged", True), ("category", {}))
"""Of a Flag: a member that must be there, one of another form, one that FHIR has not, one where many are."""
