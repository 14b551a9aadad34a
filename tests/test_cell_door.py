"""osmo-cbc's door over HTTP: not there unless an app is named, only for who has its secret, and never for a warning."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
import urllib3
from tests.make import NOW

from banyan.cell_door import open_door, secret_of
from banyan.craft.notify.cells.centre import Centre
from banyan.errors import Invalid, Unavailable
from banyan.settings import CellApp

SECRET = "a-secret-of-the-tool"
TOOL = CellApp("tool")
PATH = "/api/ecbe/v1/message"


def message(message_id: int) -> bytes:
    """As cbc-apitool writes it."""
    return msgspec.json.encode(
        {
            "cbe_name": "tool",
            "category": "normal",
            "repetition_period": 1,
            "num_of_bcast": 2,
            "scope": {"scope_plmn": {}},
            "smscb_message": {
                "serial_nr": {"serial_nr_decoded": {"geo_scope": "plmn_wide", "msg_code": 1, "update_nr": 0}},
                "message_id": message_id,
                "payload": {"payload_decoded": {"character_set": "gsm", "data_utf8": "Mahlzeit!"}},
            },
        }
    )


def test_an_app_writes_a_test_over_http_takes_it_off_again_and_may_not_warn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANYAN_CELLS_TOOL", SECRET)

    async def story() -> None:
        async with AsyncExitStack() as stack:
            centre = Centre(tmp_path, (), clock=lambda: NOW)
            stack.push_async_callback(centre.close)
            assert await open_door(stack, centre, (), 0) == 0
            port = await open_door(stack, centre, (TOOL,), 0)
            pool = urllib3.PoolManager(retries=False, timeout=10)

            async def ask(method: str, path: str, body: bytes = b"", secret: str = SECRET) -> tuple[int, bytes]:
                headers = urllib3.make_headers(basic_auth=f"tool:{secret}")
                reply = await asyncio.to_thread(
                    pool.request, method, f"http://127.0.0.1:{port}{path}", body=body, headers=headers
                )
                return reply.status, reply.data

            assert (await ask("POST", PATH, message(4_380), secret="wrong"))[0] == 401
            assert (await ask("POST", PATH, message(4_370)))[0] == 403
            assert (await ask("POST", PATH, b"x" * 20_000))[0] == 413
            assert centre.on_air() == ()
            assert (await ask("POST", PATH, message(4_380)))[0] == 201
            assert [one.broadcast.message_id for one in centre.on_air()] == [4_380]
            assert (await ask("DELETE", f"{PATH}/4380"))[0] == 200
            with pytest.raises(Unavailable, match="cannot be listened on"):
                await open_door(stack, centre, (TOOL,), port)
            pool.clear()

    asyncio.run(story())


def test_a_door_needs_secrets_that_nobody_else_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BANYAN_CELLS_TOOL", raising=False)
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o644)
    named = msgspec.structs.replace(TOOL, secret_file=str(path))
    with pytest.raises(Invalid, match="others may read"):
        secret_of(named)
    path.chmod(0o600)
    assert secret_of(named) == SECRET
    path.write_text("short")
    for app in (named, TOOL):
        with pytest.raises(Invalid, match="no secret of at least 16"):
            secret_of(app)
    with pytest.raises(Invalid, match="cannot be read"):
        secret_of(msgspec.structs.replace(TOOL, secret_file=str(tmp_path / "none")))
