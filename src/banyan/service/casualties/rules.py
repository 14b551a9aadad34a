"""The rules: who is the same person, what each tier may see, what a person can be asked for by. Values in and out."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final, Literal

import msgspec

from banyan.craft.match import keys
from banyan.kernel.identity.identifiers import normalized_person_number, person_number_kind

Status = Literal["in-care", "icu", "transferred", "discharged", "dead"]
Shown = Literal["in-care", "transferred", "discharged", "contact"]
SHOWN: Final[dict[Status, Shown]] = {
    "in-care": "in-care", "icu": "contact", "transferred": "transferred", "discharged": "discharged", "dead": "contact",
}  # fmt: skip
"""What the public and the family see. Death is told by a social worker, never by a screen; as the gravest in care are
shown alike, `contact` does not give it away."""
UNNAMED: Final = frozenset({"無名氏", "不詳", "路倒", "unknown", "john doe", "jane doe", "無名男", "無名女"})
_DAY: Final = re.compile(r"(\d{2,4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_RUN: Final = re.compile(r"(\d{2,4})(\d{2})(\d{2})")
_REPUBLIC: Final = 1911
_OLDEST: Final = 130


class Stay(msgspec.Struct, frozen=True):
    """What one hospital said at `at` (epoch seconds, UTC); `towards` is where it sent the person."""

    hospital: str
    at: float
    status: Status
    ward: str = ""
    phone: str = ""
    towards: str = ""


def born_on(text: str, today: date) -> str:
    """A birth date as people write it (1990-03-12, 79/3/12 of the Republic, 0790312) as ISO; empty for none. Raises
    ValueError for what is no day, is to come, or is too long ago."""
    plain = text.strip().removeprefix("民國")
    if not plain:
        return ""
    found = _DAY.fullmatch(plain) or _RUN.fullmatch(plain)
    if found is None or (not plain.isascii() and not re.search("[年月]", plain)):
        raise ValueError(text)
    year, month, day = map(int, found.groups())
    born = date(year + _REPUBLIC if year < 1000 else year, month, day)
    if born > today or today.year - born.year > _OLDEST:
        raise ValueError(text)
    return born.isoformat()


def number_of(text: str) -> str:
    """A person's number as it is compared; empty for none. Raises ValueError when it could not have been given."""
    number = normalized_person_number(text)
    if number and person_number_kind(number) is None:
        raise ValueError("no such number")
    return number


def named(key: bytes, what: str, value: str) -> bytes:
    """The keyed name of a value: who has the register's file and not the key cannot try numbers or dates."""
    return hmac.new(key, f"{what}\x1f{value}".encode(), sha256).digest()


def person_named(key: bytes, subject: bytes) -> str:
    """The register's own name of a person, hex, from the one that policy and ledger use (of the number)."""
    return named(key, "person", subject.hex()).hex()


def probes(key: bytes, name: str, born: str, number: str) -> list[bytes]:
    """What a person can be asked for by: each key of the full name with each secret. One look-up finds the pair or
    does not, so an answer cannot tell a wrong secret from a name that is not there, in words or in time."""
    secrets = [f"born:{born}"] if born else []
    secrets += [f"last:{number[-4:]}"] if number else []
    return [named(key, "probe", f"{written}\x1f{secret}") for written in keys(name) for secret in secrets]


def asked(key: bytes, name: str, secret: str, today: date) -> bytes:
    """The probe of a question: a birth date, or the last four of the number. Always one, whatever is asked."""
    plain = "".join(secret.split())
    said = f"last:{plain}" if re.fullmatch(r"[0-9]{4}", plain) else "born:"
    if said == "born:":
        try:
            said += born_on(plain, today)
        except ValueError:
            said = "none:"
    written = next(iter(keys(name)), "")
    return named(key, "probe", f"{written}\x1f{said}")


def is_unnamed(name: str) -> bool:
    """Whether the hospital does not know who it is: such persons are never taken for each other."""
    return name.casefold().strip() in UNNAMED or not keys(name)


def chain(stays: Sequence[Stay]) -> tuple[Stay, ...]:
    """The stays in the order of time."""
    return tuple(sorted(stays, key=lambda one: (one.at, one.status == "transferred", one.hospital)))


def current(stays: Sequence[Stay]) -> Stay:
    """Where the person is: what was said last. A hospital that sent her on is so only until another has her."""
    ordered = chain(stays)
    here = [one for one in ordered if one.status != "transferred"]
    last = ordered[-1]
    if (
        last.status == "transferred"
        and here
        and here[-1].hospital != last.hospital
        and here[-1].hospital == last.towards
    ):
        return here[-1]
    return last


def age_band(born: str, today: date) -> str:
    """Ten years: `20-29`; empty when unknown."""
    if not born:
        return ""
    day = date.fromisoformat(born)
    years = today.year - day.year - ((today.month, today.day) < (day.month, day.day))
    first = min(90, years // 10 * 10)
    return "90+" if first == 90 else f"{first}-{first + 9}"


def day_of(now: float) -> date:
    """Taiwan's day."""
    return datetime.fromtimestamp(now + 8 * 3_600, UTC).date()
