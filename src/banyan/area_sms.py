"""SMS by area on real nodes: a warning agency asks operators by the road, and an operator's node finds who is there.

Neither service knows the other: the request is a signed CAP document, the answer counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from banyan.cap_registers import register_in
from banyan.craft.notify.wording import checker
from banyan.craft.subscribers.table import table_at, wrong_rows
from banyan.errors import Invalid
from banyan.kernel.exchange import Gate, Remote
from banyan.kernel.exchange.remote import Envelope
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.masts import joined, read_file
from banyan.noticing import Notices
from banyan.roadside import Roadside
from banyan.service.alerts.afar import Afar, Heard, Operator
from banyan.service.areasms import asking, shelf
from banyan.service.areasms.parts import SERVICE
from banyan.settings import AreaSmsSettings, OperatorAt, Settings

NAME: Final = SERVICE.name


def operators_of(settings: Settings, way: Roadside, gate: Gate) -> Afar | None:
    """How this node's warnings reach operators; None when node.toml names none. Raises Invalid naming what is wrong."""
    named = settings.alerts.operators
    if not named:
        return None
    if len({one.name for one in named}) != len(named):
        raise Invalid.at("alerts.operators", "give each operator a name of its own")

    async def document(alert: str, number: int) -> str:
        said = await gate.call("alerts.cap", {"name": f"{alert}.{number}", "base": ""}, caller=ANONYMOUS)
        return str(said.body, "utf-8")

    return Afar({one.name: _operator(one, way) for one in named}, document)


def _operator(operator: OperatorAt, way: Roadside) -> Operator:
    field = f"alerts.operators {operator.name}"
    remote: Remote = way.remote(client=operator.asks_as, provider=operator.at, field=field)

    async def called(name: str, request: asking.Sending | asking.Stopping) -> Heard:
        said = await remote.call(SERVICE.operations[name], request, Envelope(SYSTEM, ""))
        assert isinstance(said, asking.Heard), "it was decoded as the operation says"
        return said

    return Operator(
        lambda document: called("send", asking.Sending(document, operator.basis)),
        lambda sender, identifier: called("stop", asking.Stopping(sender, identifier)),
    )


async def lend_area_sms(
    drawers: Mapping[str, Drawer], settings: Settings, lawful: Lawful, *, sms: Notices | None, data: Path
) -> None:
    """Give an operator's node its tables, when it has the service. Raises Invalid for what is missing or damaged: a
    warning that misses people without a word is worse than no start."""
    db = drawers.get(NAME)
    if db is None:
        return
    if sms is None:
        raise Invalid.at("areasms", "needs sms.enabled: it sends by this node's own binds")
    shelf.lend(db, await asyncio.to_thread(_shelf, settings.areasms, lawful, sms, data))


def _shelf(settings: AreaSmsSettings, lawful: Lawful, sms: Notices, data: Path) -> shelf.Shelf:
    if not settings.tables:
        raise Invalid.at("areasms.tables", "name at least one table of subscribers")
    if not settings.register:
        raise Invalid.at("areasms.register", "name the folder of the senders whose signed warnings are sent")
    register = register_in(data / settings.register)
    if not register.senders:
        raise Invalid.at("areasms.register", "pin at least one sender")
    tables = tuple(table_at(data / one, "areasms.tables") for one in settings.tables)
    for one in tables:
        count = wrong_rows(one)
        if count:
            raise Invalid.at("areasms.tables", f"{one.path.name}: {count} rows have no good number or place")
    cells = None
    if any(one.key == "cell" for one in tables):
        if not settings.cells:
            raise Invalid.at("areasms.cells", "tables with a column `cell` need the operator's cells")
        reads = [read_file(data / one, where=settings.where, field="areasms.cells") for one in settings.cells]
        bad = sum(one.bad_rows for one in reads)
        if bad:
            raise Invalid.at("areasms.cells", f"{bad} bad rows; ./banyan fence cells names them")
        cells = joined([one.table for one in reads])
    return shelf.Shelf(sms.outbox, tables, cells, register, lawful.ledger, checker(sms.outbox.rules))
