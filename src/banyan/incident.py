"""`./banyan incident casualties --csv FILE`: hospitals' lists in, a look-up for families up, in one command.

What took volunteers an hour in 2015: the register is filled, the legal bases are in force, and the page answers before
the command says so. The same command again adds a later list: the same persons stay the same.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Final

from banyan.errors import Conflict, Invalid
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import SYSTEM
from banyan.limits_casualties import CASUALTY_FILE, CASUALTY_ROWS
from banyan.node import ROOT, Node
from banyan.serving import serve
from banyan.terminal import language, port

MESSAGES: Final = load_messages("banyan", "incident.toml")
SERVICE: Final = "banyan.service.casualties.parts:SERVICE"
FOLDER: Final = ROOT / "data" / "casualties-node"
DRILL_MOST: Final = 5_000
"""Invented persons of a drill: ten times 八仙塵爆."""
ENCODINGS: Final = ("utf-8-sig", "cp950")
"""Excel in Taiwan saves CSV in Big5 unless told otherwise."""


def add_incident_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb; `run` is set to `casualties_command`."""
    incident = verbs.add_parser("incident", help=say("incident.help"))
    kinds = incident.add_subparsers(dest="kind", required=True, metavar="KIND")
    parser = kinds.add_parser("casualties", help=say("incident.casualties"), description=say("incident.description"))
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--csv", type=Path, action="append", default=[], metavar="FILE", help=say("incident.csv"))
    what.add_argument("--drill", type=drill_size, default=0, metavar="PERSONS", help=say("incident.drill"))
    parser.add_argument("--hospital", default="", metavar="NAME", help=say("incident.hospital"))
    parser.add_argument("--staff", action="append", default=[], metavar="AGENCY", help=say("incident.staff"))
    parser.add_argument("--data", type=Path, default=FOLDER, metavar="DIR", help=say("incident.data"))
    parser.add_argument("--host", default="", help=say("incident.host"))
    parser.add_argument("--port", type=port, default=0, help=say("incident.port"))
    parser.set_defaults(run=casualties_command)


def casualties_command(options: argparse.Namespace) -> int:
    """Raises Invalid for a file that is no list, Unavailable when the folder or port is taken."""
    parts = [part for path in options.csv for part in parts_of(text_of(path))]
    prepare = partial(fill, parts=parts, hospital=options.hospital, staff=options.staff)
    if options.drill:
        prepare = partial(drill, persons=options.drill, staff=options.staff)
    node = serve(options.data, host=options.host, port=options.port, empty=True, also=(SERVICE,), prepare=prepare)
    return asyncio.run(node)


def drill_size(text: str) -> int:
    """How many invented persons; raises ValueError for no such number."""
    persons = int(text)
    if not 1 <= persons <= DRILL_MOST:
        raise ValueError(text)
    return persons


async def drill(node: Node, *, persons: int, staff: list[str]) -> None:
    """Fill the register with invented people; every page says so. Once begun it stays: `casualties.end_drill` wipes it.
    Raises Conflict among real casualties."""
    from banyan.demo.casualties import AGO_S, fill_drill, words

    await put_law(node, staff)
    known = await node.gate.call("casualties.incident", {}, caller=SYSTEM)
    if not known.is_drill:
        said = await fill_drill(node.gate, words(persons), EpochS(node.gate.clock() - AGO_S))
        sys.stderr.write(say("incident.drilled", said=said) + "\n")


async def put_law(node: Node, staff: list[str]) -> None:
    """Register the bases of the look-up."""
    from banyan.service.casualties.law import FAMILY, staff_basis

    if "powers.register_basis" in node.catalogue.operations:
        for basis in (FAMILY, *((staff_basis(staff),) if staff else ())):
            await node.gate.call("powers.register_basis", basis, caller=SYSTEM)
        sys.stderr.write(say("incident.order") + "\n")


async def fill(node: Node, *, parts: list[str], hospital: str, staff: list[str]) -> None:
    """Put the law into force and the lists into the register. Raises Invalid when no line of them stands, Conflict when
    a drill's people are there."""
    await put_law(node, staff)
    if (await node.gate.call("casualties.incident", {}, caller=SYSTEM)).is_drill:
        raise Conflict(say("incident.mixed"), remedy=say("incident.mixed_remedy"), kind="drill")
    counts = dict.fromkeys(("new", "joined", "changed", "same"), 0)
    wrong: list[str] = []
    for at, part in enumerate(parts):
        filed = await node.gate.call("casualties.paste", {"text": part, "hospital": hospital}, caller=SYSTEM)
        for name in counts:
            counts[name] += getattr(filed, name)
        wrong += [f"{one.line + at * (CASUALTY_ROWS - 1)}:{one.field}" for one in filed.faults]
    if not any(counts.values()):
        raise Invalid.at("--csv", say("incident.nothing"))
    sys.stderr.write(say("incident.filed", **counts) + "\n")
    if wrong:
        sys.stderr.write(say("incident.wrong", lines=" ".join(wrong)) + "\n")


def text_of(path: Path) -> str:
    """The file's text. Raises Invalid naming the option."""
    if not path.is_file() or path.stat().st_size > CASUALTY_FILE:
        raise Invalid.at("--csv", say("incident.file", path=path))
    body = path.read_bytes()
    for encoding in ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid.at("--csv", say("incident.encoding", path=path))


def say(key: str, **values: object) -> str:
    """A sentence in the terminal's language."""
    return MESSAGES.text(key, language(), **values)


def parts_of(text: str) -> list[str]:
    """The list in reports of a size that a report may have, each with the heading of the first line."""
    head, *lines = text.splitlines() or [""]
    size = CASUALTY_ROWS - 1  # without a heading the first line is a person
    return ["\n".join([head, *lines[at : at + size]]) for at in range(0, max(1, len(lines)), size)]
