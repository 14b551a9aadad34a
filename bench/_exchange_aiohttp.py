"""The pair that bench/exchange.py measures us beside: aiohttp reverse proxies, mTLS between them, nothing signed.

    .venv-peers/bin/python bench/_exchange_aiohttp.py client|provider PORT NEXT_PORT FOLDER

`FOLDER` has a.pem and b.pem, each a certificate and its key. Bodies are streamed; whatever the door of a real gateway
would check is not.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

HOP = {"host", "connection", "transfer-encoding", "content-length", "keep-alive", "te", "trailer", "upgrade"}
PIECE = 256 * 1024


def tls(purpose: ssl.Purpose, folder: Path, own: str, other: str) -> ssl.SSLContext:
    made = ssl.create_default_context(purpose, cafile=str(folder / f"{other}.pem"))
    made.load_cert_chain(folder / f"{own}.pem")
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    return made


async def main(role: str, port: int, next_port: int, folder: Path) -> None:
    onward = tls(ssl.Purpose.SERVER_AUTH, folder, "a", "b") if role == "client" else None
    at_door = tls(ssl.Purpose.CLIENT_AUTH, folder, "b", "a") if role == "provider" else None
    base = f"{'https' if onward else 'http'}://127.0.0.1:{next_port}"
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=onward or False, limit=256), auto_decompress=False
    )

    async def relay(request: web.Request) -> web.StreamResponse:
        sent = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        body = request.content if request.body_exists else None
        if request.content_length:
            sent["Content-Length"] = str(request.content_length)
        async with session.request(
            request.method, base + request.raw_path, headers=sent, data=body, allow_redirects=False
        ) as came:
            kept = {name: value for name, value in came.headers.items() if name.lower() not in HOP}
            if (came.content_length or 0) <= PIECE:
                return web.Response(status=came.status, headers=kept, body=await came.read())
            answer = web.StreamResponse(status=came.status, headers=kept)
            answer.content_length = came.content_length
            await answer.prepare(request)
            async for piece in came.content.iter_chunked(PIECE):
                await answer.write(piece)
            return answer

    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", relay)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=at_door).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
