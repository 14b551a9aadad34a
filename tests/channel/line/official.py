"""Run in .venv-peers: LINE's own SDK as judge of our messages, as reader of webhooks, and as the LINE server.

official.py check          reply bodies, one JSON a line on stdin -> one fault or "" a line
official.py parse SECRET   {"body", "signature"} a line -> the kinds of events, or the error
official.py serve TOKEN [STATUS..]   a strict LINE: prints its port, then one line for each request it had
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from linebot.v3.messaging import ReplyMessageRequest
from linebot.v3.webhook import SignatureValidator, WebhookParser


def fault_of(body: object) -> str:
    """What the SDK's models have against a reply; a field they do not know is lost on the way back."""
    try:
        back = ReplyMessageRequest.from_dict(body).to_dict()
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


def say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class Line(BaseHTTPRequestHandler):
    """POST /v2/bot/message/reply as LINE takes it: bearer token, known fields, each reply token once."""

    token = ""
    statuses: ClassVar[list[int]] = []
    used: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        status, answer, body = self.judged(raw)
        say({"status": status, "answer": answer, "body": body})
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


def main() -> None:
    verb, *words = sys.argv[1:]
    if verb == "serve":
        Line.token, Line.statuses = words[0], [int(status) for status in words[1:]]
        with ThreadingHTTPServer(("127.0.0.1", 0), Line) as server:
            say(server.server_port)
            server.serve_forever()
    for text in sys.stdin:
        said = json.loads(text)
        say(fault_of(said) if verb == "check" else parsed(words[0], said))


main()
