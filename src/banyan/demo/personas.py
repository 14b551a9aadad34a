"""The demonstration nation's people who can sign in by one click. None is a real person; `--empty` has none."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.identity import people
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.identity.openid.provider import Provider

PERSONAS: Final = (
    (
        Account(
            id="",
            name="demo.lin",
            kind="citizen",
            shown={"zh-Hant": "林小榕（民眾）", "en": "Lin Hsiao-jung (citizen)"},
            is_demo=True,
        ),
        "A123456789",
    ),
    (
        Account(
            id="",
            name="demo.epidemic",
            kind="officer",
            shown={"zh-Hant": "陳防疫（疾管署承辦）", "en": "Chen Fang-yi (CDC officer)"},
            agency="TW/GOV/CDC",
            roles=("epidemic", "records"),
            is_demo=True,
        ),
        "",
    ),
    (
        Account(
            id="",
            name="demo.border",
            kind="officer",
            shown={"zh-Hant": "王移民（移民署承辦）", "en": "Wang Yi-min (immigration officer)"},
            agency="TW/GOV/NIA",
            roles=("border", "records"),
            is_demo=True,
        ),
        "",
    ),
    (
        Account(
            id="",
            name="demo.clerk",
            kind="officer",
            shown={"zh-Hant": "李櫃檯（區公所櫃檯）", "en": "Li Kuei-tai (counter clerk)"},
            agency="TW/GOV/DISTRICT",
            roles=("counter",),
            assurance="aal1",
            is_demo=True,
        ),
        "",
    ),
)
"""The number is the one that every textbook of the check digit uses; nobody bears it."""
PARENT: Final = Account(
    id="",
    name="demo.guardian",
    kind="representative",
    shown={"zh-Hant": "林媽媽（法定代理人）", "en": "Mother Lin (guardian)"},
    relation="guardian",
    is_demo=True,
)


async def seed_personas(provider: Provider) -> None:
    """Add the personas that are missing."""
    for account, number in PERSONAS:
        if await _known(provider, account.name) is None:
            await people.add(provider, account, number=number)
    child = await _known(provider, PERSONAS[0][0].name)
    assert child is not None, "it was just added"
    if await _known(provider, PARENT.name) is None:
        await people.add(provider, msgspec.structs.replace(PARENT, for_account=child.id))


async def _known(provider: Provider, name: str) -> Account | None:
    return await provider.store.read(lambda tx: records.account_by_name(tx, name))
