"""The ECBE door: what osmo-cbc's own client says is done, and nothing that phones would take for a warning."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.craft.notify.cells.test_centre import CLOCK, a_broadcast

from banyan.craft.notify.cells.centre import Centre
from banyan.craft.notify.cells.door import Door
from banyan.craft.notify.cells.model import Stage
from banyan.limits_alerts import ECBE_BYTES
from banyan.wire import cellbroadcast as cb

PATH = "/api/ecbe/v1/message"
SERIAL = {"serial_nr_decoded": {"geo_scope": "plmn_wide", "msg_code": 768, "update_nr": 0}}


def a_message(message_id: int, payload: dict[str, Any], **more: Any) -> bytes:
    """What `cbc-apitool create-cbs` and `create-etws` send."""
    said = {
        "cbe_name": "cbc_apitool",
        "category": "normal",
        "repetition_period": 5,
        "num_of_bcast": 999,
        "scope": {"scope_plmn": {}},
        "smscb_message": {"message_id": message_id, "serial_nr": SERIAL, "payload": payload},
    }
    return json.dumps({**said, **more}).encode()


TEXT = {"payload_decoded": {"character_set": "gsm", "data_utf8": "Mahlzeit!"}}


class Desk:
    """A door and a way to knock on it."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.ordered: set[str] = set()
        secrets = {"tool": sha256(b"s3cret").hexdigest(), "other": sha256(b"0ther").hexdigest()}
        self._door = Door(centre, secrets, may=self.ordered.__contains__)

    async def ask(self, method: str, path: str, body: bytes = b"", app: str = "tool:s3cret") -> tuple[int, Any]:
        headers = [(b"authorization", b"Basic " + b64encode(app.encode()))] if app else []
        parts = [
            {"type": "http.request", "body": body[:9], "more_body": True},
            {"type": "http.request", "body": body[9:]},
        ]
        told: list[Any] = []

        async def receive() -> Any:
            return parts.pop(0)

        async def send(message: Any) -> None:
            told.append(message)

        await self._door({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
        return told[0]["status"], json.loads(told[1]["body"])


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def whole(test: Any) -> None:
        async def inside() -> None:
            centre = Centre(tmp_path, (), clock=CLOCK)
            try:
                await test(Desk(centre))
            finally:
                await centre.close()

        asyncio.run(inside())

    return whole


def test_a_test_message_is_made_and_deleted(run: Any) -> None:
    async def test(desk: Desk) -> None:
        assert (await desk.ask("POST", PATH, a_message(4380, TEXT)))[0] == 201
        (status,) = desk.centre.on_air()
        sent = status.broadcast
        assert (sent.serial, sent.period, sent.count, sent.cells) == (0x7000, 5, 999, None)
        assert cb.decode(sent.dcs, sent.pages).text == "Mahlzeit!"
        assert (await desk.ask("DELETE", f"{PATH}/4380", app="other:0ther"))[0] == 404
        assert (await desk.ask("DELETE", f"{PATH}/4380"))[0] == 200
        assert not desk.centre.on_air()

    run(test)


def test_a_warning_needs_an_order(run: Any) -> None:
    async def test(desk: Desk) -> None:
        for warning in (4370, 4371, 4383, 911, 919, 4352, 50):
            status, told = await desk.ask("POST", PATH, a_message(warning, TEXT))
            assert (status, "alerts desk" in told["remedy"]) == (403, True)
        assert not desk.centre.on_air()
        desk.ordered.add("tool")
        assert (await desk.ask("POST", PATH, a_message(4370, TEXT)))[0] == 201

    run(test)


def test_a_released_warning_cannot_be_taken_off(run: Any) -> None:
    async def test(desk: Desk) -> None:
        await desk.centre.write_replace(a_broadcast())
        assert (await desk.ask("DELETE", f"{PATH}/4370"))[0] == 404
        assert desk.centre.on_air()[0].stage is Stage.SENDING

    run(test)


@pytest.mark.parametrize("app", ["", "tool:wrong", "nobody:s3cret", "tool", ":"])
def test_who_is_not_known_is_refused(run: Any, app: str) -> None:
    async def test(desk: Desk) -> None:
        for method, path in (("POST", PATH), ("DELETE", f"{PATH}/4380")):
            assert (await desk.ask(method, path, a_message(4380, TEXT), app=app))[0] == 401
        assert not desk.centre.on_air()

    run(test)


def test_all_its_payloads(run: Any) -> None:
    async def test(desk: Desk) -> None:
        etws = {
            "warning_type": {"warning_type_decoded": "test"},
            "emergency_user_alert": True,
            "popup_on_display": True,
        }
        assert (await desk.ask("POST", PATH, a_message(0x1103, {"payload_etws": etws})))[0] == 201
        encoded = {"payload_encoded": {"dcs": 0x48, "pages": ["57309707"]}}
        assert (await desk.ask("POST", PATH, a_message(4382, encoded)))[0] == 201
        chinese = {"payload_decoded": {"character_set": "ucs2", "language": "zh", "data_utf8": "測試"}}
        assert (await desk.ask("POST", PATH, a_message(4393, chinese, cbe_name="x")))[0] == 201
        first, second, third = (one.broadcast for one in desk.centre.on_air())
        assert first.warning_type == 0x0780
        assert cb.decode(second.dcs, second.pages).text == "地震"
        assert cb.decode(third.dcs, third.pages) == cb.Decoded("測試", "zh")

    run(test)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 5_000, 400),
        (b"\xff", 400),
        (b" " * (ECBE_BYTES + 1), 413),
        (a_message(4380, {}), 422),
        (a_message(4380, {**TEXT, "payload_encoded": {"dcs": 0, "pages": ["00"]}}), 422),
        (a_message(4380, {"payload_decoded": {"character_set": "gsm", "data_utf8": "測試"}}), 422),
        (a_message(4380, {"payload_decoded": {"data_utf8": ""}}), 422),
        (a_message(4380, {"payload_encoded": {"dcs": 0, "pages": ["zz"]}}), 422),
        (a_message(4380, {"payload_encoded": {"dcs": 0, "pages": ["00" * 83]}}), 422),
        (a_message(0x1103, {"payload_etws": {"warning_type": {"warning_type_decoded": "tsunami"}}}), 422),
        (a_message(4380, TEXT, repetition_period=0), 400),
        (a_message(4380, TEXT, scope={}), 400),
    ],
)
def test_what_is_wrong_is_refused(run: Any, body: bytes, status: int) -> None:
    async def test(desk: Desk) -> None:
        assert (await desk.ask("POST", PATH, body))[0] == status
        assert not desk.centre.on_air()

    run(test)


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("DELETE", PATH), ("DELETE", PATH + "/x"), ("POST", "/")])
def test_there_is_nothing_else(run: Any, method: str, path: str) -> None:
    async def test(desk: Desk) -> None:
        assert (await desk.ask(method, path))[0] == 404

    run(test)
