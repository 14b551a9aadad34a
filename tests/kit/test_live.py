"""The kit as a person runs it: against a live node, over HTTP, from the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.kit.gallery import WRONG, page, rows
from tests.kit.live import fill
from tests.make import live_node

from banyan.cli import main
from banyan.service.supplies.parts import SERVICE


@contextmanager
def stocked(folder: Path) -> Iterator[str]:
    """A live node whose journal holds the small board."""
    fill(folder / "supplies")
    with live_node(folder, [SERVICE]) as (url, _):
        yield url


@contextmanager
def an_app(content: bytes, *, status: int = 200, location: str = "") -> Iterator[str]:
    """A third party's page on loopback; it stays as old as it is, so its numbers say so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def marked() -> bytes:
    """The right page; the numbers are of 2020, and it says that they are old."""
    return page([{**row, "text": row["text"] + "（多年前的數字，不是最新）"} for row in rows()])


def test_exit_codes_and_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with stocked(tmp_path) as node:
        with an_app(marked()) as app:
            assert main(["kit", "check", app, "--reference", node]) == 0
            assert f"Conforms: {app}" in capsys.readouterr().out
        wrong = WRONG["codes that lost their zeros"][1][0]
        with an_app(wrong) as app:
            assert main(["kit", "check", app, "--reference", node, "--json", "--sample", "3"]) == 1
            report = json.loads(capsys.readouterr().out)
            failed = {rule["id"] for rule in report["rules"] if rule["result"] == "fail"}
            assert "code-as-text" in failed
            assert sum(count > 0 for count in report["cases"].values()) >= 1
        with an_app(b"", status=404) as app:
            assert main(["kit", "check", app, "--reference", node]) == 2
        assert "answered 404" in capsys.readouterr().err
        with an_app(b"", status=302, location=f"{node}/api/supplies/stock.geojson") as app:
            assert main(["kit", "check", app, "--reference", node]) == 0
        with an_app(b"", status=302, location="/") as app:
            assert main(["kit", "check", app, "--reference", node]) == 2
        assert "redirected over" in capsys.readouterr().err
        for path in ("/api/supplies/pack", "/api/supplies/official/mask.csv", "/api/supplies/stock.geojson?names=2020"):
            assert main(["kit", "check", node + path, "--reference", node]) == 0
    with pytest.raises(SystemExit, match="2"):
        main(["kit", "check", "http://127.0.0.1:1/", "--sample", "0"])
    assert main(["kit", "check", "http://127.0.0.1:1/", "--reference", "http://127.0.0.1:1"]) == 2


def test_the_node_of_the_data_folder_is_the_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with stocked(tmp_path / "node") as node, an_app(marked()) as app:
        (tmp_path / "node.json").write_text(json.dumps({"url": node, "pid": 1}), encoding="utf-8")
        assert main(["kit", "check", app, "--data", str(tmp_path)]) == 0
        assert node in capsys.readouterr().out
