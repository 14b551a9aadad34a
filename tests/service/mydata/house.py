"""A node with the citizen's service and a bank's look-up of income, and a door where a token stands for a caller."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from tests.kernel.policy.test_judging import LOAN, NOW
from tests.make import SECRET, Client

from banyan.channel.web import build_portal
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.kernel.identity.caller import Caller
from banyan.kernel.ledger.entries import ReleaseRecord
from banyan.kernel.ledger.log import Recorded
from banyan.kernel.policy import records
from banyan.node import ROOT, Node, open_node
from banyan.service.mydata.parts import SERVICE as MYDATA
from banyan.settings import Settings

WANG, LEE = "A123456789", "F131104093"
TAX = Service("tax", title={"zh-Hant": "稅", "en": "Tax"}, package="tests.service.mydata")
ONLY = Settings(services=("banyan.service.mydata.parts:SERVICE", "tests.service.mydata.house:TAX"))
BANK = Caller("officer", "o-bank", agency="TW/COM/BANK", assurance="aal2")
SHOP = Caller("officer", "o-shop", agency="TW/COM/SHOP", assurance="aal2")
OFFICE = Caller("officer", "o-tax", agency="TW/GOV/TAX", assurance="aal2")


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: str
    fields: tuple[str, ...] = ()


class Income(msgspec.Struct, frozen=True):
    income: Annotated[int, personal("C081")] | UnsetType = UNSET
    year: Annotated[int, personal("C081")] | UnsetType = UNSET
    employer: Annotated[str, personal("C038")] | UnsetType = UNSET


class Mine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


WORDS = {"title": {"zh-Hant": "所得", "en": "Income"}, "summary": {"zh-Hant": "年度所得。", "en": "Income of a year."}}


@TAX.operation("income", **WORDS, data=("finance",), audience="officer", purpose="088", subject="person")
async def income(ctx: Context, request: Ask) -> Income:
    return Income(480_000, 2019, "榕市茶行")


@TAX.operation("mine", **WORDS, data=("finance",), audience="citizen", purpose="own-affairs")
async def mine(ctx: Context, request: Mine) -> Income:
    return Income(480_000, 2019, "榕市茶行")


class House(msgspec.Struct):
    """`now` moves the clock; `callers` are who a token stands for."""

    node: Node
    client: Client
    callers: dict[str, Caller]
    now: list[float]
    folder: Path

    def citizen(self, number: str) -> Caller:
        return Caller("citizen", "c", assurance="aal2", subject=self.node.lawful.conscience.subject(number).hex())

    async def call(self, operation: str, caller: Caller, /, **asked: Any) -> Any:
        return await self.node.gate.call(operation, asked, caller=caller)

    async def use(self, number: str = WANG, **changed: Any) -> Recorded:
        """A use of a person's data, as the gate writes it."""
        record = ReleaseRecord(
            at=self.now[0],
            operation="tax.income",
            action=WORDS["title"],
            receiver="TW/COM/BANK",
            receiver_name="Example Bank",
            system="api",
            basis=f"{LOAN.id}@{LOAN.version}",
            statute="x",
            purpose="088",
            fields=("income",),
            reference="c-1",
        )
        lawful = self.node.lawful
        changed_record = msgspec.structs.replace(record, **changed)
        return await lawful.ledger.release(lawful.conscience.subject(number), changed_record)

    async def publish(self) -> None:
        await self.node.lawful.ledger.publish(int(self.now[0]))


def in_a_house(
    story: Callable[[House], Awaitable[None]],
    after: Callable[[Path], None] = lambda folder: None,
    settings: Settings = ONLY,
) -> None:
    """Tell a story in a node; `after` looks at its folder once it is closed."""

    async def run() -> None:
        now = [float(NOW)]
        with tempfile.TemporaryDirectory() as folder:
            async with open_node(Path(folder), settings, clock=lambda: EpochS(now[0])) as node:
                await node.lawful.policy.write(lambda tx: records.put_basis(tx, LOAN, NOW))
                callers: dict[str, Caller] = {}
                work = Path(folder) / "w"
                work.mkdir()
                door = build_door(
                    node.catalogue,
                    node.gate,
                    identify=callers.get,
                    settings=DoorSettings(secret=SECRET, work=work, rate_scale=0.0),
                    log=lambda name, fields: None,
                    render=build_portal([MYDATA], site=ONLY.site, web=ROOT / "web").render,
                )
                house = House(node, Client(door), callers, now, Path(folder))
                callers.update(wang=house.citizen(WANG), lee=house.citizen(LEE), bank=BANK, tax=OFFICE)
                await story(house)
            after(Path(folder))

    asyncio.run(run())
