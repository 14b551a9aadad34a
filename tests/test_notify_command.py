"""The operator sees how campaigns go and stops one, on this machine; the passwords of binds are kept well."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.craft.notify.tools import an_outbox, some

from banyan.cli import main
from banyan.craft.notify.line import Figures
from banyan.errors import Invalid, Unavailable
from banyan.noticing import bind_of
from banyan.notify_command import status_text
from banyan.settings import SmsBind
from banyan.sms_control import SOCKET, Order, Told, asked, listening, obeyed

BIND = SmsBind(name="one", host="127.0.0.1", port=2775, system_id="banyan")


def test_status_and_stop_reach_the_running_node(tmp_path: Path) -> None:
    async def ask() -> tuple[Told, Told, Told, int]:
        async with an_outbox(tmp_path) as outbox:
            await outbox.accept(some("trace/1", range(40)))
            async with listening(tmp_path / "sms", outbox, lambda: [Figures("one", is_bound=True)]):
                mode = (tmp_path / "sms" / SOCKET).stat().st_mode & 0o777
                status = await asked(tmp_path, Order("status"))
                stopped = await asked(tmp_path, Order("stop", "trace/1"))
                none = await asked(tmp_path, Order("stop", "trace/2"))
                return status, stopped, none, mode

    status, stopped, none, mode = asyncio.run(ask())
    assert "trace/1 (bulk): 0 of 40" in status_text(status)
    assert "bind one: bound" in status_text(status)
    assert "+8869" not in status_text(status)
    assert (stopped.stopped, none.stopped, mode) == (40, None, 0o600)
    assert not (tmp_path / "sms" / SOCKET).exists()


@pytest.mark.parametrize("line", [b"", b"{}", b"\xff\n", b'{"verb": "delete"}', b"[" * 60_000])
def test_what_is_no_order_is_none(line: bytes, tmp_path: Path) -> None:
    async def ask() -> Told:
        async with an_outbox(tmp_path) as outbox:
            return await obeyed(line, outbox, list)

    assert asyncio.run(ask()).fault


def test_without_a_node_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(asked(tmp_path, Order("status")))
    assert main(["notify", "stop", "trace/1", "--data", str(tmp_path)]) == 2
    assert "no node that sends SMS" in capsys.readouterr().err


def test_a_password_comes_from_the_environment_or_a_closed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Invalid, match="BANYAN_SMS_ONE is not set"):
        bind_of(BIND)
    monkeypatch.setenv("BANYAN_SMS_ONE", "secret")
    assert bind_of(BIND).account.password == "secret"
    assert "secret" not in repr(bind_of(BIND))
    monkeypatch.delenv("BANYAN_SMS_ONE")
    kept = tmp_path / "password"
    kept.write_text("closed\n")
    kept.chmod(0o644)
    filed = SmsBind(name="one", host="127.0.0.1", port=2775, system_id="banyan", password_file=str(kept))
    with pytest.raises(Invalid, match="others may read"):
        bind_of(filed)
    kept.chmod(0o600)
    assert bind_of(filed).account.password == "closed"
