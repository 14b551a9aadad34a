"""findUsage v2 as the Estonian portal asks it: our answers against its own OpenAPI, and who may not ask."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import yaml
from tests.kernel.policy.test_judging import LOAN, NOW
from tests.make import Client, Reply, shared_data
from tests.service.mydata.house import LEE, WANG, House, in_a_house

from banyan.kernel.identity.caller import Caller
from banyan.kernel.policy import records

USER = {"X-Road-UserId": "TWA123456789"}
PORTAL = Caller("app", "portal", agency="TW/GOV/PORTAL", assurance="aal2")


PEER = Path(__file__).parents[3] / ".venv-peers/bin/python"
VALIDATE = """
import json, sys
from jsonschema import Draft7Validator
checks = json.load(sys.stdin)
for answer, schema in checks["answers"]:
    named = {"$ref": "#/components/schemas/" + schema, "components": checks["components"]}
    print(json.dumps([error.message for error in Draft7Validator(named).iter_errors(answer)]))
"""


def faults(*answers: tuple[Any, str]) -> list[list[str]]:
    """What the standard's own schemas say against each answer, by jsonschema. OpenAPI 3.0's schemas are JSON Schema but
    for `nullable`, which this one does not use."""
    spec = yaml.safe_load(shared_data("consent/ee-datatracker/dumonitor-openapi.yaml").read_text(encoding="utf-8"))
    asked = json.dumps({"components": spec["components"], "answers": answers})
    done = subprocess.run([PEER, "-c", VALIDATE], input=asked, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def fine(answer: Reply) -> Any:
    assert answer.status == 200, answer.text
    return answer.json


@pytest.mark.skipif(not PEER.exists(), reason="needs .venv-peers")
def test_the_standards_own_schemas_take_our_answers() -> None:
    async def story(house: House) -> None:
        await house.use()
        usage = fine(await house.client.get(f"/v2/findUsage?userCode={WANG}", token="wang", headers=USER))
        period = fine(await house.client.get("/v2/usagePeriod"))
        beat = fine(await house.client.get("/v2/heartbeat"))
        found = faults((usage, "FindUsageResponse"), (period, "UsagePeriodResponse"), (beat, "HeartbeatResponse"))
        assert found == [[], [], []]
        del usage["usages"][0]["receiverCode"]
        assert all(faults((usage, "FindUsageResponse"), ({"status": "ok"}, "HeartbeatResponse"))), "it does refuse"

    in_a_house(story)


def test_a_citizen_finds_their_uses_newest_first() -> None:
    async def story(house: House) -> None:
        for second in range(5):
            await house.use(at=NOW + second)
        await house.use(at=NOW + 9, reveal_after=NOW + 100)
        await house.use(LEE)
        path = f"/v2/findUsage?userCode={WANG}"
        whole = fine(await house.client.get(path, token="wang", headers=USER))
        assert whole["totalUsages"] == 5, "the deferred one is not even counted"
        times = [one["logtime"] for one in whole["usages"]]
        assert times == sorted(times, reverse=True)
        assert whole["usages"][0] == {
            "logtime": "2020-05-20T18:40:04Z",
            "action": "所得",
            "receiverCode": "TW/COM/BANK",
            "receiverName": "Example Bank",
            "receiverSystem": "api",
        }
        part = (
            f"{path}&periodStart={quote('2020-05-21T02:40:01+08:00')}&periodEnd=2020-05-20T18:40:03Z&offset=1&limit=1"
        )
        page = fine(await house.client.get(part, token="wang", headers=USER))
        assert (page["totalUsages"], [one["logtime"] for one in page["usages"]]) == (3, ["2020-05-20T18:40:02Z"])
        house.now[0] = NOW + 100
        assert (await house.client.get(path, token="wang", headers=USER)).json["totalUsages"] == 6

    in_a_house(story)


def test_period_and_heartbeat() -> None:
    async def story(house: House) -> None:
        period = fine(await house.client.get("/v2/usagePeriod"))
        assert period == {"periodStart": "2020-05-20T18:40:00Z"}
        assert fine(await house.client.get("/v2/heartbeat"))["status"] == "OK"

    in_a_house(story)


def test_deny_is_the_default_and_a_portal_needs_a_basis() -> None:
    async def story(house: House) -> None:
        await house.use()
        house.callers["portal"] = PORTAL
        path = f"/v2/findUsage?userCode=TW{WANG}"
        for token in ("lee", "bank", "portal", "nobody", ""):
            answer = await house.client.get(path, token=token, headers=USER)
            assert answer.status == 403, token
            assert WANG not in answer.text
        basis = msgspec.structs.replace(
            LOAN,
            id="portal",
            kind="legal-obligation",
            pdpa="16-1",
            operations=("mydata.usage_for",),
            purposes=("135",),
            recipients=("TW/GOV/PORTAL",),
            fields=("total_usages", "usages"),
            needs="",
        )
        lawful = house.node.lawful
        await lawful.policy.write(lambda tx: records.put_basis(tx, basis, NOW))
        lawful.conscience.forget()
        found = fine(await house.client.get(path, token="portal", headers=USER))
        assert found["totalUsages"] == 1
        assert (await house.client.get(path, token="bank", headers=USER)).status == 403, "the basis is the portal's"
        mine = await house.call("mydata.uses", house.citizen(WANG))
        assert [one.operation for one in mine.uses] == ["mydata.usage_for", "tax.income"], "asking is a use too"

    in_a_house(story)


def test_what_does_not_fit_is_a_400_that_repeats_no_number() -> None:
    async def story(house: House) -> None:
        path = f"/v2/findUsage?userCode={WANG}"
        assert (await house.client.get(path, token="wang")).status == 400, "X-Road-UserId is mandatory"
        bad = ("/v2/findUsage", "/v2/findUsage?userCode=A123456788", f"{path}&limit=-1", f"{path}&offset=x",
               f"{path}&periodStart=yesterday", f"{path}&periodEnd=2021-01-31T10:20:30")  # fmt: skip
        for one in bad:
            answer = await house.client.get(one, token="wang", headers=USER)
            assert answer.status == 400, one
            assert "A12345678" not in answer.text
        assert (await house.client.get(f"{path}&limit=999999", token="wang", headers=USER)).status == 200

    in_a_house(story)


def test_the_access_record_holds_no_user_code() -> None:
    async def story(house: House) -> None:
        answer = await Client(house.node.app).get(f"/v2/findUsage?userCode={WANG}", headers=USER)
        assert answer.status == 403

    def read(folder: Path) -> None:
        lines = (folder / "log" / "access.jsonl").read_text(encoding="utf-8")
        assert '"/v2/findUsage"' in lines
        assert WANG not in lines

    in_a_house(story, after=read)
