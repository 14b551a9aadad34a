"""Thin verbs over the node. Bad input ends with exit code 2 and one sentence that says what to do."""

from __future__ import annotations

import argparse
import asyncio
import os
import select
import subprocess
import sys
from pathlib import Path

from banyan import __version__
from banyan.errors import Problem

ROOT = Path(__file__).parents[2]
DEFAULT_DATA = ROOT / "data"


def main(arguments: list[str]) -> int:
    """Run one verb; return the exit code (0 done, 1 failed while running, 2 bad input, 130 interrupted, 141 nobody read
    on, as after `| head`)."""
    try:
        try:
            return _done(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _is_unread():
            raise  # of a connection
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end of the process
        return 141


def _is_unread() -> bool:
    """Whether whoever read our output has gone."""
    asked = select.poll()
    asked.register(sys.stdout.fileno(), select.POLLOUT)
    return any(what & select.POLLERR for _, what in asked.poll(0))


def _done(arguments: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except Problem as problem:
        print(f"banyan: {problem.title}{' ' + problem.remedy if problem.remedy else ''}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    from banyan.agency import add_agency_parser
    from banyan.auditing import add_audit_parser
    from banyan.cap_command import add_cap_parser
    from banyan.doctoring import add_exchange_parser
    from banyan.fencing_command import add_fence_parser
    from banyan.incident import add_incident_parser
    from banyan.kit.command import add_kit_parser
    from banyan.notify_command import add_notify_parser
    from banyan.publishing import add_publish_parser
    from banyan.replaying import add_replay_parser
    from banyan.terminal import port
    from banyan.trace_command import add_trace_parser
    from banyan.verifying import add_verify_parser

    parser = argparse.ArgumentParser(prog="./banyan", description="Banyan (榕): a resilient smart-government platform")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    up = verbs.add_parser("up", help="start the portal")
    up.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR", help="where everything is kept")
    up.add_argument("--host", default="", help="address to listen on (127.0.0.1: this machine; 0.0.0.0: the network)")
    up.add_argument("--port", type=port, default=0, help="port to listen on (8000)")
    up.add_argument("--empty", action="store_true", help="start without the demonstration nation")
    up.add_argument(
        "--federation", action="store_true", help="three gateways as three processes: hospital, immigration, centre"
    )
    up.set_defaults(run=_up)
    add_publish_parser(verbs)
    add_agency_parser(verbs)
    add_verify_parser(verbs)
    add_audit_parser(verbs)
    add_cap_parser(verbs)
    add_exchange_parser(verbs)
    add_fence_parser(verbs)
    add_incident_parser(verbs)
    add_kit_parser(verbs)
    add_notify_parser(verbs, DEFAULT_DATA)
    add_replay_parser(verbs)
    add_trace_parser(verbs)
    bench = verbs.add_parser("bench", help="measure us beside the best of the field")
    bench.add_argument("name", nargs="?", default="", help="a file of bench/ without .py; none lists them")
    bench.add_argument("--quick", action="store_true", help="end within 60 s")
    bench.add_argument("--json", action="store_true", help="last line is one JSON object")
    bench.add_argument("--ckan", action="store_true", help="datastore: set CKAN up and measure it too")
    bench.set_defaults(run=_bench)
    version = verbs.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _up(options: argparse.Namespace) -> int:
    if options.federation:
        _refuse_for_federation(options)
        from banyan.demo.federation.federating import run

        folder = options.data if options.data != DEFAULT_DATA else DEFAULT_DATA / "federation"
        return asyncio.run(run(folder))
    from banyan.serving import serve

    return asyncio.run(serve(options.data, host=options.host, port=options.port, empty=options.empty))


def _refuse_for_federation(options: argparse.Namespace) -> None:
    given = [name for name in ("host", "port", "empty") if getattr(options, name)]
    if given:
        flags = " and ".join(f"--{name}" for name in given)
        remedy = "Its three gateways stay on this machine, at ports that the start says, with the demonstration's data."
        raise Problem(f"`up --federation` takes no {flags}.", remedy=remedy)


def _bench(options: argparse.Namespace) -> int:
    folder = ROOT / "bench"
    names = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    if not options.name:
        print("\n".join(names))
        return 0
    if options.name not in names:
        raise Problem(f"No benchmark '{options.name}'.", remedy=f"The benchmarks are: {', '.join(names)}.")
    flags = [
        flag for flag, on in (("--quick", options.quick), ("--json", options.json), ("--ckan", options.ckan)) if on
    ]
    return subprocess.run([sys.executable, str(folder / f"{options.name}.py"), *flags], check=False).returncode  # noqa: S603


def _version(_: argparse.Namespace) -> int:
    print(f"banyan {__version__}")
    return 0
