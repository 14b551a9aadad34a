"""`./banyan cap`: what is wrong with an alert and the fix, and whether its sender signed it; exit code 2 when not."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.make import shared_data

from banyan.cli import main


def test_check_names_what_is_wrong_and_ends_with_two(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = shared_data("alerts/cap/taiwan.cap"), shared_data("alerts/cap/canada_errors.cap")
    assert main(["cap", "check", str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: CAP 1.2: valid\n"
    assert main(["cap", "check", str(good), str(bad), str(shared_data("alerts/cap/xee.cap"))]) == 2
    said = capsys.readouterr().out
    assert f"{bad}: CAP 1.2: invalid\n  error references-missing alert/references: name in <references>" in said
    assert "xee.cap: CAP none: no valid structure\n  error doctype document:" in said
    assert main(["cap", "check", str(tmp_path / "none.cap")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_verify_asks_the_register_not_the_message(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    alert = shared_data("alerts/cap/canada_signed.cap")
    index = []
    for name in ("naads", "environment_canada"):
        pem = shared_data(f"alerts/signed/{name}_x509_cert.pem")
        (tmp_path / pem.name).write_bytes(pem.read_bytes())
        index.append(f'[[sender]]\nsender = "cap-pac@ec.gc.ca"\ncertificate = "{pem.name}"\nsha1 = true\n')
    (tmp_path / "senders.toml").write_text("".join(index))
    assert main(["cap", "verify", str(alert), "--register", str(tmp_path)]) == 0
    assert re.findall(r": (\S+): signed by", capsys.readouterr().out) == ["good", "good"]
    changed = tmp_path / "changed.cap"
    changed.write_bytes(alert.read_bytes().replace(b"snowfall", b"sunshine"))
    assert main(["cap", "verify", str(changed), "--register", str(tmp_path)]) == 2
    assert ": digest: the alert was changed after it was signed" in capsys.readouterr().out
    assert main(["cap", "verify", str(alert), "--register", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err


PAGES: dict[str, bytes] = {}


class _Served(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PAGES.get(self.path)
        self.send_response(404 if body is None else 302 if body == b"away" else 200)
        if body == b"away":
            self.send_header("Location", "/one.cap")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Served)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_follow_fetches_a_feed_and_judges_each_alert(capsys: pytest.CaptureFixture[str], web: str) -> None:
    links = "".join(
        f"<entry><id>{name}</id><title>t</title><updated>u</updated><link href='{web}/{name}.cap'/></entry>"
        for name in ("one", "two", "three", "four")
    )
    head = "<id>f</id><title>t</title><updated>u</updated>"
    PAGES["/feed"] = f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{links}</feed>'.encode()
    PAGES["/one.cap"] = shared_data("alerts/cap/taiwan.cap").read_bytes()
    PAGES["/two.cap"] = shared_data("alerts/cap/canada_errors.cap").read_bytes()
    PAGES["/three.cap"] = b"away"
    assert main(["cap", "follow", f"{web}/feed"]) == 0
    said = capsys.readouterr().out
    assert "one: valid, no-signature: 水庫洩洪" in said
    assert "two: invalid (references-missing), no-signature: thunderstorm" in said
    assert f"{web}/three.cap: it answered 302" in said
    assert f"{web}/four.cap: it answered 404" in said
    assert main(["cap", "follow", f"{web}/nothing"]) == 2
    assert main(["cap", "follow", "ftp://example.org/feed"]) == 2
