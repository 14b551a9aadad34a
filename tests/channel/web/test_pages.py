"""The pages as a reader gets them: escaped, bilingual, signed in or not; the examples they offer really run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from tests.channel.web.conftest import Filled

from banyan.channel.web.operations import OperationPages
from banyan.channel.web.templates import gather_messages
from banyan.craft.form import fields_of
from banyan.kernel.catalogue import Catalogue
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.service.opendata.parts import SERVICE

PEERS = Path(__file__).parents[3] / ".venv-peers/bin/python"


def test_cells_and_notes_cannot_put_elements_on_a_page(portal: Filled) -> None:
    page = portal.get(f"/dataset/stores/resource/{portal.resource}")
    assert "&lt;b&gt;藥局&lt;/b&gt;四號" in page
    assert "<b>藥局" not in page
    dataset = portal.get("/dataset/stores")
    assert "<script>alert(1)" not in dataset
    assert "&lt;script&gt;alert(1)" in dataset


def test_every_page_has_its_language_and_its_guide_marks(portal: Filled) -> None:
    for path, lang in (("/", "zh-Hant-TW"), ("/en", "en"), ("/dataset/stores", "zh-Hant-TW"), ("/en/quality", "en")):
        page = portal.get(path)
        assert f'<html lang="{lang}"' in page
        assert [key for key in "UCZ" if f'accesskey="{key}"' not in page] == []
        assert " style=" not in page
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/))", page)


def test_filters_are_permalinks(portal: Filled) -> None:
    table = f"/dataset/stores/resource/{portal.resource}"
    page = portal.get(f"{table}?f=數量&o=gte&v=10&sort=數量&down=1")
    assert page.index("藥局二號") < page.index("藥局一號")
    assert "藥局三號" not in page
    assert "藥局三號" in portal.get(f"{table}?f=沒有這欄&o=eq&v=1"), "an unknown column still shows the page"


def test_the_change_log_tells_what_changed(portal: Filled) -> None:
    page = portal.get(f"/dataset/stores/resource/{portal.resource}/versions")
    assert "±1 修改" in page


def test_every_question_of_a_form_has_a_word_in_both_languages() -> None:
    pages = OperationPages(Catalogue([SERVICE]))
    pages.words = gather_messages([SERVICE])
    missing = {
        f"{operation.id}.{field.name}"
        for operation in SERVICE.operations.values()
        if "web" in operation.channels
        for field in fields_of(operation.request, pages._word)
        if any(field.label[lang] == field.name for lang in LANGUAGES)
    }
    assert missing == set()


def test_writing_needs_the_session_and_its_form_token(portal: Filled) -> None:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def post(path: str, **fields: str) -> tuple[int, str]:
        body = urllib.parse.urlencode(fields).encode()
        try:
            with opener.open(portal.url + path, body) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    status, page = post("/session", token="wrong")
    assert status == 422
    assert "權杖不正確" in page
    assert post("/session", token=portal.token)[0] == 200
    status, _ = post(f"/request/{portal.asked}", status="checking")
    assert status in (401, 403), "a session without the form's token is a forgery"
    with opener.open(f"{portal.url}/request/{portal.asked}") as answer:
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.read().decode())
    assert found is not None
    status, page = post(f"/request/{portal.asked}", status="checking", answer="評估中", csrf_token=found[1])
    assert status == 200
    assert "評估中" in page


def test_the_description_can_be_edited(portal: Filled) -> None:
    assert _status(portal, "/dataset/stores/edit") == 403


@pytest.mark.parametrize("name", ["curl", "python", "javascript", "r", "ckan"])
def test_an_example_runs_as_it_stands(portal: Filled, tmp_path: Path, name: str) -> None:
    page = portal.get(f"/dataset/stores/resource/{portal.resource}/api")
    found = re.search(rf'aria-labelledby="example-{name}"><code>(.*?)</code>', page, re.DOTALL)
    assert found is not None
    text = unescape(found[1])
    commands = {
        "curl": ["sh", "-c", text],
        "python": [sys.executable, "-c", text],
        "javascript": ["node", "--input-type=module", "-e", text],
        "r": ["Rscript", "-e", text],
        "ckan": [str(PEERS), "-c", text],
    }
    if shutil.which(commands[name][0]) is None:
        pytest.skip(f"{commands[name][0]} is not installed")
    done = subprocess.run(commands[name], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "1001" in (json.dumps(json.loads(said), ensure_ascii=False) if name == "curl" else said)


def _status(portal: Filled, path: str) -> int:
    request = urllib.request.Request(portal.url + path, headers={"Accept": "text/html"})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
