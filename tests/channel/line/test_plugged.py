"""The LINE channel in a whole node: off unless it is turned on, and its secrets are in the environment only."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.channel.line.desk import CHANNEL_SECRET, TOKEN, webhook
from tests.make import Client

from banyan.errors import Invalid
from banyan.node import open_node
from banyan.settings import LINE_SECRETS, Line, Settings
from banyan.wire.line import signature

SERVICES = ("banyan.service.supplies.parts:SERVICE",)


def ping(folder: Path, line: Line) -> int:
    async def run() -> int:
        async with open_node(folder, Settings(services=SERVICES, line=line)) as node:
            sign = signature(CHANNEL_SECRET.encode(), webhook())
            reply = await Client(node.app).post("/line/webhook", body=webhook(), headers={"X-Line-Signature": sign})
            return reply.status

    return asyncio.run(run())


def test_it_is_off_by_default(tmp_path: Path) -> None:
    assert ping(tmp_path, Line()) == 404


def test_turned_on_it_answers_and_keeps_no_secret_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LINE_SECRETS[0], CHANNEL_SECRET)
    monkeypatch.setenv(LINE_SECRETS[1], TOKEN)
    assert ping(tmp_path, Line(enabled=True)) == 200
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CHANNEL_SECRET.encode() not in stored
    assert TOKEN.encode() not in stored


@pytest.mark.parametrize("present", [(), LINE_SECRETS[:1], LINE_SECRETS[1:]])
def test_a_missing_secret_stops_the_start_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...]
) -> None:
    for name in LINE_SECRETS:
        monkeypatch.delenv(name, raising=False)
    for name in present:
        monkeypatch.setenv(name, "x")
    missing = next(name for name in LINE_SECRETS if name not in present)
    with pytest.raises(Invalid, match=missing):
        ping(tmp_path, Line(enabled=True))
