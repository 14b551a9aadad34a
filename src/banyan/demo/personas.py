"""The demonstration nation's people who can sign in by one click. None is a real person; `--empty` has none."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity import acting, people
from banyan.kernel.identity.acting import Agency
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.model import Account, Assurance
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.representing import DAY_S, Representation
from banyan.kernel.storage.store import Tx


def _citizen(name: str, zh: str, en: str, number: str) -> tuple[Account, str]:
    return Account(id="", name=name, kind="citizen", shown={"zh-Hant": zh, "en": en}, is_demo=True), number


def _officer(
    name: str, zh: str, en: str, *roles: str, agency: str, assurance: Assurance = "aal2"
) -> tuple[Account, str]:
    shown = {"zh-Hant": zh, "en": en}
    account = Account(
        id="", name=name, kind="officer", shown=shown, agency=agency, roles=roles, assurance=assurance, is_demo=True
    )
    return account, ""


PERSONAS: Final = (
    _citizen("demo.lin", "林小榕（民眾）", "Lin Hsiao-jung (citizen)", "A123456789"),
    _officer(
        "demo.epidemic",
        "陳防疫（疾管署承辦）",
        "Chen Fang-yi (CDC officer)",
        "epidemic",
        "records",
        "supplies",
        "alert-releaser",
        agency="TW/GOV/CDC",
    ),
    _officer(
        "demo.supplies",
        "吳物資（疾管署物資承辦）",
        "Wu Wu-tzu (CDC officer of supplies)",
        "supplies",
        agency="TW/GOV/CDC",
    ),
    _officer(
        "demo.border",
        "王移民（移民署承辦）",
        "Wang Yi-min (immigration officer)",
        "border",
        "records",
        agency="TW/GOV/NIA",
    ),
    _officer(
        "demo.border2",
        "何複核（移民署複核）",
        "Ho Fu-he (second immigration officer)",
        "border",
        agency="TW/GOV/NIA",
    ),
    _officer(
        "demo.doctor",
        "沈急診（榕樹醫院資訊室）",
        "Shen Chi-chen (hospital IT)",
        "hospital",
        agency="TW/MED/H1",
    ),
    _officer(
        "demo.nurse",
        "江護理（福木醫院急診）",
        "Chiang Hu-li (Fumu Hospital, emergency)",
        "hospital",
        agency="TW/MED/H2",
    ),
    _officer(
        "demo.rescue",
        "羅應變（災害應變中心）",
        "Lo Ying-pien (disaster centre)",
        "records",
        "alert-author",
        "alert-releaser",
        agency="TW/GOV/EOC",
    ),
    _officer(
        "demo.pharmacist",
        "蔡藥師（實名制藥局）",
        "Tsai Yao-shih (rationing pharmacist)",
        "pharmacist",
        agency="TW/MED/P1",
    ),
    _officer(
        "demo.store",
        "蔡店員（領取門市）",
        "Tsai Tien-yuan (pickup store)",
        agency="TW/COM/STORE",
    ),
    _citizen("demo.mother", "周美玉（民眾，小榕的媽媽）", "Chou Mei-yu (citizen, Hsiao-jung's mother)", "A223456781"),
    _officer(
        "demo.registrar",
        "許戶政（戶政事務所承辦）",
        "Hsu Hu-cheng (household registrar)",
        "counter",
        "registrar",
        agency="TW/GOV/DISTRICT",
    ),
    _officer(
        "demo.registrar2",
        "高複核（戶政事務所複核）",
        "Kao Fu-ho (second registrar)",
        "counter",
        "registrar",
        agency="TW/GOV/DISTRICT",
    ),
    _officer(
        "demo.clerk",
        "李櫃檯（區公所櫃檯）",
        "Li Kuei-tai (counter clerk)",
        "counter",
        agency="TW/GOV/DISTRICT",
        assurance="aal1",
    ),
    _officer(
        "demo.police",
        "馬勤務（臺北市警局勤務）",
        "Ma Chin-wu (Taipei police, on duty)",
        "police",
        agency="TW/GOV/POLICE",
    ),
)
"""The numbers are those that every textbook of the check digit uses; nobody bears them."""
AGENCIES: Final = (
    Agency("TW/GOV/CDC", "00000053", {"zh-Hant": "疾管署（示範）", "en": "Disease control (demo)"}),
    Agency("TW/GOV/NIA", "00000070", {"zh-Hant": "移民署（示範）", "en": "Immigration (demo)"}),
    Agency("TW/GOV/DISTRICT", "00000125", {"zh-Hant": "區公所（示範）", "en": "District office (demo)"}),
    Agency("TW/GOV/POLICE", "00000146", {"zh-Hant": "警察局（示範）", "en": "Police (demo)"}),
    Agency("TW/GOV/EOC", "00000141", {"zh-Hant": "災害應變中心（示範）", "en": "Disaster centre (demo)"}),
    Agency("TW/MED/H2", "00000135", {"zh-Hant": "福木醫院（示範）", "en": "Fumu Hospital (demo)"}),
    Agency("TW/MED/P1", "00000151", {"zh-Hant": "實名制藥局（示範）", "en": "Rationing pharmacy (demo)"}),
    Agency("TW/COM/STORE", "00000162", {"zh-Hant": "領取門市（示範）", "en": "Pickup stores (demo)"}),
    Agency("TW/MED/H1", "00000130", {"zh-Hant": "榕樹醫院（示範）", "en": "Banyan Hospital (demo)"}),
)
"""Their 統一編號 are made up too: no register gives out numbers that begin with five noughts."""
MOTHER: Final = "demo.mother"
PARENT: Final = Account(
    id="",
    name="demo.guardian",
    kind="representative",
    shown={"zh-Hant": "林媽媽（法定代理人）", "en": "Mother Lin (guardian)"},
    relation="guardian",
    is_demo=True,
)


async def seed_personas(provider: Provider) -> None:
    """Add the personas that are missing, and open those that an `--empty` start closed."""
    for account, number in PERSONAS:
        if await _opened(provider, account.name) is None:
            await people.add(provider, account, number=number)
    child = await _opened(provider, PERSONAS[0][0].name)
    assert child is not None, "it was just added"
    guardian = await _opened(provider, PARENT.name)
    if guardian is None:
        guardian = await people.add(provider, msgspec.structs.replace(PARENT, for_account=child.id))
    mother = await _opened(provider, MOTHER)
    assert mother is not None, "it was just added"
    now = provider.clock()

    def job(tx: Tx) -> None:
        for agency in AGENCIES:
            if acting.agency_by_id(tx, agency.id) is None:
                acting.put_agency(tx, agency)
        for one in (guardian, mother):
            if not acting.representations_between(tx, one.id, child.id, now):
                acting.put_representation(tx, _mandate(provider, one.id, child.id, now))

    await provider.store.write(job)


def _mandate(provider: Provider, representative: str, represented: str, now: EpochS) -> Representation:
    """A parent's, by the household register, for a year; a new start gives a new one when it is over."""
    return Representation(
        id=provider.secret(),
        relation="child",
        ground="household",
        document="demo",
        representative=representative,
        represented=represented,
        by="demo",
        agency="TW/GOV/DISTRICT",
        at=now,
        start=now,
        until=EpochS(now + 365 * DAY_S),
    )


async def close_personas(provider: Provider) -> None:
    """A folder that was a demonstration once must not let its personas in now: not by passkey, session or token."""
    for name in (*(account.name for account, _ in PERSONAS), PARENT.name):
        found = await provider.store.read(partial(records.account_by_name, name=name))
        if found is not None and found.is_demo and not found.is_closed:
            await people.close(provider, found.id)


async def _opened(provider: Provider, name: str) -> Account | None:
    def job(tx: Tx) -> Account | None:
        found = records.account_by_name(tx, name)
        if found is not None and found.is_closed:
            found = msgspec.structs.replace(found, is_closed=False)
            records.put_account(tx, found)
        return found

    return await provider.store.write(job)
