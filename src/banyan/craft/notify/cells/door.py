"""The ECBE door as an ASGI application, for `cbc-apitool` and its like. Nothing opens it by itself.

Who mounts it lends it the centre and its apps, and serves it on the loopback only. Every request carries HTTP Basic
credentials (`cbc-apitool -H app:secret@127.0.0.1`); secrets are held as SHA-256 and compared in constant time. An app
writes tests, exercises and operators' messages, and takes only its own off the air: it cannot touch a released warning.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from hashlib import sha256
from typing import Any

import msgspec

from banyan.craft.notify.cells import ecbe
from banyan.craft.notify.cells.model import CellBroadcaster
from banyan.errors import Denied, Limit, NotFound, Problem
from banyan.limits_alerts import ECBE_BYTES

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


class Door:
    """`apps` are names to SHA-256 of their secrets (hexadecimal); `may(app)`: an order in force lets it warn."""

    def __init__(
        self, centre: CellBroadcaster, apps: Mapping[str, str], *, may: Callable[[str], bool] = lambda app: False
    ) -> None:
        self._centre = centre
        self._apps = dict(apps)
        self._may = may

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        try:
            status, told = await self._answer(scope, receive)
        except Problem as problem:
            status, told = problem.status, {"error": problem.title, "remedy": problem.remedy}
        body = msgspec.json.encode(told)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status == 401:
            headers.append((b"www-authenticate", b'Basic realm="ecbe"'))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: _Message, receive: _Receive) -> tuple[int, dict[str, object]]:
        app = self._app(dict(scope["headers"]).get(b"authorization", b""))
        method, path = scope["method"], scope["path"]
        if method == "POST" and path == ecbe.PATH:
            return await self._create(app, await _body(receive))
        name = path.removeprefix(ecbe.PATH + "/")
        if method == "DELETE" and name != path and name.isascii() and name.isdecimal() and len(name) <= 5:
            return await self._delete(app, int(name))
        raise NotFound("There is only POST /api/ecbe/v1/message and DELETE /api/ecbe/v1/message/:id.")

    async def _create(self, app: str, body: bytes) -> tuple[int, dict[str, object]]:
        broadcast = ecbe.parse(body, app, may=self._may(app))
        status = await self._centre.write_replace(broadcast)
        return 201, {"message_id": broadcast.message_id, "serial_nr": broadcast.serial, "stage": status.stage.value}

    async def _delete(self, app: str, message_id: int) -> tuple[int, dict[str, object]]:
        own = [
            one.broadcast
            for one in self._centre.on_air()
            if one.broadcast.message_id == message_id and ecbe.is_of(one.broadcast, app)
        ]
        if not own:
            raise NotFound(f"Nothing of yours with message identifier {message_id} is on the air.")
        for broadcast in own:
            await self._centre.kill(broadcast.message_id, broadcast.serial)
        return 200, {"message_id": message_id, "killed": len(own)}

    def _app(self, header: bytes) -> str:
        kind, _, given = header.partition(b" ")
        try:
            name, _, secret = b64decode(given, validate=True).partition(b":")
        except binascii.Error:
            name, secret = b"", b""
        app = name.decode("utf-8", "replace")
        held = self._apps.get(app, "")
        is_right = hmac.compare_digest(sha256(secret).hexdigest().encode(), held.encode())
        if kind.lower() != b"basic" or not held or not is_right:
            raise Denied("The app is not known here, or its secret is wrong.", status=401)
        return app


async def _body(receive: _Receive) -> bytes:
    body: bytes = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if len(body) > ECBE_BYTES:
            raise Limit(f"A message is at most {ECBE_BYTES} bytes.")
        if part["type"] == "http.disconnect" or not part.get("more_body", False):
            return bytes(body)
