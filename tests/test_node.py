"""`./banyan up` as its user has it: a process, a port, a token once, data that survives, a clean stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest
from tests.portal import free_port

from banyan.errors import Invalid
from banyan.node import plug


@contextmanager
def up(data: Path, *options: str, port: int) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A running node and the lines it said until it was up; stopped as Ctrl-C does."""
    command = [sys.executable, "-m", "banyan", "up", "--data", str(data), "--port", str(port), "--empty", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip())
            if line.startswith("Banyan is up"):
                break
        else:
            raise AssertionError("\n".join(said))
        yield process, said
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def ask(url: str, *, token: str = "", body: object = None) -> tuple[int, dict[str, object]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_first_start_gives_the_token_once_and_data_survives(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    url = f"http://127.0.0.1:{port}"
    with up(data, port=port) as (process, said):
        token = next(line.strip() for line in said if line.strip().startswith("banyan_"))
        assert (data / "administrator.token").stat().st_mode & 0o077 == 0
        assert [path.name for path in (data, *data.iterdir()) if path.is_dir() and path.stat().st_mode & 0o077] == []
        assert json.loads((data / "node.json").read_text())["pid"] == process.pid
        agency = {"name": "health", "title": "衛生局"}
        assert ask(f"{url}/api/opendata/save_agency", body=agency)[0] == 401
        assert ask(f"{url}/api/opendata/save_agency", body=agency, token=token)[0] == 200
    assert process.returncode == 0
    assert not (data / "node.json").exists()
    with up(data, port=port) as (process, said):
        assert not any(token in line for line in said)
        status, answer = ask(f"{url}/api/opendata/agency/health")
        assert status == 200
        assert "衛生局" in json.dumps(answer, ensure_ascii=False)
    assert process.returncode == 0


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "banyan", "up", "--data", str(tmp_path / "d"), "--port", str(port), "--empty"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_node_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with up(tmp_path / "data", port=free_port()):
        command = [sys.executable, "-m", "banyan", "up", "--data", str(tmp_path / "data"), "--port", str(free_port())]
        done = subprocess.run([*command, "--empty"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "open in another process" in done.stderr


@pytest.mark.parametrize("path", ["no.such.module:X", "banyan.errors:Problem", "banyan.errors:Nothing", "nonsense"])
def test_a_service_line_that_leads_nowhere_is_named(path: str) -> None:
    with pytest.raises(Invalid, match=path.split(":", maxsplit=1)[0]):
        plug((path,))


def test_a_wrong_key_in_node_toml_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text("colour = 'green'\n")
    command = [sys.executable, "-m", "banyan", "up", "--data", str(tmp_path), "--empty"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=os.environ.copy())
    assert done.returncode == 2
    assert "colour" in done.stderr
