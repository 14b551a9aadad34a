"""`./banyan fence replay FILE`: recorded fixes through the engine on this machine, or to a node as its operator.

On this machine nothing is kept: the journal is in a folder that goes with the process, and the alarms are counted or
written to a file that only its owner reads. To a node each slot of 10 minutes is one batch.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import urllib3

from banyan.craft.cells.model import CellTable, Fixes, fixes
from banyan.craft.cells.streaming import Decoded, replay_lines, replay_parquet
from banyan.craft.fencing.engine import Engine
from banyan.craft.fencing.model import NO_PHONE, Alarm
from banyan.errors import UNREADABLE, Invalid, Unavailable
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Journal
from banyan.limits_fence import FIX_ROWS, REPLAY_ROWS
from banyan.masts import joined, sites_of

SLOT_S: Final = 600
NDJSON: Final = "application/x-ndjson"
WAIT_S: Final = 60.0
"""For a node's answer, and at most between tries that it puts off."""
Post = Callable[[str, bytes], bytes]
"""(the path with its query, the lines) -> the answer's body. Raises Problem."""


class _Line(msgspec.Struct):
    phone: str
    at: int
    cell: str


class Tally(msgspec.Struct):
    """What a node said of what it was sent, added up."""

    taken: int = 0
    again: int = 0
    late: int = 0
    ahead: int = 0
    unknown: int = 0
    strange: int = 0
    wrong_rows: int = 0


def add_fence_replay_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = kinds.add_parser("replay", help="recorded fixes through the rule, or to a node", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="fixes: lines of JSON, or .parquet")
    parser.add_argument("--cells", type=Path, action="append", default=[], metavar="TABLE", help="cells of FILE (CSV)")
    parser.add_argument("--out", type=Path, metavar="ALARMS", help="write each alarm here (NDJSON, mode 0600)")
    parser.add_argument("--url", default="", metavar="NODE", help="send to this node instead (lines of JSON only)")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="the operator app's access token")
    parser.set_defaults(run=replay_command)


def replay_command(options: argparse.Namespace) -> int:
    """Raises Invalid for input that cannot be replayed, Unavailable for a node that does not answer."""
    if not options.file.is_file():
        raise Invalid.at("file", f"{options.file} is no file")
    if options.url:
        tally = sent(options.file, poster(options.url, options.token_file))
        print(", ".join(f"{name} {count:,}" for name, count in msgspec.structs.asdict(tally).items()))  # noqa: T201
        return 0
    if not options.cells:
        raise Invalid.at("cells", "name the table of FILE's cells, or a node with --url")
    table = joined([sites_of(path) for path in options.cells])
    alarms, names, bad = asyncio.run(judged(options.file, table))
    kinds = Counter(one.kind for one in alarms)
    said = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items())) or "none"
    print(f"{len(names):,} phones, {bad:,} rows that cannot be used; alarms: {said}")  # noqa: T201 - the verb's answer
    if options.out is not None:
        write(options.out, alarms, names)
    return 0


async def judged(path: Path, table: CellTable) -> tuple[list[Alarm], list[str], int]:
    """All alarms of a file, the phones' names by number, and how many rows could not be used."""
    numbers: dict[str, int] = {}
    reader = replay_parquet if path.suffix == ".parquet" else replay_lines
    whole, bad = _whole(reader(path, table, lambda phone: numbers.setdefault(phone, len(numbers))))
    now, alarms = [0.0], list[Alarm]()
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal")
        engine = Engine(journal, table, lambda: EpochS(now[0]))
        engine.listen(alarms.extend)
        slots = whole.at // SLOT_S
        known: set[int] = set()
        for slot in range(int(slots[0]), int(slots[-1]) + 1) if len(whole) else ():
            first, last = np.searchsorted(slots, [slot, slot + 1])
            batch = whole.take(np.arange(first, last))
            now[0] = float(slot + 1) * SLOT_S
            for phone in sorted(set(batch.phone.tolist()) - known):
                await engine.enrol(phone, at=slot * SLOT_S)
                known.add(phone)
            await engine.feed(batch, complete_until=int(now[0]))
            await engine.told(alarms[-1].number if alarms else 0)
        journal.close()
    return alarms, list(numbers), bad


def _whole(parts: Iterator[Decoded]) -> tuple[Fixes, int]:
    """One batch by time. Raises Invalid above REPLAY_ROWS."""
    columns: list[tuple[np.ndarray, ...]] = []
    bad = rows = 0
    for part in parts:
        bad, rows = bad + part.bad_rows, rows + len(part.fixes)
        if rows > REPLAY_ROWS:
            raise Invalid.at("file", f"it has more than {REPLAY_ROWS} fixes (REPLAY_ROWS); replay it by day")
        columns.append((part.fixes.phone, part.fixes.at, part.fixes.cell))
    if not columns:
        return fixes([], []), bad
    phone, at, cell = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.argsort(at, kind="stable")
    return fixes(phone[order], at[order], cell[order]), bad


def sent(path: Path, post: Post) -> Tally:
    """A file's lines to a node, slot by slot; a slot is said to be complete when the next one begins in the file."""
    tally = Tally()
    for slot, group in groupby(_lines(path), key=lambda one: one.at // SLOT_S):
        held = list(group)
        for first in range(0, len(held), FIX_ROWS // 10):
            part = held[first : first + FIX_ROWS // 10]
            is_last = first + len(part) == len(held)
            query = f"?complete_until={(slot + 1) * SLOT_S}" if is_last else ""
            body = b"".join(msgspec.json.encode(one) + b"\n" for one in part)
            said = msgspec.json.decode(post(f"/api/fence/batch{query}", body), type=Tally)
            for name in Tally.__struct_fields__:
                setattr(tally, name, getattr(tally, name) + getattr(said, name))
    return tally


def _lines(path: Path) -> list[_Line]:
    decoder, found = msgspec.json.Decoder(_Line), []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number > REPLAY_ROWS:
                raise Invalid.at("file", f"it has more than {REPLAY_ROWS} fixes (REPLAY_ROWS); replay it by day")
            if not line.strip():
                continue
            try:
                found.append(decoder.decode(line))
            except UNREADABLE as error:
                raise Invalid.at("file", f"line {number} is no fix: write phone, at (seconds) and cell") from error
    return sorted(found, key=lambda one: one.at)


def poster(url: str, token_file: Path | None, *, pause: Callable[[float], None] = time.sleep) -> Post:
    """A way to a node. What it puts off (429 with Retry-After) is sent again after that time."""
    if not url.startswith(("http://", "https://")):
        raise Invalid.at("url", "write http://… or https://…")
    try:
        token = token_file.read_text(encoding="ascii").strip() if token_file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid.at("token-file", f"{token_file} cannot be read") from error
    if not token:
        raise Invalid.at("token-file", "name the file with the operator app's access token")
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5.0, read=WAIT_S), retries=False)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": NDJSON}

    def post(target: str, body: bytes) -> bytes:
        while True:
            try:
                answer = pool.request("POST", url.rstrip("/") + target, body=body, headers=headers, redirect=False)
            except urllib3.exceptions.HTTPError as error:
                raise Unavailable(f"{url} does not answer.", remedy="Is the node up?") from error
            if answer.status == 429:
                wait = answer.headers.get("Retry-After", "1")
                pause(min(WAIT_S, float(wait) if wait.isdigit() else 1.0))
                continue
            if answer.status >= 300:
                raise Invalid(
                    f"{url} refused a batch ({answer.status}).", remedy=answer.data[:500].decode("utf-8", "replace")
                )
            return answer.data

    return post


def write(path: Path, alarms: list[Alarm], names: list[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for one in alarms:
            phone = names[one.phone] if one.phone != NO_PHONE else ""
            row = {"phone": phone, "kind": one.kind, "at": one.at, "score": round(one.score, 3), "site": one.site}
            file.write(msgspec.json.encode(row) + b"\n")
