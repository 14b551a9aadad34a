"""Acts on grants kept: published, written down with what follows from them, in force. One way for an officer's own act
here and for one that another gateway of the member tells of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.siblings.model import Heard, Level, Unheard
from banyan.kernel.exchange.siblings.sealed import Sealed, read_sealed
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Store, Tx
from banyan.limits_road import EXCHANGE_ACTS, EXCHANGE_GRANTS
from banyan.service.exchange import acts
from banyan.service.exchange.acts import Act, BadAct
from banyan.service.exchange.rules import Grant, member_of
from banyan.service.exchange.shelf import Shelf

SQL: Final = load_statements("banyan.service.exchange", "exchange.sql")
_Done = tuple[Act, Sealed]


async def all_grants(store: Store) -> list[Grant]:
    """The newest first."""
    rows = await store.read(lambda tx: tx.rows(SQL["grants"], limit=EXCHANGE_GRANTS))
    return [read_grant(row[0]) for row in rows]


def read_grant(whole: object) -> Grant:
    assert isinstance(whole, bytes), "a grant is kept as bytes"
    return msgspec.json.decode(whole, type=Grant)


async def acts_between(store: Store, client: str, service: str) -> list[Act]:
    return await store.read(lambda tx: _between(tx, client, service))


async def keep(store: Store, shelf: Shelf, done: Sequence[_Done], now: EpochS) -> None:
    """Publish, keep, tell the road and the siblings: a crash in between leaves an entry of an act that did not come
    about, never a grant without its entry. The caller holds the shelf's turn."""
    for act, _ in done:
        await shelf.ledger.append_once(f"grant/{act.grant.id}/{act.step}", _entry(act))

    def job(tx: Tx) -> None:
        for act, sealed in done:
            _put(tx, act, sealed, now)
        for client, service in sorted({(act.grant.client, act.grant.service) for act, _ in done}):
            for one in acts.folded(_between(tx, client, service)).values():
                values = {"id": one.id, "client": one.client, "service": one.service}
                tx.run(SQL["put_grant"], **values, proposed_at=one.proposed_at, whole=msgspec.json.encode(one))

    await store.write(job)
    await allow(store, shelf, now)
    shelf.road.tell()


async def allow(store: Store, shelf: Shelf, now: EpochS) -> None:
    shelf.road.allow([one for one in await all_grants(store) if one.state(now) == "in-force"])


async def adopt(store: Store, shelf: Shelf, now: EpochS) -> None:
    """Make acts of grants from before there were any, so that siblings hear of them. Again does nothing."""
    async with shelf.turn:
        rows = await store.read(lambda tx: tx.rows(SQL["grants_without_acts"]))
        found = [Act(read_grant(row[0]), shelf.road.here().server) for row in rows]
        signed = [(act, shelf.road.seal(act.grant.provider, acts.encoded(act))) for act in found]
        done = [(act, sealed) for act, sealed in signed if sealed is not None]
        if done:
            await keep(store, shelf, done, now)


class KeptActs:
    """Implements `siblings.model.Acts` over this service's records."""

    def __init__(self, store: Store, shelf: Shelf, clock: Clock) -> None:
        self._store, self._shelf, self._clock = store, shelf, clock
        self._levels: dict[str, Level] = {}

    async def level(self, member: str) -> Level:
        last = await self._store.read(lambda tx: _number(tx, "last_act", member=member))
        known = self._levels.get(member)
        if known is None or known.last != last:
            known = self._levels[member] = await self._store.read_long(lambda tx: _level(tx, member))
        return known

    async def after(self, member: str, place: int, most: int) -> Sequence[tuple[int, Sealed]]:
        rows = await self._store.read(lambda tx: tx.rows(SQL["acts_after"], member=member, place=place, limit=most))
        return [(_int(row[0]), _sealed(row[1])) for row in rows]

    async def known(self, names: Collection[str]) -> Collection[str]:
        return await self._store.read(
            lambda tx: {name for name in names if tx.row(SQL["act_named"], name=name) is not None}
        )

    async def take(self, member: str, told: Sequence[Sealed]) -> Collection[str]:
        done: list[_Done] = []
        refused = set()
        async with self._shelf.turn:
            standing = {one.id: one for one in await all_grants(self._store)}
            count = await self._store.read(lambda tx: _number(tx, "count_acts"))
            for sealed in told:
                try:
                    act = acts.read(sealed.content, member)
                except BadAct:
                    refused.add(sealed.name)
                    continue
                if _has_room(act, standing, count + len(done)):
                    standing.setdefault(act.grant.id, act.grant)
                    done.append((act, sealed))
                else:
                    refused.add(sealed.name)
            if done:
                await keep(self._store, self._shelf, done, self._clock())
        return refused

    async def heard(self, member: str, server: str) -> Heard:
        row = await self._store.read(lambda tx: tx.row(SQL["heard"], member=member, server=server))
        return Heard(str(row[0]), _int(row[1])) if row is not None else Heard()

    async def hear(self, member: str, server: str, heard: Heard) -> None:
        def job(tx: Tx) -> None:
            tx.run(SQL["put_heard"], member=member, server=server, epoch=heard.epoch, place=heard.place)

        await self._store.write(job)

    async def unheard(self, member: str, place: int) -> Unheard:
        row = await self._store.read(lambda tx: tx.row(SQL["acts_unheard"], member=member, place=place))
        assert row is not None, "a count has a row"
        return Unheard(_int(row[0]), _int(row[1]), EpochS(float(row[2] or 0)))


def _has_room(act: Act, standing: Mapping[str, Grant], count: int) -> bool:
    """Beyond the bounds an end of what stands is taken all the same: stopping is the safe side."""
    held = standing.get(act.grant.id)
    if held is not None and act.grant.ended_at and not held.ended_at:
        return True
    return count < EXCHANGE_ACTS and (held is not None or len(standing) < EXCHANGE_GRANTS)


def _entry(act: Act) -> bytes:
    grant = act.grant
    return act_entry(
        "grant",
        step=act.step,
        id=grant.id,
        client=grant.client,
        service=grant.service,
        purposes=",".join(f"{code}:{basis}" for code, basis in sorted(grant.purposes.items())),
        until=int(grant.until),
        gateway=act.gateway,
    )


def _put(tx: Tx, act: Act, sealed: Sealed, now: EpochS) -> None:
    grant = act.grant
    tx.run(
        SQL["put_act"],
        name=sealed.name,
        member=member_of(grant.service),
        client=grant.client,
        service=grant.service,
        grant_id=grant.id,
        is_end=int(bool(grant.ended_at)),
        kept_at=now,
        sealed=sealed.encode(),
    )


def _between(tx: Tx, client: str, service: str) -> list[Act]:
    rows = tx.rows(SQL["acts_between"], client=client, service=service)
    return [acts.kept(_sealed(row[0]).content) for row in rows]


def _level(tx: Tx, member: str) -> Level:
    names = [str(row[0]) for row in tx.rows(SQL["act_names"], member=member)]
    return Level(_number(tx, "last_act", member=member), acts.digest_of(names))


def _number(tx: Tx, statement: str, **values: str) -> int:
    row = tx.row(SQL[statement], **values)
    assert row is not None, "a count has a row"
    return _int(row[0])


def _int(value: object) -> int:
    assert isinstance(value, int), "a whole number"
    return value


def _sealed(value: object) -> Sealed:
    assert isinstance(value, bytes), "an act is kept as bytes"
    return read_sealed(value)
