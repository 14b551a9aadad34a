"""A hospital's own web server with TLS, which answers its JWK Set as a test says: for the house's real way out."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Hospital:
    """`body`, `status` and `location` are what is answered; `asked` counts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked = 0
        self.status = 200
        self.location = ""
        self.body = b""

    def publish(self, keys: Sequence[dict[str, Any]]) -> None:
        self.body = json.dumps({"keys": list(keys)}).encode()


def certificate(folder: Path) -> Path:
    """Of 127.0.0.1, with its key, signed by itself: the file is also what a client is to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ehr.h1.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "hospital.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


@contextmanager
def a_hospital(pem: Path) -> Iterator[Hospital]:
    """On a free port of the loopback, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hospital.asked += 1
            self.send_response(hospital.status)
            if hospital.location:
                self.send_header("Location", hospital.location)
            self.send_header("Content-Length", str(len(hospital.body)))
            self.end_headers()
            self.wfile.write(hospital.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    hospital = Hospital(f"https://127.0.0.1:{server.server_port}/jwks")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hospital
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
