"""Every page of a demonstration opens: to anybody, to a person and to an officer, in both languages.

A node for real is empty when its pages are tested; the demonstration's records have kinds that no test made by hand.
"""

from __future__ import annotations

from pathlib import Path

from tests.demo.test_agencies import in_a_nation
from tests.make import Client

from banyan.kernel.identity.openid import signing_in
from banyan.kernel.identity.openid.sent import Sent
from banyan.node import Node


def test_every_page_opens(tmp_path: Path) -> None:
    async def story(node: Node, now: list[float]) -> None:
        client = Client(node.app)
        cookies = [""]
        for name in ("demo.lin", "demo.epidemic"):
            sent = Sent(issuer="http://localhost", method="POST", path="/openid/login")
            cookies.append(f"openid={await signing_in.as_persona(node.persons, sent, name)}")
        paths = [
            page.path
            for service in node.catalogue.services.values()
            for page in service.pages
            if "GET" in page.methods and "{" not in page.path
        ]
        assert len(paths) > 20, paths
        for path in paths:
            for at in (path, f"/en{path}"):
                for cookie in cookies:
                    reply = await client.get(at, headers={"cookie": cookie, "accept": "text/html"})
                    assert reply.status < 500, (at, cookie[:7], reply.text[-900:])

    in_a_nation(tmp_path, story)
