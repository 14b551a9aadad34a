"""The node's one table engine per lake, and the way from a name in a request to a version."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import msgspec

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage import Tx
from banyan.kernel.storage.drawer import Drawer
from banyan.kernel.storage.lake import Lake
from banyan.service.opendata import registry
from banyan.service.opendata.model import Dataset, Resource, Version
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.engine import Tables
from banyan.service.opendata.tables.export import Exports
from banyan.service.opendata.tables.refusals import not_found

_ENGINES: WeakKeyDictionary[Lake, Tables] = WeakKeyDictionary()
_EXPORTS: WeakKeyDictionary[Lake, Exports] = WeakKeyDictionary()


class Register(msgspec.Struct, frozen=True):
    """A table that a caller may read, with what its answers must say of their source."""

    dataset: Dataset
    resource: Resource
    version: Version


def engine(drawer: Drawer) -> Tables:
    """The engine over this drawer's lake, opened at its first use and closed when the service stops."""
    found = _ENGINES.get(drawer.lake)
    if found is None:
        found = _ENGINES[drawer.lake] = Tables(drawer.lake, drawer.work)
    return found


def exports(drawer: Drawer) -> Exports:
    """The downloads of this drawer's engine."""
    found = _EXPORTS.get(drawer.lake)
    if found is None:
        found = _EXPORTS[drawer.lake] = Exports(engine(drawer))
    return found


@SERVICE.stop
async def close_engine(ctx: Context) -> None:
    """Wait for running questions and give the files back."""
    made = _EXPORTS.pop(ctx.db.lake, None)
    if made is not None:
        made.close()
    found = _ENGINES.pop(ctx.db.lake, None)
    if found is not None:
        await found.stop()


async def register(ctx: Context, name: str, number: int = 0) -> Register:
    """The table called `name`: a resource's id or alias, or a dataset (its first table). Version 0 is the one served.

    Raises NotFound when there is none, or none this caller may see.
    """
    found = await ctx.db.sql.read(lambda tx: find_register(tx, name, number))
    if found is None or not (found.dataset.is_public or ctx.caller.may_write):
        raise not_found("no_table", name=name)
    return found


def find_register(tx: Tx, name: str, number: int = 0) -> Register | None:
    """As `register`, private ones too; None when there is no such table or version."""
    held = registry.resource_by(tx, name)
    if held is None:
        dataset = registry.dataset_by(tx, name)
        first = None if dataset is None else next((one for one in dataset.resources if _serves(one)), None)
        held = (dataset, first) if dataset is not None and first is not None else None
    if held is None or not _serves(held[1]):
        return None
    version = registry.version_of(tx, held[1], number)
    return None if version is None else Register(held[0], held[1], version)


def _serves(resource: Resource) -> bool:
    return resource.is_table and resource.state == "active"
