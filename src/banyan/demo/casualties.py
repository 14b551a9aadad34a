"""A drill (演習): a generated mass-casualty incident, hospital by hospital, as clerks of emergency rooms write.

Nobody is real. A sixth are transferred, and the next hospital writes some of them otherwise: a simplified character, a
character of the same sound, a birth date with a slip, or nobody's name. So every way of the register has its example.
"""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any, Final

import msgspec

from banyan.demo.agencies.people import GIVEN, LIN, Person, people
from banyan.demo.outlets import SEED, SURNAMES
from banyan.errors import Conflict
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.service.casualties.law import FAMILY, STAFF, staff_basis

CASUALTIES: Final = 160
CENTRE: Final = "TW/GOV/EOC"
STAFFED: Final = (CENTRE, "TW/GOV/CDC", "TW/MED/H1", "TW/MED/H2")
"""Whose officers may search while the order stands."""
ORDER: Final = "casualty-drill"
ORDER_DAYS: Final = 29
TITLE: Final = {"zh-Hant": "榕樹遊樂園粉塵爆燃（演習）", "en": "Dust fire at Banyan Park (drill)"}
HOSPITALS: Final = (
    ("榕樹醫院（示範）", "02-0000-1301"), ("福木醫院（示範）", "02-0000-1351"), ("大葉醫院（示範）", "02-0000-1402"),
    ("苦楝醫院（示範）", "02-0000-1453"), ("樟樹醫院（示範）", "02-0000-1504"), ("海芒果醫院（示範）", "02-0000-1555"),
)  # fmt: skip
SHARES: Final = (38, 26, 18, 11, 6, 1)
AGO_S: Final = 6 * 3_600.0
"""How long before the first start of the demonstration the incident was."""
ARRIVED_S: Final = 2 * 3_600.0
"""Within which everybody was brought in; transfers follow within as long again."""
SLIPS: Final = str.maketrans(
    {"陳": "陈", "劉": "刘", "張": "张", "黃": "黄", "怡": "宜", "君": "均", "志": "至", "俊": "峻", "豪": "毫"}
)
STATUSES: Final = ("急診",) * 10 + ("住院",) * 6 + ("加護病房",) * 3 + ("出院",) * 4 + ("死亡",)


class Word(msgspec.Struct, frozen=True):
    """What a hospital said of one person, `after_s` seconds after the incident began; fields as in the form."""

    after_s: float
    said: dict[str, str]


def words(casualties: int = CASUALTIES) -> list[Word]:
    """What the hospitals said, in the order of time; the same for the same number."""
    random = Random(f"{SEED}-casualties-{casualties}")  # noqa: S311 - invented data
    known = people()
    found = _lin(known[0])
    for at in range(1, casualties):
        person = known[at] if 2 < at < len(known) else None
        found += _one(person, random) if at % 40 else _unnamed(random)
    return sorted(found, key=lambda word: word.after_s)


async def seed_drill(gate: Gate) -> int:
    """Once in a data folder: the law, the order by two agencies, and the hospitals' words; how many were said."""
    if "casualties.begin" not in gate.catalogue.operations or "powers.register_basis" not in gate.catalogue.operations:
        return 0
    for basis in (FAMILY, staff_basis(STAFFED)):
        await gate.call("powers.register_basis", basis, caller=SYSTEM)
    known = await gate.call("casualties.incident", {}, caller=SYSTEM)
    if known.began or known.ended:
        return 0
    await _order(gate)
    return await fill_drill(gate, words(), EpochS(gate.clock() - AGO_S))


async def fill_drill(gate: Gate, said: list[Word], began: EpochS) -> int:
    """Begin a drill and file what was said from `began` on; how much was. Raises Conflict among real casualties."""
    title = {"title_zh": TITLE["zh-Hant"], "title_en": TITLE["en"], "is_drill": True, "began": iso(began)}
    await gate.call("casualties.begin", title, caller=SYSTEM)
    persons = [{**word.said, "at": iso(EpochS(began + word.after_s))} for word in said]
    for start in range(0, len(persons), 200):
        await gate.call("casualties.report", {"persons": persons[start : start + 200]}, caller=SYSTEM)
    return len(persons)


async def _order(gate: Gate) -> None:
    now = gate.clock()
    declared: dict[str, Any] = {
        "id": ORDER, "title_zh": "大量傷病患名單查找（演習）", "title_en": "Search of a casualty list (drill)",
        "incident": TITLE["zh-Hant"], "reason": "演習：家屬尋人，轉院病患重複計算", "bases": (STAFF,),
        "start": iso(now), "until": iso(EpochS(now + ORDER_DAYS * 86_400)),
    }  # fmt: skip
    try:
        await gate.call("powers.declare_order", declared, caller=_officer(CENTRE))
        await gate.call("powers.approve_order", {"id": ORDER}, caller=_officer("TW/GOV/CDC"))
    except Conflict:
        return  # it was declared at an earlier start, and what lapsed is not renewed by a start


def _officer(agency: str) -> Caller:
    return Caller("officer", f"demo-seed-{agency}", channel="system", agency=agency, assurance="aal2")


def _lin(person: Person) -> list[Word]:
    """The persona whom her mother looks for: brought to one hospital, sent on to another."""
    assert person.number == LIN, "the first of the people"
    house = person.household
    who = {"name": str(house.name), "sex": "女", "born": str(house.birth_date), "number": person.number}
    (first, _), (second, phone) = HOSPITALS[:2]
    return [
        Word(1_500.0, {**who, "hospital": first, "status": "急診"}),
        Word(6_600.0, {**who, "hospital": first, "status": "轉院", "towards": second}),
        Word(8_700.0, {**who, "hospital": second, "status": "住院", "ward": "5B-07", "phone": phone}),
    ]


def _one(person: Person | None, random: Random) -> list[Word]:
    place = random.choices(range(len(HOSPITALS)), SHARES)[0]
    hospital, phone = HOSPITALS[place]
    after, who = random.uniform(600.0, ARRIVED_S), _who(person, random)
    word = {
        **who,
        "hospital": hospital,
        "phone": phone,
        "ward": f"{random.randint(3, 9)}{random.choice('ABC')}-{random.randint(1, 40):02}",
    }
    if random.random() >= 1 / 6:
        return [Word(after, {**word, "status": random.choice(STATUSES)})]
    to = random.choice([one for at, one in enumerate(HOSPITALS[:4]) if at != place])
    came = {**_rewritten(who, random), "hospital": to[0], "phone": to[1], "status": "住院"}
    sent = random.uniform(1_200.0, ARRIVED_S)
    return [
        Word(after, {**word, "status": "急診"}),
        Word(after + sent, {**word, "status": "轉院", "towards": to[0]}),
        Word(after + sent + random.uniform(900.0, 3_600.0), came),
    ]


def _who(person: Person | None, random: Random) -> dict[str, str]:
    """The five fields; a third without a number, some without a birth date."""
    sex = ("男" if person.number[1] == "1" else "女") if person is not None else random.choice("男女")
    number = person.number if person is not None and random.random() < 2 / 3 else ""
    name = str(person.household.name) if person is not None else _name(random)
    born = str(person.household.birth_date) if person is not None else _born(random)
    return {"name": name, "sex": sex, "born": born if random.random() < 0.9 else "", "number": number}


def _name(random: Random) -> str:
    return random.choice(SURNAMES) + "".join(random.sample(GIVEN, 2))


def _born(random: Random) -> str:
    return f"{random.randint(1940, 2007)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"


def _rewritten(who: dict[str, str], random: Random) -> dict[str, str]:
    """As the next hospital's clerk writes her."""
    way = random.randrange(4)
    if way == 0:
        return who
    if way == 1:
        return {**who, "name": who["name"].translate(SLIPS), "number": ""}
    if way == 2 and who["born"]:
        born = date.fromisoformat(who["born"])
        slip = born.replace(day=born.day % 28 + 1)
        return {**who, "name": who["name"].translate(SLIPS), "born": slip.isoformat(), "number": ""}
    return {**who, "number": "", "born": ""}


def _unnamed(random: Random) -> list[Word]:
    """Brought in without a word, sent on, and there somebody knew the name."""
    (first, _), (second, phone) = HOSPITALS[0], random.choice(HOSPITALS[1:4])
    after, sex = random.uniform(600.0, ARRIVED_S), random.choice("男女")
    return [
        Word(after, {"name": "無名氏", "sex": sex, "hospital": first, "status": "轉院", "towards": second}),
        Word(
            after + 2_400.0,
            {"name": _name(random), "sex": sex, "hospital": second, "phone": phone, "status": "加護病房"},
        ),
    ]
