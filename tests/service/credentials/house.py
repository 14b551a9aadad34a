"""A node with the service of credentials, a register of households, and our own wallet; the test moves the clock."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from joserfc.jwk import ECKey
from tests.kernel.identity.openid.making import public, signed
from tests.make import SECRET, Client, Reply

from banyan.channel.web import build_portal
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import App, DoorSettings, build_door
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.openid.alarms import Alarm
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis, Statute
from banyan.node import ROOT, Node, open_node
from banyan.service.credentials.parts import SERVICE
from banyan.settings import Settings
from banyan.wire.openid4vci import PRE_AUTHORIZED, read_offer

WANG, LEE = "A123456789", "F131104093"
START = 1_795_438_800.0
ORIGIN = "http://localhost"
KIND = "hukou.household"
CHOSEN = ("name", "county", "members", "status")
HUKOU = Service("hukou", title={"zh-Hant": "戶籍", "en": "Households"}, package="tests.service.credentials")
ONLY = Settings(
    services=(
        "banyan.service.credentials.parts:SERVICE",
        "banyan.service.identity.parts:SERVICE",
        "tests.service.credentials.house:HUKOU",
    )
)
CLERK = Caller("officer", "o-1", agency=ONLY.member, assurance="aal2")
OTHER = Caller("officer", "o-2", agency="TW/GOV/CDC", assurance="aal2")


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: str = ""
    fields: tuple[str, ...] = ()


class Member(msgspec.Struct, frozen=True):
    name: str
    relation: str


class Household(msgspec.Struct, frozen=True):
    as_of: str
    name: (
        Annotated[str, personal("C001"), msgspec.Meta(extra={"label": {"zh-Hant": "姓名", "en": "Name"}})] | UnsetType
    ) = UNSET
    county: Annotated[str, personal("C031")] | UnsetType = UNSET
    members: Annotated[tuple[Member, ...], personal("C021")] | UnsetType = UNSET
    status: Annotated[str, personal("C011")] | UnsetType = UNSET
    note: Annotated[str, personal("C011")] | UnsetType = UNSET
    secret: Annotated[str, personal("C011")] | UnsetType = UNSET


PEOPLE = {
    WANG: Household(
        "2026-11-23", "王小榕", "花蓮縣", (Member("王大樹", "父"), Member("王小枝", "妹")), "在籍", "=1+1", "x"
    ),
    LEE: Household("2026-11-23", "李四", "臺北市", (), "遷出", "+1", "x"),
}
NUMBERS: dict[str, str] = {}
"""By a person's name in policy and ledger; filled when the house opens."""
WORDS = {
    "title": {"zh-Hant": "戶籍謄本", "en": "Household record"},
    "summary": {"zh-Hant": "自己的戶籍資料。", "en": "One's own household."},
}


@HUKOU.operation("household", **WORDS, data=("family",), audience="officer", purpose="015", subject="person")
async def household(ctx: Context, request: Ask) -> Household:
    """`person` empty: whoever asks, as the gate weighed it."""
    return PEOPLE[request.person or NUMBERS[ctx.caller.subject]]


@HUKOU.operation("hidden", **WORDS, data=("family",), audience="officer", purpose="015", subject="person")
async def hidden(ctx: Context, request: Ask) -> Household:
    """No basis gives it to the person themselves."""
    return PEOPLE[request.person]


OWN = LegalBasis(
    id="own-household",
    title={"zh-Hant": "當事人查閱", "en": "A person's own right to see"},
    kind="legal-obligation",
    statute=Statute("I0050021", "3", {"zh-Hant": "個人資料保護法", "en": "Personal Data Protection Act"}),
    pdpa="15-1",
    operations=(KIND,),
    purposes=("015",),
    categories=("C001",),
    recipients=("*",),
    fields=("name", "county", "members", "status", "note"),
    valid_from=EpochS(0),
    retention_days=1,
    needs="self",
)


class House(msgspec.Struct):
    """`now` moves the clock; `callers` are who a token stands for at the door (`app`)."""

    node: Node
    app: App
    client: Client
    callers: dict[str, Caller]
    now: list[float]

    def citizen(self, number: str) -> Caller:
        return Caller("citizen", "c", assurance="aal2", subject=self.node.lawful.conscience.subject(number).hex())

    async def call(self, operation: str, caller: Caller, /, **asked: Any) -> Any:
        return await self.node.gate.call(operation, asked, caller=caller)

    async def offer(self, number: str = WANG, fields: tuple[str, ...] = CHOSEN) -> Any:
        return await self.call("credentials.offer", self.citizen(number), kind=KIND, fields=list(fields), origin=ORIGIN)

    def alarms(self) -> Sequence[Alarm]:
        return self.node.persons.alarms.newest(100)

    async def uses(self, number: str = WANG) -> int:
        """How often this person's data was used, by the ledger."""
        ledger, conscience = self.node.lawful.ledger, self.node.lawful.conscience
        return len((await ledger.history(conscience.subject(number), most=100)).uses)


class Wallet:
    """A wallet by the specification, so that each of its steps can be bent. `keys` hold the credentials."""

    def __init__(self, house: House, *, keys: int = 3, origin: str = ORIGIN) -> None:
        self.house, self.client, self.origin = house, house.client, origin
        self.keys = [ECKey.generate_key("P-256") for _ in range(keys)]

    async def token(self, offered: Any, **changes: str) -> Reply:
        offer = read_offer(offered.url)
        grant = offer.grants.pre_authorized
        form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": grant.code, "tx_code": offered.tx_code} | changes
        return await self.client.post("/openid/token", form=form)

    async def access(self, offered: Any) -> str:
        return str((await self.token(offered)).json["access_token"])

    async def nonce(self) -> str:
        return str((await self.client.post("/openid/nonce")).json["c_nonce"])

    def proof(self, key: ECKey, nonce: str, **claims: Any) -> str:
        values = {"aud": self.origin, "nonce": nonce, "iat": int(self.house.now[0])} | claims
        return signed(values, key, typ="openid4vci-proof+jwt", jwk=public(key))

    async def ask(self, access: str, *, nonce: str = "", **changes: Any) -> Reply:
        nonce = nonce or await self.nonce()
        body = {
            "credential_configuration_id": KIND,
            "proofs": {"jwt": [self.proof(key, nonce) for key in self.keys]},
        } | changes
        kept = {name: value for name, value in body.items() if value is not None}
        headers = {"Authorization": f"Bearer {access}"}
        headers["Host"] = self.origin.partition("://")[2]
        return await self.client.post("/openid/credential", json=kept, headers=headers)

    async def credentials(self, offered: Any) -> list[str]:
        answer = await self.ask(await self.access(offered))
        assert answer.status == 200, answer.text
        return [one["credential"] for one in answer.json["credentials"]]


async def fetched(house: House, **fields: Any) -> tuple[Wallet, list[str]]:
    """A wallet that holds the credentials of a new offer."""
    wallet = Wallet(house)
    return wallet, await wallet.credentials(await house.offer(**fields))


def jwks(reply: Reply) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads(reply.body)["jwks"]["keys"]
    return keys


def in_a_house(story: Callable[[House], Awaitable[None]]) -> None:
    """Tell a story in a node."""

    async def run() -> None:
        now = [START]
        with tempfile.TemporaryDirectory() as folder:
            async with open_node(Path(folder), ONLY, clock=lambda: EpochS(now[0])) as node:
                await node.lawful.policy.write(lambda tx: records.put_basis(tx, OWN, EpochS(START)))
                node.lawful.conscience.forget()
                house = furnished(node, Path(folder), now)
                await story(house)

    asyncio.run(run())


def furnished(node: Node, folder: Path, now: list[float]) -> House:
    """The house of a node: its door knows callers by token."""
    callers: dict[str, Caller] = {}
    NUMBERS.update({node.lawful.conscience.subject(number).hex(): number for number in (WANG, LEE)})
    work = folder / "w"
    work.mkdir()
    door = build_door(
        node.catalogue,
        node.gate,
        identify=callers.get,
        settings=DoorSettings(secret=SECRET, work=work, rate_scale=0.0),
        log=lambda name, fields: None,
        render=build_portal([SERVICE], site=ONLY.site, web=ROOT / "web").render,
    )
    house = House(node, door, Client(door), callers, now)
    callers.update(wang=house.citizen(WANG), lee=house.citizen(LEE), clerk=CLERK, other=OTHER)
    return house
