"""Server-sent events. Source: WHATWG HTML 9.2 (event stream format)."""

from __future__ import annotations

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": \n\n"


def encode(data: bytes, *, event: str = "", event_id: str = "") -> bytes:
    """One event. `data` may hold line breaks; `event` and `event_id` may not."""
    assert not set(event + event_id) & {"\r", "\n", "\x00"}, "an event's name and id have one line"
    lines = []
    if event_id:
        lines.append(b"id: " + event_id.encode())
    if event:
        lines.append(b"event: " + event.encode())
    lines.extend(b"data: " + line for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    return b"\n".join(lines) + b"\n\n"


def retry(delay_ms: int) -> bytes:
    """How long a reader waits before it comes back."""
    return b"retry: %d\n\n" % delay_ms
