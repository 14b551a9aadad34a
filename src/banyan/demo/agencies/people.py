"""The people whom the demonstration's registers know: the personas, and some hundred that are drawn. Nobody is real."""

from __future__ import annotations

from random import Random
from typing import Final

import msgspec

from banyan.demo.agencies.civil import HouseholdRecord
from banyan.demo.agencies.tax import Income
from banyan.demo.outlets import ROADS, SEED, SURNAMES
from banyan.demo.personas import PERSONAS
from banyan.demo.places import pick_town
from banyan.kernel.identity.identifiers import person_number_kind

PEOPLE: Final = 300
GIVEN: Final = "怡君雅婷淑芬志明俊傑家豪宗翰佳穎承恩品妍宥廷詠晴"
EMPLOYERS: Final = ("榕市茶行", "大樹機械股份有限公司", "福木紡織股份有限公司", "海芒果餐廳", "榕市政府", "自營")
LIN: Final = "A123456789"


class Person(msgspec.Struct, frozen=True):
    """Somebody's number and what the registers hold."""

    number: str
    household: HouseholdRecord
    income: Income


def people() -> list[Person]:
    """The same for the same seed: the personas with a number first."""
    random = Random(f"{SEED}-people")  # noqa: S311 - invented data
    found = [_persona(number, random) for account, number in PERSONAS if account.kind == "citizen" and number]
    taken = {one.number for one in found}
    while len(found) < PEOPLE:
        number = _number(random)
        if number not in taken:
            taken.add(number)
            found.append(_person(number, f"{random.choice(SURNAMES)}{_given(random)}", random))
    return found


def _persona(number: str, random: Random) -> Person:
    if number != LIN:
        name = next(account.shown["zh-Hant"].partition("（")[0] for account, known in PERSONAS if known == number)
        return _person(number, name, random)
    household = HouseholdRecord("林小榕", "1990-03-12", "臺北市大安區和平路7號", "F1234567", False, 3, "2015-08-01")
    return Person(number, household, Income(2025, 684_000, 1_250, 0, 685_250, EMPLOYERS[0], 1))


def _person(number: str, name: str, random: Random) -> Person:
    town = pick_town(random)
    born = f"{random.randint(1940, 2007)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
    address = f"{town.county}{town.name}{random.choice(ROADS)}{random.randint(1, 300)}號"
    members = random.randint(1, 6)
    household = HouseholdRecord(
        name=name,
        birth_date=born,
        address=address,
        household=f"{random.choice('ABCDEF')}{random.randint(1_000_000, 9_999_999)}",
        head=members == 1 or random.random() < 0.4,
        members=members,
        registered_since=f"{random.randint(2008, 2025)}-{random.randint(1, 12):02}-01",
    )
    wages = int(random.lognormvariate(13.2, 0.5))
    interest, rent = random.randint(0, 30_000), random.choice((0, 0, 0, 120_000))
    total = wages + interest + rent
    return Person(
        number, household, Income(2025, wages, interest, rent, total, random.choice(EMPLOYERS), random.randint(0, 3))
    )


def _given(random: Random) -> str:
    return "".join(random.sample(GIVEN, 2))


def _number(random: Random) -> str:
    """A number whose check digit fits."""
    start = f"{random.choice('ABCDEFGHJKLMNPQRSTUVXYWZIO')}{random.randint(1, 2)}{random.randint(0, 9_999_999):07}"
    return next(f"{start}{digit}" for digit in range(10) if person_number_kind(f"{start}{digit}") is not None)
