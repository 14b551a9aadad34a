"""`./banyan publish` against a live portal: what it prints, what it sends, how it ends."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from tests.make import TOKEN, Client, live_node, shared_data

from banyan.cli import main
from banyan.node import open_node
from banyan.remote_portal import Portal
from banyan.service.opendata.parts import SERVICE
from banyan.settings import Settings

STOCK = "code,name,count\n0101,甲藥局,5\n0102,乙藥局,0\n0103,丙藥局,9\n"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def get(url: str) -> dict[str, object]:
    with urlopen(Request(url)) as answer:
        found = json.load(answer)
    assert isinstance(found, dict)
    return found


def test_a_real_file_and_its_update(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (
        shared_data(f"supplies/raw/maskdata_{stamp}.csv.gz") for stamp in ("20200210T162910", "20200214T085535")
    )
    with live_node(tmp_path, [SERVICE]) as (url, _):
        ask = ["--url", url, "--token", TOKEN, "--agency", "中央健康保險署", "--data", str(tmp_path / "none")]
        assert main(["publish", str(first), *ask]) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"{url}/dataset/maskdata\n")
        assert "version 1, 5,865 rows, 7 columns" in said
        assert main(["publish", str(second), *ask]) == 0
        said = capsys.readouterr().out
        assert "391 rows added, 5658 changed, 170 gone" in said
        assert "成人口罩總剩餘數 → 成人口罩剩餘數" in said
        dataset = get(f"{url}/api/opendata/dataset/maskdata")
        resource = dataset["resources"][0]  # type: ignore[index]
        with urlopen(f"{url}{resource['url']}") as answer:
            assert answer.read() == second.read_bytes()
        with urlopen(f"{url}/api/opendata/original/{resource['id']}/1") as answer:
            assert answer.read() == first.read_bytes()


def test_standard_input(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with live_node(tmp_path, [SERVICE]) as (url, _):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(STOCK.encode())))
        ask = ["--url", url, "--token", TOKEN]
        assert main(["publish", "-", *ask]) == 2
        assert "--name" in capsys.readouterr().err
        assert main(["publish", "-", "--name", "stock", "--type", "count=text", "--key", "code", *ask]) == 0
        version = get(f"{url}/api/opendata/version/{_resource(url)}/0")
        types = {column["name"]: column["type"] for column in version["columns"]}  # type: ignore[attr-defined]
        assert types == {"code": "text", "name": "text", "count": "text"}


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (["nothing.csv"], "No file"),
        (["{file}", "--type", "nonsense"], "LEFT=RIGHT"),
        (["{file}", "--accept", "anything"], "accept"),
        (["{file}", "--key", "no-such-column"], "no-such-column"),
        (["{file}", "--name", "臺北"], "name"),
        (["{file}", "--url", "ftp://x"], "address"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ask: list[str], told: str
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(STOCK)
    with live_node(tmp_path / "node", [SERVICE]) as (url, _):
        given = [one.replace("{file}", str(file)) for one in ask]
        assert main(["publish", *(["--url", url] if "--url" not in given else []), "--token", TOKEN, *given]) == 2
    said = capsys.readouterr().err
    assert said.startswith("banyan: ")
    assert told in said
    assert said.count("\n") == 1


def test_without_the_token_nothing_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(STOCK)
    with live_node(tmp_path / "node", [SERVICE]) as (url, _):
        assert main(["publish", str(file), "--url", url, "--token", "wrong", "--data", str(tmp_path)]) == 2
        assert "administrator token" in capsys.readouterr().err


def test_an_address_that_is_no_portal_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(STOCK)
    monkeypatch.setattr(Portal, "ask", lambda *_, **__: b"<html>It works!</html>")
    for source in (str(file), "http://source.example/stock.csv"):
        assert main(["publish", source, "--url", "http://localhost:1", "--token", TOKEN]) == 2
        assert "http://localhost:1 is not a portal" in capsys.readouterr().err


def test_an_upload_form(tmp_path: Path) -> None:
    boundary = "----banyan"
    parts = [("name", "stock"), ("title", "藥局庫存"), ("key", "code")]
    body = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parts)
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="庫存.csv"\r\n\r\n{STOCK}\r\n'
    body += f"--{boundary}--\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Authorization": TOKEN}
    with live_node(tmp_path, [SERVICE]) as (url, node):
        with urlopen(Request(f"{url}/api/opendata/upload", data=body.encode(), headers=headers)) as answer:
            assert answer.status == 201
            assert answer.headers["Location"] == f"{url}/dataset/stock"
            job = json.load(answer)
        assert job["state"] == "done"
        assert job["published"]["tables"][0]["rows"] == 3
        dataset = get(f"{url}/api/opendata/dataset/stock")
        assert dataset["title"] == "藥局庫存"
        assert not [path for path in node.drawers["opendata"].work.rglob("*") if path.is_file()]


def test_progress_is_streamed(tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "text/csv"}
    with live_node(tmp_path, [SERVICE]) as (url, _):
        target = f"{url}/api/opendata/upload?filename=stock.csv&wait=0"
        with urlopen(Request(target, data=STOCK.encode(), headers=headers)) as answer:
            assert answer.status == 202
            job = json.load(answer)["job"]
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{url}/api/opendata/publish_stream/{job}")
        assert refused.value.code in (401, 403)
        refused.value.close()
        with urlopen(Request(f"{url}/api/opendata/publish_stream/{job}", headers=headers)) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            events = answer.read().decode().strip().split("\n\n")
        states = [event.splitlines()[0].removeprefix("event: ") for event in events]
        assert states[-1] == "done"
        assert json.loads(events[-1].splitlines()[1].removeprefix("data: "))["published"]["page"] == "/dataset/stock"


def test_ctrl_c_cancels(tmp_path: Path) -> None:
    big = tmp_path / "big.csv"
    with big.open("w") as file:
        file.write("code,value,text\n")
        file.writelines(f"{n},{n * 7},row number {n}\n" for n in range(1_500_000))
    with live_node(tmp_path / "node", [SERVICE]) as (url, node):
        command = [sys.executable, "-m", "banyan", "publish", str(big), "--url", url, "--token", TOKEN]
        child = subprocess.Popen(
            interruptible(command), stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )
        work = node.drawers["opendata"].work
        while not list(work.glob("publish/*/ingest-*")):
            assert child.poll() is None, "it ended before it could be stopped"
            time.sleep(0.01)
        hold_readers()  # on a busy machine the file could be read to its end before the signal is
        said = pressed_until_it_ends(child)
        assert child.returncode == 130
        assert b"Cancelled; nothing was left behind." in said
        assert not [path for path in work.rglob("*") if path.is_file()]
        assert not list(node.drawers["opendata"].lake.keys())
        assert not list(node.drawers["opendata"].blobs.keys())


def interruptible(command: list[str]) -> list[str]:
    """The same, hearing SIGINT though we may not: what a shell runs behind it (`&`) is deaf, and so are children."""
    ears = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", ears, *command]


def pressed_until_it_ends(child: subprocess.Popen[bytes]) -> bytes:
    """Ctrl-C, and again where Python lost it: an interrupt within a finaliser is ignored, as its documentation says."""
    for _ in range(12):
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=10)[1]
    child.kill()
    return child.communicate()[1]


def hold_readers() -> None:
    """Stop the node's reading processes where they are; the node ends them as if they ran."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
        if parent == os.getpid() and b"banyan.service.opendata.worker" in words:
            os.kill(int(process.name), signal.SIGSTOP)


def _resource(url: str) -> str:
    resources = get(f"{url}/api/opendata/dataset/stock")["resources"]
    assert isinstance(resources, list)
    return str(resources[0]["id"])


def test_without_a_server_it_goes_straight_into_the_folder(tmp_path: Path) -> None:
    file = tmp_path / "stock_20261123.csv"
    data = tmp_path / "data"
    for version, rows in ((1, "5"), (2, "6")):
        file.write_text(f"code,count\n0145080011,{rows}\n592202A296,7\n")
        command = [sys.executable, "-m", "banyan", "publish", str(file), "--data", str(data), "--key", "code"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert f"version {version}, 2 rows, 2 columns" in done.stdout
        assert "/dataset/stock" in done.stdout
    assert "0 rows added, 1 changed, 0 gone" in done.stdout

    async def look() -> bytes:
        async with open_node(data, Settings()) as node:
            return (await Client(node.app).get("/api/opendata/rows/stock?limit=5")).body

    assert b"592202A296" in asyncio.run(look())
