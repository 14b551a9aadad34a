"""The rules: what an app says against what is true. Pure; each finding names one rule and shows its evidence.

Of several rules that a claim breaks, the one that says most is told: all promised stock shown as available is not also
a wrong number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from banyan.kit.claims import IN_STOCK, App, Claim, Taken
from banyan.kit.reference import Reference, Spot, Truth
from banyan.kit.times import epoch_of, iso
from banyan.limits import KIT_APART_M, KIT_KEEP_S, KIT_STALE_S

Rule = Literal[
    "as-of-shown", "as-of-true", "age-hidden", "stale-marked", "reserved-taken-off", "reserved-not-available",
    "not-listed-not-zero", "unknown-not-zero", "number-true", "code-as-text", "outlet-exists", "item-exists",
    "coordinates", "doubt-marked", "refresh-polite", "kept-too-long", "revalidates", "licence-shown",
    "shape-hides-reserved",
]  # fmt: skip
Severity = Literal["error", "warning", "note"]
RULES: Final[dict[Rule, Severity]] = {
    "as-of-shown": "error",
    "as-of-true": "error",
    "age-hidden": "error",
    "stale-marked": "error",
    "reserved-taken-off": "error",
    "reserved-not-available": "error",
    "not-listed-not-zero": "error",
    "unknown-not-zero": "error",
    "number-true": "error",
    "code-as-text": "error",
    "outlet-exists": "error",
    "item-exists": "error",
    "coordinates": "error",
    "doubt-marked": "warning",
    "refresh-polite": "error",
    "kept-too-long": "error",
    "revalidates": "warning",
    "licence-shown": "error",
    "shape-hides-reserved": "note",
}
CODE_CHARACTERS: Final = 10
NOW_S: Final = 300.0
"""A time so near to when we asked is the time of asking."""


class Finding(msgspec.Struct, frozen=True):
    """A rule that a claim breaks: where, what is shown and what would be right."""

    rule: Rule
    where: str
    code: str
    item: str
    shown: str
    expected: str


class Case(msgspec.Struct, frozen=True):
    """What the rules are asked about: the app as taken, and the node before and after."""

    app: App
    taken: Taken
    before: Reference
    after: Reference

    def truths(self, code: str, item: str) -> tuple[Truth, ...]:
        found = (self.before.truth(code, item), self.after.truth(code, item))
        return tuple(truth for truth in found if truth is not None)


def judged(case: Case, sample: Sequence[str]) -> list[Finding]:
    """Everything found: of the document as a whole, of every code, and of the sampled outlets in all they show."""
    findings = list(_document(case))
    wanted = set(sample)
    for claim in case.app.claims:
        code = known_code(claim, case.before)
        findings += _code(claim, code)
        if code in wanted:
            findings += _claim(case, claim, code)
    return findings


def known_code(claim: Claim, reference: Reference) -> str:
    """The code that the app must mean, leading zeros given back; empty when there is none like it."""
    if claim.code in reference.rows:
        return claim.code
    digits = claim.code.removesuffix(".0").strip()
    padded = digits.zfill(CODE_CHARACTERS)
    return padded if digits.isdecimal() and padded in reference.rows else ""


def _code(claim: Claim, code: str) -> Iterator[Finding]:
    if not code:
        yield Finding("outlet-exists", claim.where, claim.code, claim.item, claim.code, "—")
    elif not claim.is_code_text or claim.code != code:
        yield Finding("code-as-text", claim.where, code, claim.item, claim.code, f'"{code}"')


def _claim(case: Case, claim: Claim, code: str) -> Iterator[Finding]:
    yield from _place(case, claim, code, case.before.spots[code])
    item = case.before.names.get(claim.item)
    if item is None:
        yield Finding("item-exists", claim.where, code, claim.item, claim.item, ", ".join(case.before.items))
        return
    truths = case.truths(code, item)
    found = _as_of(case, claim, code, item, truths)
    if found is not None:
        yield found
    if not is_older(claim, truths):
        amount = _amount(case.app, claim, truths)
        if amount is not None:
            yield Finding(amount, claim.where, code, item, _said(claim), " / ".join(dict.fromkeys(map(_told, truths))))
    elif (stale := _stale(case, claim, code, item)) is not None:
        yield stale


def is_older(claim: Claim, truths: Sequence[Truth]) -> bool:
    """Whether the app shows an earlier look than the node's, and says so: then its numbers may differ."""
    at = epoch_of(claim.as_of)
    return at is not None and all(int(at) < int(truth.as_of) for truth in truths)


def _as_of(case: Case, claim: Claim, code: str, item: str, truths: Sequence[Truth]) -> Finding | None:
    """One of as-of-shown, as-of-true, age-hidden, stale-marked."""
    expected = " / ".join(dict.fromkeys(iso(truth.as_of) for truth in truths if truth.as_of))
    if all(truth.status == "unknown" for truth in truths):
        return None
    if not claim.as_of:
        return Finding("as-of-shown", claim.where, code, item, "", expected)
    at = epoch_of(claim.as_of)
    if at is None:
        return Finding("as-of-true", claim.where, code, item, claim.as_of, expected)
    newest = max(*(truth.as_of for truth in truths), case.before.items[item], case.after.items[item])
    if int(at) > int(newest):
        is_now = abs(at - case.taken.at) <= NOW_S
        return Finding("age-hidden" if is_now else "as-of-true", claim.where, code, item, claim.as_of, expected)
    return _stale(case, claim, code, item) if not is_older(claim, truths) else None


def _stale(case: Case, claim: Claim, code: str, item: str) -> Finding | None:
    """A person reads a page, a program reads a time: in data the as-of is the mark."""
    age = case.taken.at - (epoch_of(claim.as_of) or case.taken.at)
    if case.app.kind != "html" or age <= KIT_STALE_S or claim.is_marked_stale:
        return None
    return Finding("stale-marked", claim.where, code, item, claim.as_of, f"{age / 3_600:.1f} h")


def _amount(app: App, claim: Claim, truths: Sequence[Truth]) -> Rule | None:
    """The rule that the number or word breaks against every truth; None when one of them bears it out."""
    broken: list[Rule] = []
    for truth in truths:
        rule = _csv_broken(claim, truth) if app.kind == "csv" else _broken(claim, truth)
        if rule is None:
            return None
        broken.append(rule)
    return broken[0] if broken else None


def _broken(claim: Claim, truth: Truth) -> Rule | None:
    says_number = claim.available is not None or (claim.count is not None and not claim.status)
    if truth.status in ("not_listed", "unknown"):
        is_wrong = says_number or claim.status not in ("", "not_listed", "unknown", truth.status)
        return ("not-listed-not-zero" if truth.status == "not_listed" else "unknown-not-zero") if is_wrong else None
    if truth.status == "reserved":
        return _all_reserved(claim, truth)
    if claim.status and (claim.status in IN_STOCK) != (truth.status in IN_STOCK):
        return "number-true"
    if claim.shown is None:
        return None if claim.status else "number-true"
    if claim.shown == truth.available:
        return None if claim.reserved in (None, truth.reserved) else "number-true"
    if claim.shown != truth.count:
        return "number-true"
    return None if claim.available is None and claim.reserved == truth.reserved else "reserved-taken-off"


def _all_reserved(claim: Claim, truth: Truth) -> Rule | None:
    """Nothing for who comes now: 0, or the whole count with as many shown as promised; never in stock."""
    if claim.status in IN_STOCK or (claim.available or 0) > 0:
        return "reserved-not-available"
    if claim.available == 0:
        return None if claim.reserved in (None, truth.reserved) else "number-true"
    if claim.count in (None, 0):
        return None if claim.status or claim.count == 0 else "number-true"
    if claim.count != truth.count:
        return "number-true"
    return None if claim.reserved == truth.reserved or claim.status == "reserved" else "reserved-not-available"


def _csv_broken(claim: Claim, truth: Truth) -> Rule | None:
    """The official list says what was reported, and leaves out who is not listed."""
    if truth.status in ("not_listed", "unknown"):
        return "not-listed-not-zero" if truth.status == "not_listed" else "unknown-not-zero"
    return None if claim.count == truth.count else "number-true"


def _place(case: Case, claim: Claim, code: str, spot: Spot) -> Iterator[Finding]:
    if claim.lon is None or claim.lat is None:
        return
    if spot.lon is not None and spot.lat is not None:
        metres = apart_m((claim.lon, claim.lat), (spot.lon, spot.lat))
        if metres > KIT_APART_M + spot.apart_m:
            shown, expected = f"{claim.lon}, {claim.lat} ({metres:,.0f} m)", f"{spot.lon}, {spot.lat}"
            yield Finding("coordinates", claim.where, code, claim.item, shown, expected)
    if spot.located == "differ" and not claim.is_marked_doubtful and case.app.kind != "csv":
        yield Finding("doubt-marked", claim.where, code, claim.item, f"{claim.lon}, {claim.lat}", f"± {spot.apart_m} m")


def apart_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two points (lon, lat), by the local scale; within 1 % up to 100 km."""
    north = (one[1] - other[1]) * 110_900
    east = (one[0] - other[0]) * 111_320 * math.cos(math.radians((one[1] + other[1]) / 2))
    return math.hypot(north, east)


def _document(case: Case) -> Iterator[Finding]:
    """Rules about the document as a whole."""
    app, headers = case.app, case.taken.headers
    refresh, least = app.refresh_s, case.before.max_age_s
    if refresh is not None and 0 <= refresh < least:
        yield Finding("refresh-polite", "page", "", "", f"{refresh:g} s", f"≥ {least:g} s")
    age = kept_s(headers.get("cache-control", ""))
    if age is not None and age > KIT_KEEP_S:
        yield Finding("kept-too-long", "Cache-Control", "", "", headers["cache-control"], f"max-age ≤ {KIT_KEEP_S:g}")
    if case.taken.is_revalidated is False:
        yield Finding("revalidates", "If-None-Match", "", "", "200", "304")
    if not app.has_licence:
        yield Finding("licence-shown", "document", "", "", "", "政府資料開放授權條款 (OGDL-Taiwan-1.0)")
    if app.kind == "csv" and any(truth.reserved for row in case.before.rows.values() for truth in row.values()):
        yield Finding("shape-hides-reserved", "document", "", "", "count", "count − reserved")


def kept_s(cache: str) -> float | None:
    """How long caches keep the document unasked; None when it does not say."""
    parts = dict(part.strip().lower().partition("=")[::2] for part in cache.split(","))
    if "no-store" in parts or "no-cache" in parts:
        return 0.0
    seconds = parts.get("s-maxage") or parts.get("max-age") or ""
    return float(seconds) if seconds.isdecimal() else None


def _said(claim: Claim) -> str:
    parts = {
        "available": claim.available,
        "count": claim.count,
        "reserved": claim.reserved,
        "status": claim.status or None,
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)


def _told(truth: Truth) -> str:
    numbers = f"available {truth.available}, reserved {truth.reserved}, " if truth.available is not None else ""
    return f"{numbers}status {truth.status}"
