"""Witnesses on loopback: ours over HTTP, aics-witness as a process, and those that do it wrong."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import urllib3

from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.witness import Answer, add_checkpoint
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.wire.tlog.checkpoint import verifier_of

ROOT = Path(__file__).parents[3]
PROOF = ROOT / ".venv-proof/bin"
Respond = Callable[[bytes], Answer | None]
"""A body in, an answer out; None: never answer."""


@contextmanager
def a_server(respond: Respond) -> Iterator[str]:
    """An HTTP server of `POST /add-checkpoint` that answers by `respond`; gives its address."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = respond(body) if self.path == "/add-checkpoint" else Answer(404, "")
            if answer is None:
                over.wait(30)
                return
            told = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hung up is what some tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def witness_keys(number: int = 1) -> LedgerKeys:
    seed = bytes([100 + number]) * 32
    return LedgerKeys(f"agency{number}.example", ed25519=seed, ml_dsa_44=seed, witness=seed)


@contextmanager
def our_witness(
    folder: Path, keys: LedgerKeys, vkeys: Mapping[str, Sequence[str]], clock: Callable[[], float]
) -> Iterator[str]:
    """Our own witness of the logs in `vkeys` by origin."""
    folder.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(folder / "witness.db")
    migrate(store, "banyan.kernel.ledger", load_steps("banyan.kernel.ledger"), at=0.0)
    logs = {origin: [verifier_of(one) for one in keys_of] for origin, keys_of in vkeys.items()}
    try:
        with a_server(lambda body: asyncio.run(add_checkpoint(store, keys, logs, body, int(clock())))) as url:
            yield url
    finally:
        store.shut()


def make_aics_witness(folder: Path, origin: str, vkey: str) -> str:
    """Make an aics-witness that trusts a log; its vkey."""
    folder.mkdir()
    said = _aics(folder, "init", "--name", "witness.aics.example/w1")
    _aics(folder, "add-log", "--origin", origin, "--vkey", vkey)
    return next(word for word in said.split() if word.startswith("witness.aics.example/w1+"))


@contextmanager
def aics_serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The witness process, once it answers; killed at the end."""
    command = [PROOF / "aics-witness", "serve", "-c", folder / "witness.json", "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with urllib3.PoolManager() as pool:
            patience = urllib3.Retry(total=None, connect=60, backoff_factor=0.05, backoff_max=0.2)
            pool.request("GET", f"http://127.0.0.1:{port}/", retries=patience)
        yield process
    finally:
        process.kill()
        process.wait()


def _aics(folder: Path, *words: str) -> str:
    command = [PROOF / "aics-witness", words[0], "-c", folder / "witness.json", *words[1:]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
