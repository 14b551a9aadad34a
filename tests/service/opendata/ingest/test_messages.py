"""Every refusal and finding in the code has its sentences, and every sentence is used."""

from __future__ import annotations

import re
from pathlib import Path

import banyan.service.opendata.ingest as package
from banyan.service.opendata.ingest import explain, messages
from banyan.service.opendata.model import Finding

SOURCE = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(package.__file__).parent.glob("*.py")))


def test_refusals_have_sentences() -> None:
    raised = set(re.findall(r'(?:invalid|beyond|damage_as)\(\s*"([a-z0-9-]+)"', SOURCE)) | {
        "kind-web-page",
        "kind-refused",
    }
    told = {key.split(".")[1] for key in messages().keys() if key.startswith("refusal.")}  # noqa: SIM118  # not a dict
    assert raised == told


def test_findings_have_sentences() -> None:
    told = {key.split(".")[1] for key in messages().keys() if key.startswith("finding.")}  # noqa: SIM118  # not a dict
    told = {code for code in told if not code.startswith("quality-")}  # found by the quality part
    named = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)*)"', SOURCE))
    assert told <= named, told - named
    found = set(re.findall(r'Finding\(\s*"[a-z_]+",\s*"([a-z0-9-]+)"', SOURCE))
    assert found <= told, found - told


def test_a_finding_is_explained_in_both_languages() -> None:
    one = Finding("guess", "crs-missing", count=78, values={"crs": "EPSG:3826", "share": "100%"})
    assert explain(one, "zh-Hant")[0] == "座標沒有註明系統；依範圍判為 EPSG:3826（100% 符合）"
    assert explain(one, "en")[1] == "Name the coordinate system."
