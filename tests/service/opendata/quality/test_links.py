"""A link's verdict against a real server on loopback, and the walls that keep the checker outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.make import NOW

from banyan.service.opendata.quality import links
from banyan.service.opendata.quality.indicators import Seen

CSV = "代碼,名稱\n1,甲\n".encode()


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, body, status, to = {
            "/a.csv": ("text/csv", CSV, 200, ""),
            "/big5.csv": ("text/csv", "代碼,名稱\n".encode("cp950"), 200, ""),
            "/page": ("text/html; charset=utf-8", b"<html>", 200, ""),
            "/lying.csv": ("text/csv", b"<!DOCTYPE html><html>login", 200, ""),
            "/moved": ("", b"", 302, "/a.csv"),
            "/members": ("", b"", 302, "/login?next=/a.csv"),
            "/login": ("text/csv", CSV, 200, ""),
            "/loop": ("", b"", 302, "/loop"),
            "/inside": ("", b"", 302, "http://169.254.169.254/latest/meta-data"),
            "/endless": ("text/csv", b"x" * 4_000_000, 200, ""),
        }.get(self.path.partition("?")[0], ("text/plain", b"no", 404, ""))
        self.send_response(status)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):  # the checker has seen enough
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def look(url: str, *, wants_page: bool = False, encoding: str = "", allow_private: bool = True) -> Seen:
    return asyncio.run(links.look(url, wants_page=wants_page, encoding=encoding, allow_private=allow_private, now=NOW))


@pytest.mark.parametrize(
    ("path", "ok", "direct"),
    [
        ("/a.csv", True, True),
        ("/moved", True, True),
        ("/page", True, False),
        ("/lying.csv", True, False),
        ("/members", True, False),
        ("/none", False, False),
        ("/loop", False, False),
        ("/endless", True, True),
    ],
)
def test_verdicts(site: str, path: str, ok: bool, direct: bool) -> None:
    seen = look(site + path)
    assert (seen.ok, seen.direct) == (ok, direct), seen


def test_a_page_is_right_where_a_page_was_promised(site: str) -> None:
    assert look(site + "/page", wants_page=True).direct is True


@pytest.mark.parametrize(
    ("path", "stated", "fits"),
    [("/a.csv", "UTF-8", True), ("/big5.csv", "UTF-8", False), ("/big5.csv", "Big5", True), ("/a.csv", "", None),
     ("/a.csv", "ANSI", None), ("/page", "UTF-8", None)],
)  # fmt: skip
def test_the_stated_encoding(site: str, path: str, stated: str, fits: bool | None) -> None:
    assert look(site + path, encoding=stated).encoding_fits is fits


def test_a_character_cut_at_the_end_is_no_fault() -> None:
    assert links.encoding_fits("甲乙丙".encode()[:-1], "UTF-8") is True
    assert links.encoding_fits(b"\xff" + b"a" * 100, "UTF-8") is False


@pytest.mark.parametrize("path", ["/a.csv", "/inside"])
def test_inside_our_own_walls_nothing_is_fetched(site: str, path: str) -> None:
    seen = look(site + path, allow_private=False)
    assert (seen.ok, seen.status, seen.error) == (False, 0, "private")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x", "http://", "http://user:pass@example.tw/", "無"])
def test_other_addresses_are_not_spoken_to(url: str) -> None:
    assert look(url).ok is False
