"""Hostile words stay words: on every page, and in every XML and JSON answer."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.dom import minidom

import msgspec
from tests.make import Client, Reply
from tests.strangers import Nation, Probe, Subject, ask, everything

from banyan.node import Node, open_node
from banyan.settings import Settings

EVIL = "</script></style></title>\"'`><img src=x onerror=evil()>{{7*7}}]]>"
SCRIPT = "javascript:evil()"
LINKS = ("href", "src", "action", "formaction", "xlink:href")
PLACES = ("", "/chart", "/map", "/columns", "/notes", "/versions", "/api")
ASKED = ("q", "sort", "filters", "by", "next", "page", "fields", "group", "tag", "agency", "format", "kind", "value")


class Markup(HTMLParser):
    """What in a page came from hostile words as markup."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            link = (value or "").strip().lower()
            if name.startswith("on") or (name in LINKS and link.startswith(("javascript:", "data:", "vbscript:"))):
                self.found.append(f"{tag} {name}={value}")
        if tag == "img" and ("src", "x") in attrs:
            self.found.append("img")


def table() -> bytes:
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(["代碼", f"{EVIL}欄", "經度", "緯度", "數量"])
    lines.writerows([f"c{row}", f"{EVIL}格{row % 3}", 121.5 + row / 100, 25.03, row] for row in range(1, 30))
    return out.getvalue().encode()


async def prepared(node: Node, client: Client) -> tuple[Subject, list[Probe]]:
    """A dataset whose every word is hostile, and the pages that lead to it."""

    async def save(operation: str, **body: object) -> Any:
        reply = await client.post(f"/api/opendata/{operation}", json=body, token=node.token)
        assert reply.status == 200, reply.text
        return reply.json

    await save("save_theme", name="evil", title=EVIL, description=EVIL)
    asked = {"filename": f"{EVIL}.csv".replace("/", ""), "name": "hostile", "title": EVIL, "theme": "evil"}
    asked |= {"notes": f"{EVIL} [a]({SCRIPT}) <{SCRIPT}>", "agency": EVIL, "resource_name": EVIL, "tag": EVIL}
    for body in (table(), table().replace("格1".encode(), "格9".encode())):
        target = f"/api/opendata/upload?{urlencode(asked)}"
        reply = await client.post(target, body=body, token=node.token, headers={"content-type": "text/csv"})
        assert reply.status == 201, reply.text
    words = {"title_en": EVIL, "notes_en": EVIL, "spatial": EVIL, "frequency": EVIL, "identifier": EVIL}
    contact = {"name": EVIL, "email": SCRIPT, "phone": EVIL}
    await save("save_dataset", name="hostile", url=SCRIPT, contact=contact, extras=[[EVIL, EVIL]], **words)
    await save("save_resource", dataset="hostile", name=EVIL, url=SCRIPT, description=EVIL, format=EVIL)
    made = (await client.post("/api/opendata/ask_for_data", json={"title": EVIL, "text": EVIL})).json
    await save("answer_request", id=made["id"], status="published", answer=EVIL, dataset="hostile")
    shown = (await client.get("/api/opendata/dataset/hostile")).json
    first, link = shown["resources"]
    subject = Subject("public", "hostile", shown["id"], first["id"], "none", first["hash"])
    pages = [f"/request/{made['id']}", f"/organization/{shown['agency_id']}", "/group/evil", "/request"]
    pages += [f"/dataset/hostile/resource/{link['id']}{place}" for place in PLACES]
    return subject, [Probe("GET", path) for path in pages]


def asking(subject: Subject) -> Iterator[Probe]:
    """Hostile words in queries and forms."""
    resource = f"/dataset/hostile/resource/{subject.resource}"
    pages = ("/dataset", "/chat", "/session", "/request", "/quality", "/none", *(resource + place for place in PLACES))
    for page in pages:
        for name in ASKED:
            yield Probe("GET", f"{page}?{urlencode({name: EVIL})}")
    yield Probe("GET", f"{resource}/chart?{urlencode({'by': EVIL + '欄'})}")
    yield Probe("POST", "/chat", form={"text": EVIL})
    yield Probe("POST", "/session", form={"token": EVIL, "next": f"/{EVIL}"})
    yield Probe("POST", "/request/new", form={"title": EVIL, "text": "", "contact": EVIL})


def wrong_in(reply: Reply) -> str:
    """What is wrong with an answer; empty when it is well-formed and nothing in it runs."""
    kind = reply.header("content-type")
    if reply.status >= 500:
        return "failed"
    if "html" in kind:
        markup = Markup()
        markup.feed(reply.text)
        policy = "" if "script-src 'self';" in reply.header("content-security-policy") else "no policy"
        return ", ".join(markup.found) or policy
    if "xml" in kind and reply.body:
        minidom.parseString(reply.body)
    elif "json" in kind and reply.body and "ndjson" not in kind:
        msgspec.json.decode(reply.body)
    return ""


def test_markup_in_words_is_never_markup(tmp_path: Path) -> None:
    async def walk() -> list[str]:
        async with open_node(tmp_path, Settings()) as node:
            client = Client(node.app)
            subject, pages = await prepared(node, client)
            nation = Nation(node, client, {})
            found = []
            for probe in (*everything(nation, subject), *asking(subject), *pages):
                if wrong := wrong_in(await ask(client, probe)):
                    found.append(f"{probe.method} {probe.target}: {wrong}")
            return found

    assert asyncio.run(walk()) == []
