"""The two pairs of bench/exchange.py as running processes, with the service behind both: started, watched, stopped."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[1]
PATH = "/r1/TW/GOV/provider/files/bytes"
PORTS = (20_000, 32_000)
STACKS = {"ours": ".venv", "gated": ".venv", "aiohttp": ".venv-peers"}


def free_port() -> int:
    """Below those that the system gives to clients: one of theirs may be gone before it is listened at."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def make_identity(path: Path) -> None:
    """A self-signed certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.stem)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))


class Process:
    """One process of a stage; what it says goes to a file, shown when it ends too early."""

    def __init__(self, environment: str, *arguments: str, source: Path = ROOT / "src") -> None:
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self.process = subprocess.Popen(
            [str(ROOT / environment / "bin/python"), *arguments],
            env=os.environ | {"PYTHONPATH": f"{source}:{ROOT}"},
            cwd=ROOT,
            stdout=self.said,
            stderr=self.said,
        )
        self._watched = psutil.Process(self.process.pid)

    def cpu_s(self) -> float:
        used = self._watched.cpu_times()
        return used.user + used.system

    def rss_mb(self) -> float:
        return self._watched.memory_info().rss / 2**20

    def words(self) -> str:
        self.said.seek(0)
        return self.said.read()[-2000:].decode("utf-8", "replace")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.said.close()


class Pair:
    """A client's gateway and a provider's, of one stack, before the service at `service_port`. `source`: of ours."""

    def __init__(self, stack: str, folder: Path, service_port: int, members: int, source: Path = ROOT / "src") -> None:
        self.stack, self.members = stack, members
        self.edge_port, ports = free_port(), (free_port(), free_port())
        environment, script = STACKS[stack], str(ROOT / f"bench/_exchange_{stack}.py")
        if stack != "aiohttp":
            own = folder / f"members-{members}"
            own.mkdir()
            for name in "ab":
                make_identity(own / f"{name}.pem")
            rest = [str(self.edge_port), str(service_port), str(members)]
            there, here = str(ports[1]), str(ports[0])
            self.provider = Process(environment, script, "provider", str(own), there, here, *rest, source=source)
            self.client = Process(environment, script, "client", str(own), here, there, *rest, source=source)
        else:
            for name in "ab":
                make_identity(folder / f"{name}.pem")
            self.provider = Process(environment, script, "provider", str(ports[1]), str(service_port), str(folder))
            self.client = Process(environment, script, "client", str(self.edge_port), str(ports[1]), str(folder))

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            try:
                assert len(self.ask(1024)) == 1024
            except (OSError, urllib.error.URLError) as error:
                for process in (self.client, self.provider):
                    if process.process.poll() is not None or time.monotonic() > until:
                        raise RuntimeError(f"{self.stack} does not answer: {error}: {process.words()}") from None
                time.sleep(0.1)
            else:
                return

    def ask(self, size: int) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.edge_port}{PATH}/{size}", headers={"X-Road-Client": "TW/GOV/c0/desk"}
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            said: bytes = reply.read()
            return said

    def cpu_s(self) -> tuple[float, float]:
        return self.client.cpu_s(), self.provider.cpu_s()

    def stop(self) -> None:
        self.client.stop()
        self.provider.stop()
