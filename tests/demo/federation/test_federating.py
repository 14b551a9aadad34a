"""`./banyan up --federation` as somebody types it: three processes, a call through two of them, one Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.make import frozen_clock

from banyan.demo.agencies.people import LIN
from banyan.demo.federation.federating import prepared
from banyan.demo.federation.tomls import written
from banyan.settings import Settings

ASKED = json.dumps({"person": LIN, "reason": "急診發燒"}).encode()


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    processes = prepared(
        tmp_path, clock=frozen_clock(), ports=dict.fromkeys(("centre", "immigration", "hospital"), (0, 0, 0))
    )
    assert [one.name for one in processes] == ["centre", "immigration", "hospital"]
    for one in processes:
        text = (one.house.data / "node.toml").read_text()
        assert msgspec.convert(tomllib.loads(text), Settings) == one.settings
        assert written(one.settings) == text
        assert one.house.data.stat().st_mode & 0o077 == 0, "records of three agencies are for no other user to read"
    assert written(Settings()).strip() == "# Written by ./banyan up --federation."


@pytest.mark.slow
def test_three_processes_exchange_without_their_centre_too_and_end_together(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "banyan", "up", "--federation", "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    told = []
    try:
        assert child.stdout is not None
        edge = 0
        for line in child.stdout:
            told.append(line)
            found = re.search(r"localhost:(\d+)/r1/TW/GOV/NIA/border", line)
            if found:
                edge = int(found[1])
                break
        assert edge, told
        status, answer = asked(edge)
        while not answer.get("marks"):  # its portal is up before the demonstration's grants and stays are seeded
            assert status == 200 or "AccessDenied" in answer["type"], (answer, told)
            status, answer = asked(edge)
        assert [one["rule"] for one in answer["marks"]] == ["demo-isle"]
        os.kill(int(running(f"{tmp_path}/centre$")), signal.SIGKILL)
        for line in child.stdout:
            told.append(line)
            if "centre has ended by itself" in line:
                break
        status, answer = asked(edge)
        assert (status, [one["rule"] for one in answer["marks"]]) == (200, ["demo-isle"]), told
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 1, told
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
    assert running(str(tmp_path)) == "", "no node is left behind"


def running(command: str) -> str:
    return subprocess.run(["pgrep", "-f", command], capture_output=True, text=True, check=False).stdout


def asked(port: int) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    fields = {"X-Road-Client": "TW/MED/H1/emergency", "Content-Type": "application/json"}
    connection.request("POST", "/r1/TW/GOV/NIA/border/flag", ASKED, fields)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found
