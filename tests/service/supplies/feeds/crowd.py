"""Many readers of the stream in one process of their own: raw sockets, one selector, no HTTP library.

`python -m tests.service.supplies.feeds.crowd PORT CLIENTS AFTER UNTIL LEAVERS` prints `ready`, then one JSON object
when every client has seen number UNTIL or 60 s went by. LEAVERS of them hang up after their second event and come back
with Last-Event-ID; the others begin after number AFTER.
"""

from __future__ import annotations

import json
import resource
import selectors
import socket
import sys
import time
from collections import Counter

LIMIT_S = 60.0


class Client:
    """One reader: what came of its answer's body, and the events in it."""

    def __init__(self, port: int, after: int, *, leaves: bool) -> None:
        self.port, self.after, self.leaves = port, after, leaves
        self.events: list[bytes] = []
        self.last = ""
        self.bytes = 0
        self.open()

    def open(self) -> None:
        self.left = b""
        self.is_headed = False
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        resume = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
        query = "" if self.last else f"?after={self.after}"
        head = f"GET /api/supplies/stream{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{resume}\r\n"
        self.socket.sendall(head.encode())
        self.socket.setblocking(False)

    def read(self) -> bool:
        """Take what is there; False when the server hung up."""
        data = self.socket.recv(1 << 20)
        self.bytes += len(data)
        self.left += data
        if not self.is_headed:
            head, found, self.left = self.left.partition(b"\r\n\r\n")
            assert found, "the head comes whole"
            assert head.startswith(b"HTTP/1.1 200"), head
            self.is_headed = True
        self._take()
        return bool(data)

    def _take(self) -> None:
        """Chunks of HTTP/1.1 (RFC 9112 s7.1); the server sends one event in one chunk."""
        while True:
            size, found, rest = self.left.partition(b"\r\n")
            length = int(size, 16) if found else 0
            if not length or len(rest) < length + 2:
                return
            chunk, self.left = rest[:length], rest[length + 2 :]
            if chunk.startswith(b"id: "):
                self.events.append(chunk)
                self.last = chunk[4 : chunk.index(b"\n")].decode()


def main(port: int, clients: int, after: int, until: int, leavers: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, clients + 200), hard))
    ready = selectors.DefaultSelector()
    crowd = [Client(port, after, leaves=place < leavers) for place in range(clients)]
    for client in crowd:
        ready.register(client.socket, selectors.EVENT_READ, client)
    say("ready")
    left, end = clients, time.monotonic() + LIMIT_S
    while left and time.monotonic() < end:
        for key, _ in ready.select(1.0):
            client: Client = key.data
            client.read()
            if client.leaves and len(client.events) >= 2:
                client.leaves = False
                ready.unregister(client.socket)
                client.socket.close()
                client.open()
                ready.register(client.socket, selectors.EVENT_READ, client)
            elif client.last == str(until):
                ready.unregister(client.socket)
                left -= 1
    said = {event: place for place, event in enumerate(dict.fromkeys(e for one in crowd for e in one.events))}
    paths = Counter(tuple(said[event] for event in one.events) for one in crowd)
    result = {
        "late": left,
        "bytes": sum(one.bytes for one in crowd),
        "events": [event.decode() for event in said],
        "paths": [[list(path), count] for path, count in paths.items()],
    }
    say(json.dumps(result))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:6]))
