"""What may be fetched: no address inside our own walls, no source that drips, no link put in a file's place."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from banyan.errors import Denied, Limit, Unavailable
from banyan.service.opendata import fetch
from banyan.service.opendata.watching import copied, look


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "2130706433", "0x7f.1", "017700000001", "127.1", "0", "①②⑦.⓪.⓪.①", "localhost"),
        *("169.254.169.254", "100.64.0.1", "10.0.0.1", "198.18.0.1", "224.0.0.1"),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[2002:7f00:1::]"),
        *("[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[fec0::1]", "[fd00::1]", "[2001:0:7f00:1::]", "[ff02::1]"),
    ],
)
def test_no_spelling_of_an_inner_address_is_fetched(host: str) -> None:
    with pytest.raises(Denied):
        fetch.checked(f"http://{host}/", allow_private=False)


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1111]", "[64:ff9b::808:808]", "[::ffff:8.8.8.8]"])
def test_public_addresses_are_fetched(host: str) -> None:
    assert fetch.checked(f"http://{host}/x?y", allow_private=False).target == "/x?y"


@contextmanager
def served(*parts: bytes, drip: bytes = b"") -> Iterator[int]:
    """A server on loopback that sends `parts` to one reader, then `drip` over and over until the reader goes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"".join(parts))
                try:
                    while drip and not over.wait(0.01):
                        connection.sendall(drip)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        over.set()
        thread.join(5)


def test_a_source_that_drips_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "FETCH_TIME_S", 0.2)
    watch = fetch._Watch(lambda done, total: None, fetch._Stop())
    whole_chunk = b"x" * fetch.FETCH_CHUNK_BYTES
    with served(b"HTTP/1.1 200 OK\r\n\r\n", whole_chunk, drip=b"x") as port, pytest.raises(Limit):
        fetch._fetch(f"http://127.0.0.1:{port}/", tmp_path / "out", True, "", watch)


def test_a_chinese_host_is_spoken_to_in_its_ascii_name() -> None:
    with served(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as port:
        name = "藥局.tw".encode("idna").decode()
        answer = fetch.asked(fetch.Place("http", name, port, "127.0.0.1", "/"), "")
        assert answer.status == 200
    with pytest.raises(Unavailable, match="xn--"):
        fetch.checked("http://藥局.invalid/", allow_private=False)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "gone"])
def test_only_a_plain_file_is_copied(tmp_path: Path, kind: str) -> None:
    secret, watched = tmp_path / "secret", tmp_path / "watched.csv"
    secret.write_text("secret")
    watched.write_text("a,b\n")
    seen = look(watched)
    assert copied(watched, tmp_path / "copy", seen)
    watched.unlink()
    if kind == "link":
        watched.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(watched)
    elif kind == "folder":
        watched.mkdir()
    with pytest.raises(Unavailable):
        copied(watched, tmp_path / "copy", seen)
