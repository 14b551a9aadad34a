"""Descriptions: from files and addresses, bounded, with the type that their source says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.kernel.exchange.road.pair import ScriptedService, said
from tests.make import frozen_clock

from banyan.errors import Limit, Problem, Unavailable
from banyan.kernel.exchange.road.edges.documents import Documents
from banyan.kernel.exchange.road.edges.meta import Document
from banyan.limits import XROAD_OPENAPI_BYTES

YAML = b"openapi: 3.0.1\npaths: {}\n"


def read(folder: Path, where: str, answer: bytes = b"") -> Document:
    async def story() -> Document:
        service, documents = ScriptedService(), Documents(folder, frozen_clock())
        url = await service.start()
        service.script = lambda seen: answer
        try:
            return await documents(where.format(url=url))
        finally:
            documents.close()
            await service.stop()

    return asyncio.run(story())


@pytest.mark.parametrize("form", ["{path}", "file://{path}"])
def test_a_file_is_read_by_path_or_address(tmp_path: Path, form: str) -> None:
    for name, content, kind in (
        ("a b.yaml", YAML, "text/yaml"),
        ("a.json", b' {"openapi":"3.0.1"}', "application/json"),
    ):
        (tmp_path / name).write_bytes(content)
        assert read(tmp_path, form.format(path=tmp_path / name)) == Document(content, kind)


def test_an_address_is_fetched_with_its_type_or_by_its_look(tmp_path: Path) -> None:
    typed = read(tmp_path, "{url}/d?x=1", said(YAML, (("Content-Type", "application/openapi+yaml"),)))
    assert typed == Document(YAML, "application/openapi+yaml")
    assert read(tmp_path, "{url}/d", said(b"{}")).content_type == "application/json"


@pytest.mark.parametrize(
    ("where", "answer"),
    [
        ("/nowhere/at/all", b""),
        ("{url}/d", said(b"", status="404 Not Found")),
        ("{url}/d", said(b"", (("Location", "/other"),), "302 Found")),
        ("{url}/d", b"SSH-2.0\r\n\r\n"),
        ("http://127.0.0.1:1/d", b""),
        ("http://[::1/d", b""),
        ("{url}/d", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (XROAD_OPENAPI_BYTES + 1)),
    ],
    ids=["no file", "404", "redirect", "no HTTP", "nobody", "no address", "too large"],
)
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, where: str, answer: bytes) -> None:
    with pytest.raises(Problem):
        read(tmp_path, where, answer)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(XROAD_OPENAPI_BYTES + 1)
    with pytest.raises(Limit):
        read(tmp_path, str(tmp_path / "large.yaml"))
    with pytest.raises(Unavailable):
        read(tmp_path, str(tmp_path))
