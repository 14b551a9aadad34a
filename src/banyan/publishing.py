"""`./banyan publish FILE|URL|-`: against a running portal over HTTP, or straight into a data folder.

Prints the page's address, what was guessed, and how to decide otherwise. Bad input: exit code 2 and one sentence.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from banyan.errors import Invalid
from banyan.kernel.identity.caller import SYSTEM
from banyan.remote_portal import MESSAGES, Pairs, Portal, address_of, outcome, refused, sayer, token_of
from banyan.running import ROOT
from banyan.service.opendata import uploads
from banyan.service.opendata.asking import publish_from
from banyan.service.opendata.committing import Published, PublishedTable
from banyan.service.opendata.desk import ENDED, JobView
from banyan.service.opendata.ingest import messages as reading
from banyan.service.opendata.live import Follow
from banyan.service.opendata.publish import JobQuery
from banyan.terminal import language

BAR_CELLS = 28

_ONE = {
    "name": "NAME",
    "title": "TEXT",
    "agency": "AGENCY",
    "licence": "ID",
    "notes": "TEXT",
    "geo": "LON,LAT|ADDRESS",
    "crs": "EPSG:CODE",
    "encoding": "NAME",
    "delimiter": "CHAR",
    "sheet": "NAME",
    "member": "PATH",
    "header-rows": "N",
    "as-of": "TIME",
    "frequency": "TEXT",
    "resource": "ID",
    "filename": "NAME",
    "idempotency-key": "KEY",
}
_MANY = {
    "key": "COL",
    "type": "COL=TYPE",
    "rename": "OLD=NEW",
    "repair": "REPAIR",
    "tag": "TAG",
    "theme": "THEME",
    "accept": "columns|shrunk",
    "new-column": "COL",
}
_FLAGS = ("add", "as-file", "fresh", "private")


def add_publish_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb's options; `run` is set to `publish_command`."""
    say = sayer()
    parser = verbs.add_parser("publish", help=say("help.publish"), description=say("help.description"))
    parser.add_argument("source", metavar="FILE|URL|-", help=say("help.source"))
    for name, value in _ONE.items():
        parser.add_argument(f"--{name}", default="", metavar=value, help=say(f"help.{name}"))
    for name, value in _MANY.items():
        parser.add_argument(f"--{name}", action="append", default=[], metavar=value, help=say(f"help.{name}"))
    for name in _FLAGS:
        parser.add_argument(f"--{name}", action="store_true", help=say(f"help.{name}"))
    parser.add_argument("--live", type=int, default=0, metavar="SECONDS", help=say("help.live"))
    parser.add_argument("--url", default="", metavar="PORTAL", help=say("help.url"))
    parser.add_argument("--token", default="", metavar="T", help=say("help.token"))
    parser.add_argument("--data", type=Path, default=ROOT / "data", metavar="DIR", help=say("help.data"))
    parser.set_defaults(run=publish_command)


def publish_command(options: argparse.Namespace) -> int:
    """Publish and print what came of it; 0, or 130 after Ctrl-C. Raises Problem for bad input."""
    say = sayer()
    pairs = _pairs(options)
    publish_from(pairs)  # bad options are told before anything is sent
    url, token = address_of(options), token_of(options)
    with closing(Bar(say)) as bar, _source(options.source, pairs) as (file, named):
        if url:
            portal = Portal(url, token)
            try:
                published = _remote(portal, file, named, bar)
            except KeyboardInterrupt:
                return _interrupted(portal, bar, say)
            if options.live and file is not None:
                _follow_over_http(portal, published, options)
        else:
            published = asyncio.run(_local(options, file, named, bar))
    lines = report(published, url or say("no_server"), say)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def report(published: Published, site: str, say: Callable[..., str]) -> Iterator[str]:
    """What a publisher reads: the page, each table's version and change, and every guess with its override."""
    yield f"{site}{published.page}"
    for table in published.tables:
        yield say("table", name=table.name, version=table.version, rows=f"{table.rows:,}", columns=len(table.columns))
        if not table.is_new:
            yield "  " + say("unchanged")
        elif table.change is not None:
            change = table.change
            yield "  " + say("change", added=change.added, changed=change.changed, gone=change.gone)
            for old, new in change.columns_renamed:
                yield "  " + say("renamed", old=old, new=new)
        yield from _guesses(table, say)


def _guesses(table: PublishedTable, say: Callable[..., str]) -> Iterator[str]:
    lang = language()
    for finding in table.findings:
        key = f"finding.{finding.code}.title"
        values = {"column": finding.column, "count": finding.count, **finding.values}
        try:
            text = reading().text(key, lang, **values) if key in reading() else finding.code
        except KeyError:
            text = finding.code
        where = f"{finding.column}: " if finding.column and finding.column not in text else ""
        yield f"  · {where}{text}" + (say("override", option=finding.override) if finding.override else "")


class Bar:
    """A progress bar on a terminal; silent elsewhere."""

    def __init__(self, say: Callable[..., str]) -> None:
        self._say = say
        self._shown = ""
        self.job = ""

    def show(self, phase: str, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        filled = BAR_CELLS * done // total if total else 0
        key = f"phase.{phase}"
        text = f"[{'█' * filled}{'·' * (BAR_CELLS - filled)}] {self._say(key) if key in MESSAGES else phase}"
        if text != self._shown:
            self._shown = text
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    def close(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            self._shown = ""


def _remote(portal: Portal, file: Path | None, pairs: Pairs, bar: Bar) -> Published:
    if file is not None:
        job = portal.upload(file, pairs, lambda done, total: bar.show("upload", done, total))
    else:
        job = portal.begin(pairs)
    bar.job = job.job
    while job.state not in ENDED:
        bar.show(job.phase or job.state, job.done, job.total)
        job = portal.progress(job.job)
    return outcome(job)


async def _local(options: argparse.Namespace, file: Path | None, pairs: Pairs, bar: Bar) -> Published:
    """Open the node's drawers here and publish through its gate; nobody else has them open."""
    from banyan.node import open_node
    from banyan.settings import load_settings

    settings = load_settings(options.data / "node.toml", Path.cwd() / "node.toml", ROOT / "node.toml")
    async with open_node(options.data, settings) as node:
        ticket = ""
        if file is not None:
            copy = Path(tempfile.mkdtemp(dir=node.drawers["opendata"].work)) / "upload"
            await asyncio.to_thread(shutil.copyfile, file, copy)
            ticket = uploads.offer(copy)
        asked = publish_from(pairs, file=ticket)
        job: JobView = await node.gate.call("opendata.begin_publish", asked, caller=SYSTEM)
        while job.state not in ENDED:
            bar.show(job.phase or job.state, job.done, job.total)
            job = await node.gate.call("opendata.publish_progress", JobQuery(job.job, wait_s=5), caller=SYSTEM)
        published = outcome(job)
        if options.live and file is not None:
            await node.gate.call("opendata.follow", _follow(published, options), caller=SYSTEM)
        return published


def _follow(published: Published, options: argparse.Namespace) -> Follow:
    return Follow(resource=published.resource_id, source=str(Path(options.source).resolve()), every_s=options.live)


def _follow_over_http(portal: Portal, published: Published, options: argparse.Namespace) -> None:
    portal.post("follow", _follow(published, options))


def _interrupted(portal: Portal, bar: Bar, say: Callable[..., str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who presses it twice still leaves nothing behind
    bar.close()
    if bar.job:
        portal.cancel(bar.job)
    sys.stderr.write(say("cancelled") + "\n")
    return 130


def _pairs(options: argparse.Namespace) -> Pairs:
    values = vars(options)
    pairs = [(name.replace("-", "_"), str(values[name.replace("-", "_")])) for name in _ONE]
    pairs += [(name.replace("-", "_"), text) for name in _MANY for text in values[name.replace("-", "_")]]
    pairs += [(name.replace("-", "_"), "true") for name in _FLAGS if values[name.replace("-", "_")]]
    if options.source.startswith(("http://", "https://")):
        pairs += [("url", options.source), ("live", str(options.live) if options.live else "")]
    return [pair for pair in pairs if pair[1]]


@contextmanager
def _source(source: str, pairs: Pairs) -> Iterator[tuple[Path | None, Pairs]]:
    """The file to send (None for an address) and the fields with its name."""
    if source.startswith(("http://", "https://")):
        yield None, pairs
        return
    is_named = any(name == "filename" for name, _ in pairs)
    if source != "-":
        path = Path(source)
        if not path.is_file():
            raise refused(Invalid, "no_file", path=source)
        yield path, pairs if is_named else [*pairs, ("filename", path.name)]
        return
    if not any(name in ("name", "resource") for name, _ in pairs):
        raise refused(Invalid, "stdin_name")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path, pairs if is_named else [*pairs, ("filename", "stdin")]
