"""The price of lawfulness: one release of personal data through the gate, at 10 and at 100,000 bases and consents.

    ./banyan bench gate [--quick] [--json]

Ours is the whole way of a release: read the person's consents, judge, run, minimise, write the use into the ledger
(durable, `synchronous=FULL`) and count it; by 64 callers of one event loop, each waiting for its own. Every person has
a consent of its own, every recipient a basis and a purpose of its own; persons are drawn at random. The peers only
decide: cedarpy with one policy a consent, casbin with one line a consent, OPA's language (regopy) with consents as data
under their person. They read no database and write nothing, so `decision` of ours (read and judge) is what compares
with them. CPU of the whole process, its threads too; rounds interleaved, medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import uvloop

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from banyan.kernel.catalogue import Catalogue, Context, Service  # noqa: E402
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal  # noqa: E402
from banyan.kernel.events.clock import EpochS  # noqa: E402
from banyan.kernel.exchange import Gate  # noqa: E402
from banyan.kernel.exchange.conscience import Conscience  # noqa: E402
from banyan.kernel.exchange.gate import emit_to_feeds  # noqa: E402
from banyan.kernel.identity.caller import Caller  # noqa: E402
from banyan.kernel.ledger.keys import LedgerKeys  # noqa: E402
from banyan.kernel.ledger.log import Ledger  # noqa: E402
from banyan.kernel.policy import judging, records  # noqa: E402
from banyan.kernel.policy.bases import LegalBasis, Statute  # noqa: E402
from banyan.kernel.policy.consents import Consent, Purpose  # noqa: E402
from banyan.kernel.storage import close_drawer, open_drawer  # noqa: E402
from banyan.kernel.storage.store import SqlValue, Tx  # noqa: E402

TARGET_US: Final = 250.0
FLAT: Final = 1.25
"""CPU at 100,000 over CPU at 10 that still counts as flat on a shared machine."""
Row = dict[str, SqlValue]
CALLERS: Final = 64
NOW: Final = EpochS(1_600_000_000.0)
SIZES: Final = (10, 100_000)
PEER_SIZES: Final = {"cedarpy": (10, 1_000, 5_000), "casbin": (10, 1_000, 5_000), "regopy": (10, 1_000)}
ALSO: Final = {"ledger": ("banyan.kernel.policy",)}
USES: Final = 10_000_000
"""Of a person a day for a purpose: more than a run makes, so that every one is counted and none refused."""
TITLE: Final = {"zh-Hant": "所得", "en": "Income"}


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: str
    fields: tuple[str, ...] = ()


class Income(msgspec.Struct, frozen=True):
    as_of: str
    income: Annotated[int, personal("C081")] | UnsetType = UNSET
    year: Annotated[int, personal("C081")] | UnsetType = UNSET
    employer: Annotated[str, personal("C081")] | UnsetType = UNSET


def tax() -> Service:
    service = Service("tax", title=TITLE, package="tests.kernel.exchange")

    @service.operation(
        "income", title=TITLE, summary=TITLE, data=("finance",), audience="hospital", purpose="088", subject="person"
    )
    async def income(ctx: Context, request: Ask) -> Income:
        return Income("2020", 640_000, 2019, "台灣示範公司")

    return service


def number_of(place: int) -> str:
    """A national number with its check digit."""
    digits = f"1{place:07}"
    tail = sum(int(digit) * weight for digit, weight in zip(digits, (8, 7, 6, 5, 4, 3, 2, 1), strict=True))
    return f"A{digits}{-(1 + tail) % 10}"


class World(msgspec.Struct):
    gate: Any
    conscience: Conscience
    policy: Any
    size: int
    dice: random.Random

    def drawn(self) -> tuple[Caller, Ask]:
        place = self.dice.randrange(self.size)
        caller = Caller("app", "app", agency=f"TW/COM/{place}", assurance="aal2", consents=(f"c-{place}",))
        return caller, Ask(number_of(place), ("income",))

    async def release(self, caller: Caller, asked: Ask) -> None:
        answer = await self.gate.call("tax.income", asked, caller=caller)
        assert answer.income == 640_000
        assert answer.year is UNSET

    async def decide(self, caller: Caller, asked: Ask) -> None:
        declared = self.gate.catalogue.operation("tax.income")
        weighed = await self.conscience.weigh(declared, asked, caller, purpose="", now=NOW)
        assert weighed.verdict.is_allowed


@asynccontextmanager
async def a_world(folder: Path, size: int) -> AsyncIterator[World]:
    packages = {"tax": "tests.kernel.exchange", "ledger": "banyan.kernel.ledger"}
    drawers = {
        name: open_drawer(folder / name, service=name, package=package, clock=lambda: NOW, also=ALSO.get(name, ()))
        for name, package in packages.items()
    }
    numbers = count()
    keys = LedgerKeys("bench.example/log", ed25519=bytes(32), ml_dsa_44=bytes(32), witness=bytes(32))
    ledger = Ledger(
        drawers["ledger"].sql,
        folder / "tiles",
        keys,
        random=lambda length: sha256(b"%d" % next(numbers)).digest()[:length],
    )
    policy = drawers["ledger"].sql
    conscience = Conscience(policy, ledger, subject_key=bytes(32))
    for start in range(0, size, 10_000):
        await policy.write(partial(filled, conscience=conscience, places=range(start, min(start + 10_000, size))))
    gate = Gate(
        Catalogue([tax()]), drawers, clock=lambda: NOW, emit=emit_to_feeds(drawers, lambda: NOW),
        log=lambda name, fields: None, conscience=conscience,
    )  # fmt: skip
    try:
        yield World(gate, conscience, policy, size, random.Random(size))
    finally:
        for drawer in drawers.values():
            await close_drawer(drawer)


def filled(tx: Tx, conscience: Conscience, places: Sequence[int]) -> None:
    """A basis, a purpose and a consent each; many rows a statement, else filling takes longer than measuring."""
    statute = Statute("I0050021", "16", {"zh-Hant": "個人資料保護法", "en": "Personal Data Protection Act"})
    encode = msgspec.json.encode
    bases: list[Row] = []
    purposes: list[Row] = []
    consents: list[Row] = []
    for place in places:
        recipient = f"TW/COM/{place}"
        basis = LegalBasis(
            id=f"loan-{place}", title=TITLE, kind="consent", statute=statute, pdpa="16-7", operations=("tax.income",),
            purposes=("088",), categories=("C081",), recipients=(recipient,), fields=("income", "year"),
            valid_from=EpochS(0.0), retention_days=90, needs="consent",
        )  # fmt: skip
        purpose = Purpose(f"p-{place}", recipient, TITLE, "offer", "088", TITLE, ("income",), days=30, per_day=USES)
        subject = conscience.subject(number_of(place)).hex()
        consent = Consent(
            f"c-{place}", subject, purpose.id, ("income",), "given", NOW, given_at=NOW, until=EpochS(NOW + 86_400)
        )
        bases.append({"id": basis.id, "version": basis.version, "document": encode(basis)})
        purposes.append({"id": purpose.id, "recipient": recipient, "document": encode(purpose)})
        consents.append({"id": consent.id, "subject": subject, "recipient": recipient, "purpose": purpose.id,
                         "code": "088", "document": encode(consent)})  # fmt: skip
    tx.run_many(records.SQL["put_basis"], bases)
    tx.run_many(records.SQL["put_purpose"], purposes)
    tx.run_many(records.SQL["put_consent"], consents)


async def cost(world: World, what: str, each: int) -> tuple[float, float]:
    """(CPU microseconds, wall microseconds) of one, by 64 callers at once."""

    drawn = iter([world.drawn() for _ in range(each * CALLERS)])  # making them is not part of a release
    act = world.release if what == "release" else world.decide

    async def caller() -> None:
        for _ in range(each):
            await act(*next(drawn))

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    done = each * CALLERS / 1e6
    return (time.process_time() - cpu) / done, (time.perf_counter() - wall) / done


def cold(register: Any, tries: int) -> float:
    """CPU microseconds of a kind of question that Cedar was never asked."""
    basis = next(iter(register.by_id.values()))
    consent = judging.ConsentTerms("c", basis.recipients[0], "088", ("income",), EpochS(NOW + 1), is_active=True)
    use = judging.Use("tax.income", "088", basis.recipients[0], ("income",), NOW, 2, (consent,))
    started = time.process_time()
    for _ in range(tries):
        assert judging.ask_cedar(judging.Question(basis, use, consent)) is None
    return (time.process_time() - started) / tries * 1e6


class Peer:
    """An engine in its own process; asked once a round."""

    def __init__(self, name: str) -> None:
        python = ROOT / (".venv" if name == "cedarpy" else ".venv-proof") / "bin/python"
        command = [str(python), str(ROOT / "bench/_gate_peers.py"), name, *map(str, PEER_SIZES[name])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.set_up: dict[str, float] = self._read()
        self.rounds: list[dict[str, float]] = []

    def ask(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.rounds.append(self._read())

    def end(self) -> dict[str, float]:
        """The median microseconds by size."""
        self._process.communicate()
        return {size: round(statistics.median(one[size] for one in self.rounds), 1) for size in self.set_up}

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


async def measure(folder: Path, *, rounds: int, each: int) -> dict[str, Any]:
    found: dict[str, list[float]] = {}
    async with a_world(folder / "small", SIZES[0]) as small, a_world(folder / "large", SIZES[1]) as large:
        peers = {name: Peer(name) for name in PEER_SIZES}
        for world in (small, large):
            await cost(world, "release", 2)
        for _ in range(rounds):
            for world in (small, large):
                cpu, wall = await cost(world, "release", each)
                found.setdefault(f"release CPU us at {world.size}", []).append(cpu)
                found.setdefault(f"releases/s at {world.size}", []).append(1e6 / wall)
                found.setdefault(f"decision CPU us at {world.size}", []).append((await cost(world, "decide", each))[0])
            register = await small.policy.read(records.read_register)
            found.setdefault("decision CPU us, Cedar asked", []).append(cold(register, 200))
            for peer in peers.values():
                peer.ask()
        medians: dict[str, Any] = {name: round(statistics.median(values), 1) for name, values in found.items()}
        for name, peer in peers.items():
            medians[f"{name} decision us"] = peer.end()
            medians[f"{name} set-up s"] = peer.set_up
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under 60 s")
    parser.add_argument("--json", action="store_true", help="the last line is the result as one JSON object")
    options = parser.parse_args()
    print(__doc__.split("\n")[0])
    rounds, each = (3, 20) if options.quick else (9, 100)
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        detail = uvloop.run(measure(Path(folder), rounds=rounds, each=each))
    for name, value in detail.items():
        print(f"{name:40} {value}")
    small, large = (detail[f"release CPU us at {size}"] for size in SIZES)
    growth = round(large / small, 2)
    cedar = detail["cedarpy decision us"][str(PEER_SIZES["cedarpy"][-1])]
    ratio = round(cedar / detail[f"decision CPU us at {SIZES[1]}"], 1)
    detail |= {"growth": growth, "callers": CALLERS, "rounds": rounds}
    result = {
        "name": "gate", "peer": "cedarpy, one policy a consent, 5,000 of them: decision / our decision at 100,000",
        "ratio": ratio, "target": f"release <= {TARGET_US:.0f} us CPU, growth <= {FLAT}",
        "met": max(small, large) <= TARGET_US and growth <= FLAT, "detail": detail,
    }  # fmt: skip
    if options.json:
        print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
