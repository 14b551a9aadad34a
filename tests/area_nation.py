"""A warning agency and a telephone operator, two nodes with a gateway each, and the operator's own SMS centre."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.craft.notify.tools import a_simulator
from tests.make import NOW
from tests.service.alerts.values import CONTENT
from tests.service.alerts.world import SECOND, WRITER, warrant

from banyan.craft.notify.simulator import Simulator
from banyan.demo.federation.founding import House, found, settings_of
from banyan.demo.federation.hosting import free_port
from banyan.demo.federation.members import Member
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.node import Node, open_node
from banyan.service.alerts import dispatch, keeping
from banyan.settings import (
    AlertSettings,
    AreaSmsSettings,
    OperatorAt,
    RoadOffer,
    RoadSettings,
    Settings,
    SmsBind,
    SmsSettings,
)

EOC = Member("TW/GOV/EOC", "warnings", "應變中心", "Emergency centre", "eoc")
TELECOM = Member("TW/COM/TELECOM", "warnings", "榕樹電信", "Banyan Telecom", "telecom")
SERVICE = f"{TELECOM.client}/areasms"
BASIS = "災害防救法"
SITES = "cell,lon,lat\n466-92-10101-1,121.60,23.98\n466-92-10101-2,121.55,23.90\n466-92-10101-3,120.20,23.00\n"
"""Two in Hualien, one far from it."""
HERE, AWAY = ("466-92-10101-1", "466-92-10101-2"), "466-92-10101-3"


def subscriber(at: int) -> str:
    return f"+8869{at:08}"


def table(count: int) -> str:
    """`count` telephones in Hualien, every fourth of a foreigner, and one of them twice; ten elsewhere."""
    rows = [f"{subscriber(one)},{HERE[one % 2]},{'vi' if one % 4 == 3 else 'zh-TW'}" for one in range(count)]
    rows += [f"{subscriber(0)},{HERE[1]},zh-TW", *(f"{subscriber(900 + one)},{AWAY},zh-TW" for one in range(10))]
    return "\n".join(["number,cell,lang", *rows, ""])


class Two(msgspec.Struct):
    """`now` moves both clocks."""

    agency: Node
    operator: Node
    smsc: Simulator
    now: list[float]

    async def released(self, key: str = "a", **changes: Any) -> str:
        content = msgspec.to_builtins(msgspec.structs.replace(CONTENT, channels=("sms",), **changes))
        asked = {"key": f"{key}-draft-0001", "content": content}
        stands = await self.agency.gate.call("alerts.draft", asked, caller=WRITER)
        stands = await self.agency.gate.call(
            "alerts.propose", {"key": f"{key}-propose-01", "id": stands.id}, caller=WRITER
        )
        asked = {"key": f"{key}-release-01", "id": stands.id, "digest": stands.digest}
        await self.agency.gate.call("alerts.release", asked, caller=SECOND)
        return str(stands.id)

    async def cancelled(self, id: str) -> None:
        words = {"zh-Hant": {"headline": "警戒解除"}, "en": {"headline": "It is over"}}
        await self.agency.gate.call("alerts.cancel", {"key": "cancel-0001", "id": id, "words": words}, caller=WRITER)

    async def result(self, id: str, number: int = 1) -> keeping.Result:
        found = await self.agency.drawers["alerts"].sql.read(lambda tx: keeping.results_of(tx, id))
        return next(one for one in found if (one.version, one.channel) == (number, "sms"))

    async def turn(self) -> None:
        await dispatch.turn(self.agency.gate.context("alerts", SYSTEM), None)  # type: ignore[arg-type]

    async def told(self, id: str, number: int = 1) -> keeping.Result:
        """What came of it, once the channel is done."""
        async with asyncio.timeout(30):
            while True:
                await self.turn()
                found = await self.result(id, number)
                if found.state != "waiting":
                    return found
                self.now[0] += 1
                await asyncio.sleep(0.01)

    async def document(self, id: str, number: int = 1) -> str:
        said = await self.agency.gate.call("alerts.cap", {"name": f"{id}.{number}", "base": ""}, caller=ANONYMOUS)
        return str(said.body, "utf-8")

    async def ask(self, operation: str, caller: Caller, /, **asked: Any) -> Any:
        return await self.operator.gate.call(f"areasms.{operation}", asked, caller=caller)


MEMBER = Caller("app", "TW/GOV/EOC/warnings", channel="road", agency="TW/GOV/EOC", assurance="aal2")
"""How the operator's gate sees the agency, by the road."""


@asynccontextmanager
async def two_nodes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, count: int = 40, tables: Sequence[tuple[str, bytes]] = (),
    rate: float = 10_000.0, port: int = 0, is_granted: bool = True, is_working: bool = True,
) -> AsyncIterator[Two]:  # fmt: skip
    """`port` is that of an SMSC of another (9: none answers there); else a simulator's."""
    monkeypatch.setenv("BANYAN_SMS_ONE", "secret")
    now = [float(NOW)]
    houses = [House(EOC, folder / "eoc", free_port(0)), House(TELECOM, folder / "telecom", free_port(0))]
    found(folder / "centre", houses, clock=lambda: EpochS(now[0]))
    roads = [settings_of(one, edge_port=0, centre=None, remotes={}) for one in houses]
    eoc = open_node(folder / "eoc", agency_settings(roads[0]), clock=lambda: EpochS(now[0]))
    async with a_simulator() as smsc, eoc as agency:
        await warrant(agency)
        await pin(agency, folder / "telecom" / "senders")
        files = tables or (("here.csv", table(count).encode()),)
        for name, content in (*files, ("sites.csv", SITES.encode())):
            write(folder / "telecom" / name, content)
        wanted = operator_settings(roads[1], port or smsc.port, rate, tuple(name for name, _ in files))
        async with open_node(folder / "telecom", wanted, clock=lambda: EpochS(now[0])) as operator:
            if is_granted:
                await grant(operator)
            two = Two(agency, operator, smsc, now)
            if not is_working:
                yield two
                return
            async with working(operator):
                yield two


@asynccontextmanager
async def working(operator: Node) -> AsyncIterator[None]:
    """The operator's timers, as a node that is served has them."""
    service = operator.gate.catalogue.services["areasms"]
    attendant = Attendant(service, operator.drawers["areasms"], operator.gate, log=lambda *_: None, jitter=lambda: 0.5)
    task = asyncio.create_task(attendant.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def agency_settings(road: RoadSettings) -> Settings:
    services = tuple(f"banyan.service.{one}.parts:SERVICE" for one in ("alerts", "identity", "exchange"))
    operator = OperatorAt("telecom", TELECOM.client, EOC.client, BASIS)
    return Settings(member=EOC.id, services=services, road=road, alerts=AlertSettings(operators=(operator,)))


def operator_settings(road: RoadSettings, port: int, rate: float, tables: tuple[str, ...]) -> Settings:
    services = tuple(f"banyan.service.{one}.parts:SERVICE" for one in ("areasms", "identity", "exchange"))
    bind = SmsBind(name="one", host="127.0.0.1", port=port, system_id="banyan", rate=rate, window=10)
    offer = RoadOffer(SERVICE, "gate:areasms", title="區域簡訊", title_en="SMS by area")
    return Settings(
        member=TELECOM.id, services=services, sms=SmsSettings(enabled=True, binds=(bind,)),
        road=msgspec.structs.replace(road, offers=(offer,)),
        areasms=AreaSmsSettings(tables=tables, cells=("sites.csv",), register="senders"),
    )  # fmt: skip


async def pin(agency: Node, folder: Path) -> None:
    """The operator takes the agency's certificate, as anybody can from its page."""
    for name in ("senders.toml", "cap-1.pem"):
        write(folder / name, await agency.gate.call("alerts.register", {"name": name}, caller=ANONYMOUS))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def grant(operator: Node) -> None:
    officers = [Caller("officer", f"telecom-{n}", agency=TELECOM.id, assurance="aal2") for n in (1, 2)]
    asked = {"client": EOC.client, "service": SERVICE, "until": "2027-12-31T00:00:00Z"}
    made = await operator.gate.call("exchange.propose_grant", asked, caller=officers[0])
    await operator.gate.call("exchange.approve_grant", {"id": made.id}, caller=officers[1])
