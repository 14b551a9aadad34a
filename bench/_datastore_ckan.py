"""CKAN 2.12 as the third side of bench/datastore.py: whether it can be had here, how it is started, what it is asked.

CKAN lives in .venv-ckan (`./banyan bench datastore --ckan` makes it); Redis and libmagic come from Debian.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from ctypes.util import find_library
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from _server import ROOT, Server, free_port

HOME = ROOT / ".venv-ckan"
REDIS_TOOLS = "/usr/bin/redis-check-rdb"  # Debian's redis-tools: the server too, when called redis-server
DEBIAN = ("redis-tools", "libmagic1")
LOAD_S_PER_MILLION = 300.0  # COPY with CKAN's full-text trigger took 40 s alone on 2 cores, more beside other work

Question = Callable[[str], str]
Same = Callable[[Any, Any], None]


def redis_program() -> str:
    """The Redis server, to be called `redis-server`; empty when there is none."""
    return shutil.which("redis-server") or (REDIS_TOOLS if Path(REDIS_TOOLS).exists() else "")


def why_not() -> str:
    """Why CKAN cannot run here; empty when it can."""
    locks = b"".join((ROOT / f"requirements-{name}.lock").read_bytes() for name in ("ckan", "uv"))
    stamp = HOME / ".stamp"
    if not stamp.exists() or stamp.read_text() != hashlib.sha256(locks).hexdigest():
        return "not run: .venv-ckan is not set up; ./banyan bench datastore --ckan sets it up"
    if not redis_program() or not find_library("magic"):
        return (
            f"not run: it needs Debian's {' and '.join(DEBIAN)}, which are missing; root may install them with --ckan"
        )
    return ""


def set_up() -> None:
    """What CKAN needs of Debian, when it is missing and we may install it."""
    if (redis_program() and find_library("magic")) or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with (HOME / "debian.log").open("wb") as log:
        for command in (["update"], ["install", "-y", "--no-install-recommends", *DEBIAN]):
            subprocess.run(["apt-get", *command], env=environment, stdout=log, stderr=log, check=False, timeout=300)


def kept_for(source: Path, rows: int) -> Path:
    """Where the database that holds exactly this CSV is kept, for this version of CKAN."""
    digest = hashlib.sha256((ROOT / "requirements-ckan.lock").read_bytes())
    with source.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return HOME / "kept" / f"{rows}-{digest.hexdigest()[:16]}"


def start(folder: Path, source: Path, rows: int) -> tuple[Server, str, str]:
    """CKAN with the CSV loaded: the server, the resource's id, and its version with the seconds of loading."""
    kept = kept_for(source, rows)
    kept.parent.mkdir(exist_ok=True)
    for older in kept.parent.glob(f"{rows}-*"):
        if older != kept:
            shutil.rmtree(older)
    home = folder / "ckan"
    home.mkdir()
    port = free_port()
    command = [ROOT / ".venv/bin/python", ROOT / "bench/_ckan_server.py", port, home, source, kept]
    wait_s = 120 + LOAD_S_PER_MILLION * rows / 1e6
    # CKAN answers before its rows are loaded: the line that it prints says when they are.
    server = Server([str(part) for part in command], port, "/api/3/action/status_show", wait_s=wait_s)
    assert server.process.stdout is not None
    line = server.process.stdout.readline()
    if not line:
        said = server.last_words()
        server.stop()
        raise RuntimeError(f"CKAN ended:\n{said}")
    told = json.loads(line)
    version = server.get("/api/3/action/status_show")[1]["result"]["ckan_version"]
    loaded = f"loaded in {told['load_s']} s" if told["load_s"] else "kept loaded"
    return server, told["resource"], f"{version}, {loaded}"


def page(filters: dict[str, str]) -> Question:
    """100 rows with the total, by `datastore_search`."""
    return lambda resource: (
        "/api/3/action/datastore_search?"
        + urlencode({"resource_id": resource, "filters": json.dumps(filters), "limit": 100})
    )


def sql(template: str) -> Question:
    """`datastore_search_sql` over the table `t`."""
    return lambda resource: (
        "/api/3/action/datastore_search_sql?" + urlencode({"sql": template.replace("from t", f'from "{resource}"')})
    )


def same_page(theirs: Any, mine: Any) -> None:
    assert theirs["result"]["total"] == mine["total"]
    assert [record["id"] for record in theirs["result"]["records"]] == [record["id"] for record in mine["records"]]


def same_facet(theirs: Any, mine: Any) -> None:
    expected = {one["town"]: int(one["n"]) for one in theirs["result"]["records"]}
    assert expected == {one["value"]: one["count"] for one in mine["facets"][0]["values"]}


def same_group(theirs: Any, mine: Any) -> None:
    expected = {(one["county"], one["category"]): (int(one["s"]), one["a"]) for one in theirs["result"]["records"]}
    found = {(one["county"], one["category"]): (one["sum_adult"], one["avg_price"]) for one in mine["records"]}
    assert expected.keys() == found.keys()
    for key, (total, average) in expected.items():
        assert found[key][0] == total
        assert abs(found[key][1] - average) < 1e-6 * average
