"""The service behind both pairs of bench/exchange.py: answers any request with as many bytes as its path ends in.

    python bench/_exchange_provider.py PORT

Hand-made on uvloop, so that it costs the machine little beside what is measured. Reads bodies away.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
MOST = 16 * 1024 * 1024
BYTES = bytes(range(32, 127)) * (MOST // 95 + 1)


class Service(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self) -> None:
        self.held = b""
        self.left = 0
        self.answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        if self.left:
            self.left -= len(data)
        else:
            self.held += data
            end = self.held.find(b"\r\n\r\n")
            if end < 0:
                return
            head, rest = self.held[: end + 2], len(self.held) - end - 4
            self.held = b""
            found = LENGTH.search(head)
            self.left = (int(found.group(1)) if found else 0) - rest
            path = head[: head.index(b"\r\n")].split(b" ")[1].partition(b"?")[0]
            size = min(MOST, int(path.rpartition(b"/")[2] or 0))
            self.answer = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size
            ) + BYTES[:size]
        if self.left <= 0:
            self.left = 0
            self.transport.write(self.answer)


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Service, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
