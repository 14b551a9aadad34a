"""What lets a node hold personal data: its ledger, its policy's records, and the gate's conscience over both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_bytes

import msgspec

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.conscience import Conscience
from banyan.kernel.exchange.gate import Log
from banyan.kernel.identity.pseudonyms import pseudonym_key
from banyan.kernel.ledger.cosigning import Cosigner
from banyan.kernel.ledger.keys import LedgerKeys, load_keys
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage import Store, close_drawer, open_drawer
from banyan.limits import LEDGER_PUBLISH_S
from banyan.settings import LedgerSettings
from banyan.wire.tlog.note import Verifier
from banyan.witnessing import cosigner_of, witnessed_by

MASTER_FILE = "subjects.key"


class Lawful(msgspec.Struct, frozen=True):
    """A node's ledger with its store and keys, the policy's records (in the same store, so that a use and what it uses
    up are one commit), and the gate's conscience."""

    ledger: Ledger
    ledger_store: Store
    keys: LedgerKeys
    policy: Store
    conscience: Conscience
    cosigner: Cosigner | None = None
    """Asks this log's witnesses; None without any."""
    witnessed: Mapping[str, Sequence[Verifier]] = {}
    """The keys of other agencies' logs that this node cosigns, by origin."""


@asynccontextmanager
async def open_lawful(
    data: Path, *, member: str, engine: str, clock: Clock, settings: LedgerSettings
) -> AsyncIterator[Lawful]:
    """Open them below `data`. `member` gives the log its origin: TW/GOV/CDC keeps `tw.gov.cdc/ledger`."""
    cosigner, witnessed = cosigner_of(settings, clock=clock), witnessed_by(settings)
    async with AsyncExitStack() as stack:
        if cosigner is not None:
            stack.callback(cosigner.close)
        (data / "ledger").mkdir(mode=0o700, exist_ok=True)
        drawer = open_drawer(
            data / "ledger",
            service="ledger",
            package="banyan.kernel.ledger",
            clock=clock,
            store=engine,
            also=("banyan.kernel.policy",),
        )
        stack.push_async_callback(close_drawer, drawer)
        origin = member.lower().replace("/", ".") + "/ledger"
        keys = load_keys(data / "ledger" / "keys", origin, random=token_bytes)
        ledger = Ledger(drawer.sql, data / "ledger" / "log", keys, random=token_bytes)
        subject_key = pseudonym_key(_master(data / MASTER_FILE), "ledger", member)
        conscience = Conscience(drawer.sql, ledger, subject_key=subject_key)
        yield Lawful(ledger, drawer.sql, keys, drawer.sql, conscience, cosigner, witnessed)


async def keep_publishing(lawful: Lawful, *, clock: Clock, log: Log) -> None:
    """Sign what is new every LEDGER_PUBLISH_S, until cancelled; then once more, so that nothing waits for a restart
    (without the witnesses, whom the next start asks: a stop waits for nobody)."""
    cosigner = lawful.cosigner
    try:
        while True:
            await asyncio.sleep(LEDGER_PUBLISH_S)
            try:
                is_new = await lawful.ledger.publish(int(clock()), cosigner) is not None
                if cosigner is not None and not is_new and not cosigner.is_met:
                    await lawful.ledger.cosign_again(cosigner)
            except (Problem, OSError) as problem:  # a full disk passes; the entries are durable and wait
                log("ledger.publish_failed", {"kind": type(problem).__name__})
    finally:
        await asyncio.shield(lawful.ledger.publish(int(clock())))


def _master(path: Path) -> bytes:
    """The key that names persons; made at first start. Losing it parts every person from their list of uses."""
    if not path.exists():
        staged = path.with_suffix(".new")
        staged.touch(mode=0o600)
        staged.write_bytes(token_bytes(32))
        staged.rename(path)
    return path.read_bytes()
