"""An open page of a live table: told of a new version at once, until the reader stops it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from tests.access.going import pressed
from tests.channel.web.conftest import Filled
from tests.portal import browser

pytestmark = pytest.mark.browser


def follow(portal: Filled, resource: str) -> None:
    """Make a resource live. Its source cannot be read, so only uploads make versions."""
    body = json.dumps({"resource": resource, "source": f"{portal.url}/nothing-here.csv", "every_s": 3_600}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {portal.token}"}
    request = urllib.request.Request(f"{portal.url}/api/opendata/follow", body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def test_an_open_page_tells_of_a_new_version(portal: Filled) -> None:
    def publish(count: int) -> Any:
        return portal.publish("rain.csv", f"站,雨量\n花蓮,{count}\n".encode(), name="rain", title="雨量")["published"]

    resource = publish(1)["resource_id"]
    follow(portal, resource)
    with browser() as chromium:
        page = chromium.new_page()
        said: list[Any] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(f"{portal.url}/dataset/rain/resource/{resource}")
        page.wait_for_selector("#fresh[data-ready]")
        publish(2)
        page.wait_for_selector("#fresh-told a", timeout=10_000)
        assert "第 2 版" in page.inner_text("#fresh-told")
        assert "第 2 版" in page.inner_text("#fresh")
        assert page.locator("tbody td.number").inner_text() == "1", "the rows stay until the reader asks"
        pressed(page, "#fresh-told a")
        page.wait_for_selector("#fresh[data-ready]")
        assert page.locator("tbody td.number").inner_text() == "2"
        page.click("#fresh + button")
        publish(3)
        publish(4)
        page.click("#fresh + button")
        page.wait_for_selector("#fresh-told a")
        assert "第 4 版" in page.inner_text("#fresh"), "version 3 passed while it was stopped"
        assert said == []
