"""The API's description: what it says, and whether a stranger's tool (schemathesis) finds us keeping to it."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from tests.kernel.exchange.sample import sample
from tests.make import TOKEN, a_node, live_node

SCHEMATHESIS = Path(__file__).parents[3] / ".venv-peers/bin/schemathesis"


def test_an_operation_is_described_from_its_one_declaration(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_node(tmp_path, [sample()]) as node:
            document = (await node.client.get("/openapi.json")).json
            english = (await node.client.get("/openapi.json", headers={"Accept-Language": "en"})).json
        echo = document["paths"]["/api/sample/echo"]["get"]
        assert (echo["operationId"], echo["summary"]) == ("sample.echo", "Echo（中文）")
        assert english["paths"]["/api/sample/echo"]["get"]["summary"] == "Echo"
        assert echo["x-titles"] == {"zh-Hant": "Echo（中文）", "en": "Echo"}
        times = next(parameter for parameter in echo["parameters"] if parameter["name"] == "times")
        assert times["schema"] == {"type": "integer", "minimum": 1, "maximum": 50, "default": 1}
        item = document["paths"]["/api/sample/item/{id}"]["get"]["parameters"][0]
        assert (item["in"], item["required"]) == ("path", True)
        save = document["paths"]["/api/sample/save"]["post"]
        assert save["security"] == [{"token": []}]
        assert "security" not in document["paths"]["/api/sample/ask"]["post"]
        assert document["components"]["schemas"]["Save"]["additionalProperties"] is False

    asyncio.run(story())


@pytest.mark.peers
@pytest.mark.parametrize("token", ["", TOKEN], ids=["anybody", "administrator"])
def test_schemathesis_finds_nothing(tmp_path: Path, token: str) -> None:
    with live_node(tmp_path, [sample()]) as (url, _):
        found = schemathesis(url, tmp_path, "--max-examples", "10", token=token)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


@pytest.mark.peers
@pytest.mark.slow
def test_schemathesis_finds_nothing_in_the_service_that_runs_here(tmp_path: Path) -> None:
    """All checks but one: a sort or a query may fit its schema and still name a column that is not there."""
    import banyan.service.opendata.parts  # noqa: F401 - registers every part
    from banyan.service.opendata.service import SERVICE

    with live_node(tmp_path, [SERVICE]) as (url, _):
        options = ("--max-examples", "5", "--exclude-checks", "positive_data_acceptance")
        found = schemathesis(url, tmp_path, *options)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


def schemathesis(url: str, folder: Path, *options: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """Run the peer's tool over the node, every check, the same cases each time."""
    if not SCHEMATHESIS.exists():
        pytest.skip("no .venv-peers")
    command = [str(SCHEMATHESIS), "run", f"{url}/openapi.json", "--checks", "all", "--no-color", *options]
    command += ["--phases", "examples,coverage,fuzzing", "--generation-deterministic"]
    command += ["-H", f"Authorization: Bearer {token}"] if token else []
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=folder)
