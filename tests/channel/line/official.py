"""Run in .venv-peers: LINE's own SDK as judge of our messages, as reader of webhooks, and as the LINE server.

`official.py SECRET TOKEN` answers one JSON line for each on stdin:
    {"verb": "check", "body"}                -> what the SDK's models have against a reply or broadcast, or ""
    {"verb": "parse", "body", "signature"}   -> whether it is validly signed, and the kinds of its events
    {"verb": "serve", "statuses"}            -> the port of a strict LINE, which first answers these statuses
    {"verb": "deliver", "url", "latitude", "longitude", "id", "token"}   -> the status of our webhook
    {"verb": "requests"}                     -> what that LINE was asked since
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from linebot.v3.messaging import BroadcastRequest, PushMessageRequest, ReplyMessageRequest
from linebot.v3.webhook import SignatureValidator, WebhookParser
from linebot.v3.webhooks import (
    CallbackRequest,
    DeliveryContext,
    EventMode,
    LocationMessageContent,
    MessageEvent,
    UserSource,
)


def fault_of(body: dict[str, object]) -> str:
    """What the SDK's models have against a reply, push or broadcast; a field they do not know is lost as it returns."""
    asked = PushMessageRequest if "to" in body else BroadcastRequest
    model = ReplyMessageRequest if "replyToken" in body else asked
    try:
        back = model.from_dict(body).to_dict()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "" if back == body else f"differs: {json.dumps(back, ensure_ascii=False)[:2000]}"


def parsed(secret: str, said: dict[str, str]) -> dict[str, object]:
    agrees = SignatureValidator(secret).validate(said["body"], said["signature"])
    try:
        events = WebhookParser(secret).parse(said["body"], said["signature"])
    except Exception as error:
        return {"valid": agrees, "error": type(error).__name__}
    kinds = [type(event).__name__ + ":" + type(getattr(event, "message", None)).__name__ for event in events]
    return {"valid": agrees, "kinds": kinds}


def delivered(secret: str, url: str, place: dict[str, object]) -> int:
    """A location as LINE's own classes write it, signed, and seen valid by the SDK before it is posted to us."""
    content = LocationMessageContent(id="1", latitude=place["latitude"], longitude=place["longitude"], address="x")
    event = MessageEvent(
        timestamp=int(time.time() * 1000),
        mode=EventMode.ACTIVE,
        webhook_event_id=place["id"],
        delivery_context=DeliveryContext(is_redelivery=False),
        source=UserSource(user_id="U" + "a" * 32),
        reply_token=place["token"],
        message=content,
    )
    body = CallbackRequest(destination="U" + "b" * 32, events=[event]).to_json()
    digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
    sign = base64.b64encode(digest).decode()
    assert WebhookParser(secret).parse(body, sign)[0].message.latitude == place["latitude"]
    headers = {"X-Line-Signature": sign, "Content-Type": "application/json", "User-Agent": "LineBotWebhook/2.0"}
    asked = urllib.request.Request(url, data=body.encode(), headers=headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return int(answer.status)


class Line(BaseHTTPRequestHandler):
    """POST /v2/bot/message/reply as LINE takes it: bearer token, known fields, each reply token once."""

    token = ""
    statuses: ClassVar[list[int]] = []
    used: ClassVar[set[str]] = set()
    requests: ClassVar[list[dict[str, object]]] = []

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        status, answer, body = self.judged(raw)
        self.requests.append({"status": status, "answer": answer, "body": body})
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def judged(self, raw: bytes) -> tuple[int, dict[str, object], object]:
        body = json.loads(raw)
        if self.statuses:
            return self.statuses.pop(0), {"message": "not now"}, body
        if self.path != "/v2/bot/message/reply" or self.headers["content-type"] != "application/json":
            return 404, {"message": "Not found"}, body
        if self.headers["authorization"] != f"Bearer {self.token}":
            return 401, {"message": "Authentication failed"}, body
        if fault := fault_of(body):
            return 400, {"message": fault}, body
        if body["replyToken"] in self.used:
            return 400, {"message": "Invalid reply token"}, body
        self.used.add(body["replyToken"])
        return 200, {"sentMessages": [{"id": str(number)} for number, _ in enumerate(body["messages"])]}, body

    def log_message(self, format: str, *args: object) -> None:
        return


def answered(said: dict[str, object], secret: str) -> object:
    match said.pop("verb"):
        case "check":
            return fault_of(said["body"])
        case "parse":
            return parsed(secret, said)
        case "deliver":
            return delivered(secret, said.pop("url"), said)
        case "requests":
            return Line.requests
    Line.statuses.extend(said["statuses"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Line)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def main(secret: str, token: str) -> None:
    Line.token = token
    for text in sys.stdin:
        sys.stdout.write(json.dumps(answered(json.loads(text), secret)) + "\n")
        sys.stdout.flush()


main(*sys.argv[1:])
