"""`./banyan exchange doctor`: call every gateway and say who must do what. Exit code 0: nothing must be done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from banyan import doctor_checks as checks
from banyan.doctor_checks import Finding
from banyan.doctor_siblings import of_siblings
from banyan.errors import Invalid
from banyan.kernel.events.clock import Clock, system_clock
from banyan.kernel.exchange.directory import pkcs11
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.membership import Agency
from banyan.kernel.exchange.messages.opening import origin_of
from banyan.kernel.exchange.road.model import Route
from banyan.kernel.storage.durable import write_file
from banyan.limits_road import DOCTOR_HANDS
from banyan.roads import FOLDER, RUNNING, Running
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded, parse_client

DEFAULT_DATA: Final = Path(__file__).parents[2] / "data"
MARKS: Final = {"ok": "  ok   ", "note": "  note ", "wrong": "  WRONG"}


def add_exchange_parser(verbs: Any) -> None:
    exchange = verbs.add_parser("exchange", help="the road between agencies, as seen from this gateway")
    acts = exchange.add_subparsers(dest="act", required=True, metavar="ACT")
    doctor = acts.add_parser("doctor", help="call every gateway, and say in a sentence each who must do what")
    doctor.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR", help="the node's data folder")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    found = examined(options.data, clock=system_clock)
    wrong = [one for one in found if one.level == "wrong"]
    if options.json:
        _say(msgspec.json.encode({"ok": not wrong, "findings": found}).decode())
        return 1 if wrong else 0
    for one in found:
        _say(f"{MARKS[one.level]}  {one.about}: {one.says}")
        if one.who and one.level != "ok":
            _say(f"           → {one.who}")
    _say("Everything is well." if not wrong else f"{len(wrong)} thing(s) must be done.")
    return 1 if wrong else 0


def examined(data: Path, *, clock: Clock) -> list[Finding]:
    """All findings: this gateway's own first. Raises Invalid: no road has run here."""
    running = _running(data)
    agency = Agency(Path(running.agency), clock=clock, load_key=pkcs11.load_key)
    keeper = agency.keeper()
    me = agency.file.gateway
    found = list(checks.own_papers(agency, keeper, clock))
    snapshot = keeper.standing.snapshot
    context = checks.client_context(agency, snapshot.roots if snapshot is not None else ())
    own = keeper.standing.way(me)
    if own is not None:
        at_home = msgspec.structs.replace(own, host=running.peer_host, port=running.peer_port)
        found += of_siblings(at_home, context, clock)
    remembered = Remembered(data / FOLDER / "doctor.json")
    others = [(one, way) for one in keeper.standing.servers() if one != me and (way := keeper.standing.way(one))]

    def called(one: tuple[ServerId, Route]) -> list[Finding]:
        server, route = one
        return [
            *checks.of_gateway(server, route, context, keeper, clock),
            *checks.of_log(server, route, context, remembered, clock),
        ]

    with ThreadPoolExecutor(DOCTOR_HANDS) as hands:
        for some in hands.map(called, others):
            found += some
        found += _gathered(hands.map(lambda pair: checks.of_call(running.edge, *pair), _pairs(running, keeper)))
    remembered.keep()
    checkpoint = data / FOLDER / "messages" / "log" / "checkpoint"
    signed = checkpoint.read_bytes() if checkpoint.exists() else b""
    foreign = sum(one.parts[:3] != me.parts[:3] for one, _ in others)
    return [*found, checks.witnessed(encoded(me), signed, origin_of(me.parts), foreign)]


def _gathered(found: Iterable[Finding]) -> Iterator[Finding]:
    """What a client may not ask, and nobody says that it needs, is one note."""
    nothing: dict[str, list[str]] = {}
    for one in found:
        if (one.level, one.code) == ("note", "no-grant"):
            client, _, subsystem = one.about.partition(" → ")
            nothing.setdefault(client, []).append(subsystem)
        else:
            yield one
    for client, subsystems in nothing.items():
        yield Finding(
            "note",
            "no-grant",
            client,
            f"May ask nothing of {', '.join(subsystems)}.",
            "Where the law has a basis, two officers of the provider grant it at /exchange/grants.",
        )


def _pairs(running: Running, keeper: Keeper) -> Iterator[tuple[ClientId, ClientId, bool]]:
    """Each client here with each subsystem of another member, and whether node.toml needs it."""
    if not running.edge:
        return
    needed = {(one.asks_as, one.at) for one in running.remotes}
    subsystems = [one.id for one in keeper.standing.listed() if one.id.subsystem]
    for name in running.clients:
        client = parse_client(name)
        for subsystem in subsystems:
            if subsystem.owner != client.owner:
                yield client, subsystem, (name, encoded(subsystem)) in needed


def _running(data: Path) -> Running:
    path = data / FOLDER / RUNNING
    try:
        return msgspec.json.decode(path.read_bytes(), type=Running)
    except FileNotFoundError as error:
        remedy = "Set [road] in node.toml and start it (./banyan up), or name its folder with --data."
        raise Invalid(f"No gateway has run in {data}.", remedy=remedy) from error
    except msgspec.MsgspecError as error:
        raise Invalid(f"{path} cannot be read.", remedy="Start the node again; it writes the file.") from error


class Remembered:
    """The keys of other gateways' logs as the doctor saw them first: later ones must be explained."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._sheets = msgspec.json.decode(path.read_bytes(), type=dict[str, bytes])
        except (FileNotFoundError, msgspec.MsgspecError):
            self._sheets = {}

    def known(self, server: ServerId) -> bytes | None:
        return self._sheets.get(encoded(server))

    def learn(self, server: ServerId, sheet: bytes) -> None:
        self._sheets.setdefault(encoded(server), sheet)

    def keep(self) -> None:
        write_file(self._path, msgspec.json.encode(self._sheets))


def _say(line: str) -> None:
    print(line, file=sys.stdout, flush=True)  # noqa: T201 - the verb's channel
