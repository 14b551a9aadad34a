"""`./banyan cap check`, `verify` and `follow`: is this a right alert, by whom it says; and what does a feed hold?"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from banyan.cap_registers import bytes_of, register_in
from banyan.limits_alerts import CAP_BYTES


def add_cap_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    cap = verbs.add_parser("cap", help="judge alerts of the Common Alerting Protocol, and their signatures")
    kinds = cap.add_subparsers(dest="kind", required=True, metavar="KIND")
    check = kinds.add_parser("check", help="what is wrong with each alert, and the fix; exit 2 when any is invalid")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.set_defaults(run=check_command)
    verify = kinds.add_parser("verify", help="was it signed by the sender it names, when it was sent? exit 2 when not")
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.add_argument(
        "--register", type=Path, required=True, metavar="FOLDER", help="senders.toml and the PEM files it names"
    )
    verify.set_defaults(run=verify_command)
    follow = kinds.add_parser(
        "follow", help="fetch a feed (Atom, RSS) and judge each of its alerts; exit 2 when none came"
    )
    follow.add_argument("address", metavar="URL")
    follow.add_argument(
        "--register", type=Path, metavar="FOLDER", help="senders.toml and PEM files; left out: none known"
    )
    follow.add_argument("--host", action="append", default=[], help="another host its alerts may lie on")
    follow.set_defaults(run=follow_command)


def check_command(options: argparse.Namespace) -> int:
    """Raises Invalid for a file that cannot be opened."""
    from banyan.wire.cap.reading import judge

    is_good = True
    for path in options.files:
        verdict = judge(bytes_of(path, CAP_BYTES + 1)).verdict
        is_good = is_good and verdict.is_valid
        said = "valid" if verdict.is_valid else "invalid" if verdict.is_structured else "no valid structure"
        print(f"{path}: CAP {verdict.version or 'none'}: {said}")  # noqa: T201 - what the verb is for
        for each in verdict.findings:
            print(f"  {each.severity.value} {each.code} {each.path or 'document'}: {each.fix}")  # noqa: T201
    return 0 if is_good else 2


def verify_command(options: argparse.Namespace) -> int:
    """Raises Invalid for a register that cannot be read."""
    from banyan.wire.cap import signing

    seals = signing.verify(bytes_of(options.file, CAP_BYTES + 1), register_in(options.register))
    for each in seals:
        print(f"{options.file}: {each.seal.value}: {each.says}")  # noqa: T201
    return 0 if any(each.is_good for each in seals) else 2


def follow_command(options: argparse.Namespace) -> int:
    """One round over a feed; the person at the keyboard names it, so it may be on this machine."""
    from banyan.cap_fetching import fetcher
    from banyan.craft.following.rounds import Source, State, go_round
    from banyan.wire.cap.register import Register

    known = Register() if options.register is None else register_in(options.register)
    source = Source(options.address, tuple(options.host))
    found = asyncio.run(go_round(source, State(), fetcher(allow_private=True), register=known))
    for each in found.findings:
        print(f"feed: {each.code} {each.path}: {each.fix}")  # noqa: T201
    for address, reason in found.failed:
        print(f"{address}: {reason}")  # noqa: T201
    for taken in found.taken:
        said = "valid" if taken.verdict.is_valid else f"invalid ({taken.verdict.errors[0].code})"
        event = taken.alert.info[0].event if taken.alert is not None and taken.alert.info else taken.entry.category
        print(f"{taken.entry.id}: {said}, {taken.seals[0].seal.value}: {event or taken.entry.title}")  # noqa: T201
    return 0 if found.taken or (found.is_changed and not found.findings and not found.failed) else 2
