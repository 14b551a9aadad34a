"""What a column's sampled cells and its name agree on, before any row is counted. Text wins: a code is no number.

Letters among digits, leading zeros or a fixed width mean a code, and codes are text; a date needs marks of its own, or
a name that says so.
"""

from __future__ import annotations

from banyan.service.opendata.ingest import hints
from banyan.service.opendata.ingest.facts import Facts
from banyan.service.opendata.ingest.sample import PATTERNS, UNFIT_SHARE
from banyan.service.opendata.model import Finding

NHI_WIDTH = 10
"""醫事機構代碼 and most agency codes."""
MENDED_DATES = {
    "as_roc_date": "roc-date",
    "as_roc_date_7": "roc-date",
    "as_roc_datetime": "roc-date",
    "as_roc_month": "roc-date",
    "as_roc_month_5": "roc-date",
    "as_roc_year": "roc-year",
    "as_date_dmy": "day-first",
    "as_datetime_dmy": "day-first",
    "as_date_mdy": "month-first",
    "as_datetime_mdy": "month-first",
    "as_date_8": "date-digits",
    "as_datetime_14": "date-digits",
    "as_month_6": "date-digits",
}
"""Conversions that change what the reader sees, and the finding that says so."""


def choose(counts: dict[str, int], known: int, name: str, facts: Facts) -> tuple[str, tuple[Finding, ...]]:
    """The macro that the sampled cells and the name agree on, or empty for text; and what we saw."""
    name = hints.folded(name)
    most = {macro for macro, _ in PATTERNS if counts[macro] >= known * (1 - UNFIT_SHARE)}
    if counts["damaged"] * 2 >= known and _is_coded(name, facts, counts, known):
        return "", (
            Finding("problem", "code-damaged", count=counts["damaged"], override=f"--repair leading-zeros:{name}"),
        )
    if dated := _dated(most, counts, known, name):
        return dated, _date_findings(dated, name)
    if "as_integer" in most:
        evidence = _code_evidence(name, facts, counts.get("leading_zero", 0))
        if evidence:
            kept = Finding("guess", "code-kept", values=evidence, override=f"--type {name}=integer")
            return "", (kept, *_zeros_lost(name, facts, evidence))
        return "as_integer", ()
    for macro in ("as_number", "as_true_false", "as_percent", "as_money"):
        if macro in most:
            return macro, ()
    if counts["yearless"] == known:
        return "", (Finding("problem", "date-without-year", count=facts.filled),)
    for day, month in (("as_date_dmy", "as_date_mdy"), ("as_datetime_dmy", "as_datetime_mdy")):
        if counts[day] == counts[month] == known:
            return "", (Finding("problem", "date-ambiguous", override=f"--type {name}=date"),)
    if 0.1 * known < counts["as_number"] < known and not hints.CODE.search(name):
        values = {"numbers": f"{counts['as_number'] / known:.0%}"}
        return "", (Finding("problem", "mixed-numbers", values=values, override=f"--type {name}=number"),)
    return "", ()


def _dated(most: set[str], counts: dict[str, int], known: int, name: str) -> str:
    """Dates need their own marks, or digits that are all valid and a name that says so."""
    for macro in ("as_zoned_datetime", "as_datetime", "as_date", "as_datetime_14", "as_month", "as_time"):
        if macro in most:
            return macro
    if counts["as_date_8"] == known and (hints.DATE.search(name) or (known > 20 and not hints.CODE.search(name))):
        return "as_date_8"
    roc = counts["roc_mark"] * 2 >= known or hints.ROC_YEAR.search(name)
    for macro in ("as_roc_datetime", "as_roc_date", "as_roc_month"):
        if macro in most and (roc or (macro != "as_roc_month" and hints.DATE.search(name))):
            return macro
    if counts["as_roc_date_7"] == known and hints.DATE.search(name):
        return "as_roc_date_7"
    for macro in ("as_month_6", "as_roc_month_5"):
        if counts[macro] == known and hints.MONTH.search(name):
            return macro
    if counts["as_year"] == known and hints.YEAR.search(name):
        return "as_year"
    if counts["as_roc_year"] == known and hints.ROC_YEAR.search(name):
        return "as_roc_year"
    return _day_first(most, counts)


def _day_first(most: set[str], counts: dict[str, int]) -> str:
    """31/12/2008 decides; where no day is above 12 nobody can know, and the text stays."""
    for day, month in (("as_date_dmy", "as_date_mdy"), ("as_datetime_dmy", "as_datetime_mdy")):
        if day in most and counts[day] > counts[month]:
            return day
        if month in most and counts[month] > counts[day]:
            return month
    return ""


def _date_findings(macro: str, name: str) -> tuple[Finding, ...]:
    code = MENDED_DATES.get(macro)
    return (Finding("mended", code, override=f"--type {name}=text"),) if code else ()


def _code_evidence(name: str, facts: Facts, leading_zeros: int) -> dict[str, str]:
    """Why whole numbers are codes, or nothing."""
    if leading_zeros:
        return {"evidence": "leading-zeros", "count": str(leading_zeros)}
    if hints.COORDINATE.search(name):
        return {}
    if hints.CODE.search(name):
        return {"evidence": "name"}
    fixed = facts.shortest == facts.longest and facts.filled > 1
    if fixed and facts.longest >= (6 if hints.SERIAL.search(name) else 8) and facts.distinct > 1:
        return {"evidence": "fixed-width", "width": str(facts.longest)}
    return {"evidence": "too-long"} if facts.shortest > 18 else {}


def _zeros_lost(name: str, facts: Facts, evidence: dict[str, str]) -> tuple[Finding, ...]:
    """Codes one digit apart in length, none with a leading zero: a spreadsheet may have eaten it."""
    if evidence["evidence"] != "name" or facts.longest - facts.shortest != 1 or facts.longest < NHI_WIDTH:
        return ()
    values = {"widths": f"{facts.shortest}–{facts.longest}"}
    return (Finding("problem", "code-zeros-lost", values=values, override=f"--repair leading-zeros:{name}"),)


def _is_coded(name: str, facts: Facts, counts: dict[str, int], known: int) -> bool:
    if hints.COORDINATE.search(name):
        return False
    unique = facts.distinct >= 0.9 * facts.filled and facts.shortest >= 9 and counts["damaged"] == known
    return bool(hints.CODE.search(name) or hints.SERIAL.search(name)) or unique
