"""Another's name, number or record's id opens nothing: every endpoint, asked by everybody whom it does not concern.

The walk reads the registry, so a new endpoint is walked too. It sends the victim's own ids and numbers, well formed, as
a stranger, another person, officers of other agencies, another person's app, and (reading) the administrator; nothing
of the victim's may come back, and nothing of theirs may have changed. Source: OWASP ASVS 5.0 V8.2.2 (IDOR, BOLA).
"""

from __future__ import annotations

import asyncio
import json
import types
import typing
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin
from urllib.parse import urlencode

import msgspec
import pytest
from tests.kernel.identity.openid.making import ISSUER, World, a_client
from tests.kernel.policy.test_judging import LOAN
from tests.make import NOW, Client, Reply, frozen_clock
from tests.service.mydata.house import BANK, LEE, OFFICE, WANG
from tests.service.mydata.test_consents import OFFER, WANTED

from banyan.demo.personas import seed_personas
from banyan.kernel.catalogue import Context, Operation, Service
from banyan.kernel.exchange.endpoint import Endpoint, endpoints_of
from banyan.kernel.exchange.session import Sessions
from banyan.kernel.identity import people
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.openid import records as accounts
from banyan.kernel.identity.openid.clients import checked
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.policy import records
from banyan.node import Node, open_node
from banyan.settings import STANDARD_SERVICES, Settings, Site

HOST: Final = ISSUER.removeprefix("https://")
OPEN_ONLY: Final = ("opendata", "supplies")
"""Services of open data alone: they are walked for what is hidden in tests/test_hidden_datasets.py."""
MARKS: Final = ("墨目的", "ink purpose", "榕市茶行", "480000", "480_000", WANG)
"""Words of the victim's affairs, and her number."""
WAYS: Final = 12
"""Of the ways to fill one endpoint's fields, so many are tried: the first hold the victim's own."""
Who = Literal["stranger", "neighbour", "epidemic", "border", "clerk", "app", "administrator"]
ATTACKERS: Final = typing.get_args(Who)


HOLE = Service("hole", title={"zh-Hant": "破洞", "en": "Hole"}, package="tests.service.mydata")
_WORDS: Any = {"title": {"zh-Hant": "破洞", "en": "Hole"}, "summary": {"zh-Hant": "不查身分。", "en": "Asks nobody."}}


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    consent: str


class Told(msgspec.Struct, frozen=True):
    words: str


@HOLE.operation("look", **_WORDS, data=("open",), audience="public")
async def look(ctx: Context, request: Look) -> Told:
    return Told("墨目的" if len(request.consent) > 1 else "")


class Victim(msgspec.Struct, frozen=True):
    """What an attacker may have got hold of."""

    consent: str
    grant: str
    subject: str
    account: str
    index: int

    def values(self, field: str) -> list[object]:
        """Her own values for a field of this name; empty when it is none that names a person or a record."""
        ids = [self.consent, self.account, self.grant, self.subject, "loan-1"]
        known: dict[str, list[object]] = {
            "person": [WANG],
            "number": [WANG, self.index],
            "user_code": [WANG],
            "subject": [WANG, self.subject],
            "index": [self.index],
            "use": [self.index],
            "consent": [self.consent],
            "name": ["demo.lin", self.consent],
            "account": [self.account, "demo.lin"],
            "purpose": ["loan-1", "088"],
        }
        return known.get(field) or (ids if field == "id" or field.endswith("_id") else [])


class Attack(msgspec.Struct, frozen=True):
    who: Who
    method: str
    target: str
    body: object = None
    is_form: bool = False


class House:
    """A node with a victim (demo.lin) whose consent was given and used, and who else there is."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.node, self.client = node, Client(node.app)
        self.app = World(node.persons.store)
        self.app.provider, self.app.now = node.persons, NOW
        self._sessions = Sessions((folder / "secret").read_bytes())
        self._cookies: dict[str, str] = {}
        self._token = ""

    @property
    def victim(self) -> Caller:
        subject = self.node.lawful.conscience.subject(WANG).hex()
        return Caller("citizen", "c", assurance="aal2", subject=subject)

    async def fill(self) -> Victim:
        node, gate = self.node, self.node.gate
        await seed_personas(node.persons)
        await people.add(node.persons, Account(id="", name="lee.neighbour", kind="citizen", is_demo=True), number=LEE)
        app = checked(a_client(details=()))
        await node.persons.store.write(lambda tx: accounts.put_client(tx, app, NOW))
        await node.lawful.policy.write(lambda tx: records.put_basis(tx, LOAN, NOW))
        node.lawful.conscience.forget()  # a service read the register at the start
        await gate.call("mydata.declare_service", OFFER, caller=OFFICE)
        wanted = WANTED | {"text_zh": "墨目的", "text_en": "ink purpose"}
        await gate.call("mydata.declare_purpose", wanted, caller=BANK)
        asked = await gate.call("mydata.request_consent", {"purpose": "loan-1", "person": WANG}, caller=BANK)
        await gate.call("mydata.give", {"consent": asked.consent, "fields": ["income"]}, caller=self.victim)
        await gate.call("tax.income", {"person": WANG, "fields": ["income"]}, caller=BANK)
        await node.lawful.ledger.publish(int(NOW))
        self._token = str((await self.app.redeem(await self.app.code("lee.neighbour")))["access_token"])
        await self.app.code("demo.lin")
        account = await node.persons.store.read(lambda tx: accounts.account_by_name(tx, "demo.lin"))
        assert account is not None
        granted = await node.persons.store.read(lambda tx: accounts.granted_by(tx, account.id, NOW))
        for who, name in (("neighbour", "lee.neighbour"), ("epidemic", "demo.epidemic"), ("border", "demo.border"),
                          ("clerk", "demo.clerk")):  # fmt: skip
            self._cookies[who] = await self.app.signed_in(name)
        uses = await gate.call("mydata.uses", {}, caller=self.victim)
        index = int(str(uses.uses[0].receipt).rsplit("/", 1)[1])
        return Victim(asked.consent, granted[0].id, self.victim.subject, account.id, index)

    async def affairs(self) -> bytes:
        """All that the victim herself can see of her affairs."""
        gate, seen = self.node.gate, []
        for operation in ("uses", "consents", "secondary_uses"):
            seen.append(await gate.call(f"mydata.{operation}", {}, caller=self.victim))
        account = await self.node.persons.store.read(lambda tx: accounts.account_by_name(tx, "demo.lin"))
        assert account is not None
        granted = await self.node.persons.store.read(lambda tx: accounts.granted_by(tx, account.id, NOW))
        return msgspec.json.encode([seen, account, granted])

    async def ask(self, attack: Attack) -> Reply:
        headers = {"host": HOST}
        if attack.who == "administrator":
            headers["authorization"] = f"Bearer {self.node.token}"
        elif attack.who == "app":
            path = attack.target.partition("?")[0]
            proof = self.app.proof(path, method=attack.method, access_token=self._token)
            headers |= {"authorization": f"DPoP {self._token}", "dpop": proof}
        elif attack.who != "stranger":
            cookie = self._cookies[attack.who]
            headers |= {"cookie": f"__Host-openid={cookie}", "x-csrf-token": self._sessions.csrf_of(cookie)}
        options: dict[str, Any] = {}
        if attack.method == "POST":
            options = {"form": attack.body} if attack.is_form else {"json": attack.body}
            if attack.is_form and "x-csrf-token" in headers:
                options["form"] = {**options["form"], "csrf_token": headers["x-csrf-token"]}
        return await self.client.request(attack.method, attack.target, headers=headers, scheme="https", **options)


def attacks(node: Node, victim: Victim, *, services: Sequence[str] = ()) -> Iterator[Attack]:
    """Of these services' operations only; of none named: of every endpoint of the node, but the hole and the one
    operation of the tests that tells everybody the same."""
    endpoints = list(endpoints_of(node.catalogue, lambda request, view: pytest.fail("not rendered here")))
    for who, endpoint in product(ATTACKERS, endpoints):
        operation = node.catalogue.operations.get(endpoint.operation)
        service = operation.service if operation is not None else ""
        if (service not in services) if services else (service == "hole" or endpoint.operation == "tax.mine"):
            continue
        for method in endpoint.methods:
            if method in ("GET", "POST") and not (who == "administrator" and method == "POST"):
                yield from islice(_asked(who, method, endpoint, operation, victim), WAYS)


def _asked(who: Who, method: str, endpoint: Endpoint, operation: Operation | None, victim: Victim) -> Iterator[Attack]:
    names = [part[1:].partition("}")[0] for part in endpoint.template.split("/") if part.startswith("{")]
    fields = {} if operation is None else {one.name: one for one in msgspec.structs.fields(operation.request)}
    choices = [victim.values(name) or ["x"] for name in names]
    sent = [name for name, one in fields.items() if name not in names and (one.required or victim.values(name))]
    choices += [victim.values(name) or [_some(fields[name].type)] for name in sent]
    for chosen in product(*choices):
        path = endpoint.template
        for name, value in zip(names, chosen, strict=False):
            path = path.replace(f"{{{name}}}", str(value))
        body = dict(zip(sent, chosen[len(names) :], strict=True))
        if method == "GET":
            pairs = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in body.items()]
            yield Attack(who, "GET", path + (f"?{urlencode(pairs)}" if pairs else ""))
        elif operation is not None:
            yield Attack(who, "POST", path, body)
        else:
            for word in ("withdraw", "give", "pause", "refuse", "agree", "revoke", "close"):
                yield Attack(who, "POST", path, {"do": word, "field": "income", "grant": victim.grant}, is_form=True)


def _some(kind: Any) -> object:
    """A well-formed value of a field's type that is nobody's."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _some(inner[0])
    if origin is Literal:
        return inner[0]
    if origin is typing.Annotated:
        return _some(inner[0])
    if origin in (tuple, list, frozenset, set):
        return [_some(inner[0])] if inner else []
    if origin in (dict, typing.Mapping) or kind is dict or "Mapping" in str(origin):
        return {}
    return {int: 1, float: 1.0, bool: True}.get(kind, "x")


async def opened_by(house: House, attack: Attack) -> list[str]:
    """The marks of the victim that an attack's answer holds and that it did not bring itself."""
    reply = await house.ask(attack)
    assert reply.status < 500 or reply.status == 503, (attack, reply.status, reply.text[:500])
    sent = f"{attack.target} {json.dumps(attack.body, ensure_ascii=False)}"
    said = reply.body.decode("utf-8", "replace")
    return [mark for mark in MARKS if mark not in sent and mark in said]


def lived(folder: Path, story: Callable[[House, Victim], Awaitable[None]]) -> None:
    async def live() -> None:
        services = tuple(path for path in STANDARD_SERVICES if not any(f".{name}." in path for name in OPEN_ONLY))
        more = ("tests.service.mydata.house:TAX", "tests.test_other_peoples_affairs:HOLE")
        settings = Settings(services=(*services, *more), site=Site(public_url=ISSUER))
        async with open_node(folder, settings, clock=frozen_clock()) as node:
            house = House(node, folder)
            await story(house, await house.fill())

    asyncio.run(live())


def test_anothers_id_opens_nothing_and_changes_nothing(tmp_path: Path) -> None:
    async def story(house: House, victim: Victim) -> None:
        before, asked, opened = await house.affairs(), 0, []
        for attack in attacks(house.node, victim):
            opened += [(attack, mark) for mark in await opened_by(house, attack)]
            asked += 1
        assert not opened, opened[:5]
        assert await house.affairs() == before, "an attack changed something of the victim's"
        assert asked > 500, asked
        cookie = {"host": HOST, "cookie": f"__Host-openid={await house.app.signed_in('demo.lin')}"}
        own = await house.client.get("/mydata", headers=cookie, scheme="https")
        assert "墨目的" in own.text, "the marks are words that the victim herself sees"

    lived(tmp_path, story)


def test_the_walk_finds_a_hole(tmp_path: Path) -> None:
    async def story(house: House, victim: Victim) -> None:
        walked = attacks(house.node, victim, services=("hole",))
        found = {attack.who for attack in walked if await opened_by(house, attack)}
        assert found == set(ATTACKERS)

    lived(tmp_path, story)
