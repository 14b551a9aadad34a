"""The type of every column, over every row. Text wins: a code never becomes a number.

A sample names the candidate; the whole column confirms it. Up to UNFIT_SHARE of the cells may not fit: they stay as
raw text beside the typed value. Letters among digits, leading zeros or a fixed width mean a code, and codes are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set

import msgspec

from banyan.service.opendata.ingest import hints
from banyan.service.opendata.ingest.facts import Facts, grouped, whole
from banyan.service.opendata.ingest.sample import BATCH, PATTERNS, UNFIT_SHARE, Sampled, sampled
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.model import ColumnType, Finding

NHI_WIDTH = 10
"""醫事機構代碼 and most agency codes."""
FASTER = {
    "as_integer": ("is_plain_integer", "try_cast({c} as bigint)"),
    "as_number": ("is_plain_number", "try_cast({c} as double)"),
    "as_date": ("is_plain_date", "try_cast({c} as date)"),
    "as_datetime": ("is_plain_datetime", "try_cast({c} as timestamp)"),
}
"""A test of plainly written cells, without folding; and DuckDB's cast, which is their value."""
PLAINEST = {"as_datetime": (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "is_written_datetime")}
"""Where all sampled cells look so, a still faster test of still fewer cells comes first."""
FORCED: dict[ColumnType, tuple[str, ...]] = {
    "text": ("as_text",),
    "integer": ("as_integer",),
    "number": ("as_number", "as_percent", "as_money"),
    "boolean": ("as_yes_no",),
    "date": ("as_date", "as_roc_date", "as_date_8", "as_roc_date_7", "as_date_dmy", "as_date_mdy"),
    "datetime": (
        "as_zoned_datetime",
        "as_datetime",
        "as_datetime_14",
        "as_roc_datetime",
        "as_datetime_dmy",
        "as_datetime_mdy",
    ),
    "time": ("as_time",),
    "year": ("as_year", "as_roc_year"),
    "month": ("as_month", "as_month_6", "as_roc_month", "as_roc_month_5"),
    "json": ("as_json",),
}


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


class Fit(msgspec.Struct, frozen=True):
    """How a column's cells become values. `sql` has `{c}` for the cell's text, `{v}` for the held value; empty means
    the text as it is.

    `low` and `high` are the least and greatest value as text, where the confirming pass met them anyway.
    """

    type: ColumnType
    sql: str = ""
    pattern: str = ""
    missing: int = 0
    unfit: int = 0
    unit: str = ""
    findings: tuple[Finding, ...] = ()
    low: str = ""
    high: str = ""


class Inference:
    """Types the columns of one stage."""

    def __init__(self, stage: Stage, rows: int, facts: Sequence[Facts], marks: Set[str]) -> None:
        self._stage = stage
        self._rows = rows
        self._padded = "is_padded" if "space" in marks else "is_spaced"
        self._facts = facts

    def fits(self, names: Mapping[int, str]) -> dict[int, Fit]:
        """Of the columns at these places: the candidate of the sample, confirmed over all rows; text when it is not."""
        filled = {place: self._facts[place].filled for place in names if self._facts[place].filled}
        samples = sampled(self._stage, list(filled), filled, self._rows)
        zeros = self._counted(
            [place for place, sample in samples.items() if sample.counts["as_integer"]], "is_zero_led({c})"
        )
        chosen: dict[int, tuple[str, tuple[Finding, ...]]] = {}
        for place, sample in samples.items():
            counts = {**sample.counts, "leading_zero": zeros.get(place, 0)}
            missing = ("", (Finding("guess", "all-missing", count=filled[place]),))
            chosen[place] = choose(counts, sample.known, names[place], self._facts[place]) if sample.known else missing
        plain = self._plain({place: macro for place, (macro, _) in chosen.items() if macro in FASTER}, samples)
        fits = {
            place: msgspec.structs.replace(plain[place], findings=findings)
            if place in plain
            else self._confirmed(place, macro, findings, names[place])
            for place, (macro, findings) in chosen.items()
            if macro
        }
        texts = [place for place in chosen if place not in fits or fits[place].type == "text"]
        padded = self._counted(texts, f"{self._padded}({{c}})")
        for place in texts:
            findings = fits[place].findings if place in fits else chosen[place][1]
            fits[place] = self._text(place, findings, padded[place])
        return {place: fits.get(place, Fit("text")) for place in names}

    def repaired(self, place: int, width: int) -> Fit:
        """A code column with its lost zeros back; `width` 0 means the widest code, at least NHI_WIDTH."""
        c = f"c{place}"
        if not width:
            widest = self._stage.count(f"select max(strlen(regexp_replace({c}, '\\.0+$', '')))::bigint from stage")
            width = max(widest, NHI_WIDTH)
        sql = f"as_code({{c}}, {width})"
        changed = self._stage.count(f"select count(*) from stage where {sql.format(c=c)} is distinct from {c}")
        found = Finding(
            "mended", "code-repaired", count=changed, values={"width": str(width)},
            examples=self._examples(c, f"{sql.format(c=c)} <> {c}"),
        )  # fmt: skip
        return Fit("text", sql, "as_code", findings=(found,))

    def _counted(self, places: Sequence[int], test: str) -> dict[int, int]:
        """How many cells of each column pass a test that no plainly written number passes: of words each once."""
        held = self._stage.held
        found = dict.fromkeys(places, 0)
        for place in places:
            if place in held and held[place].words:
                passing = f"coalesce(sum(n) filter ({test.format(c='t')}), 0)::bigint"
                found[place] = self._stage.count(f"select {passing} from {grouped(place)}")
        texts = [place for place in places if place not in held]
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            asked = ", ".join(f"count(*) filter ({test.format(c=f'c{place}')})" for place in batch)
            found |= zip(batch, map(whole, self._stage.row(f"select {asked} from stage")), strict=True)
        return found

    def _plain(self, macros: Mapping[int, str], samples: Mapping[int, Sampled]) -> dict[int, Fit]:
        """The columns whose every cell is written plainly, which a faster test confirms."""
        held = {place for place, macro in macros.items() if self._is_held(place, macro)}
        return {place: self._of_held(place) for place in held} | self._of_text(
            {place: macro for place, macro in macros.items() if place not in held}, samples
        )

    def _is_held(self, place: int, macro: str) -> bool:
        return place in self._stage.held and self._stage.held[place].macro == macro

    def _of_held(self, place: int) -> Fit:
        """Its cells were proved when they were read."""
        held, facts = self._stage.held[place], self._facts[place]
        return Fit(_type_of(held.macro), held.value, held.macro, low=facts.low, high=facts.high)

    def _of_text(self, macros: Mapping[int, str], samples: Mapping[int, Sampled]) -> dict[int, Fit]:
        strict = {place: FASTER[macro][0] for place, macro in macros.items()}
        for place, macro in macros.items():
            shape, plainest = PLAINEST.get(macro, (None, ""))
            if shape and all(shape.fullmatch(cell) for cell in samples[place].cells):
                strict[place] = plainest
        fits = self._confirmed_plain(macros, strict)
        again = {place: FASTER[macro][0] for place, macro in macros.items() if strict[place] != FASTER[macro][0]}
        return fits | self._confirmed_plain(macros, {place: one for place, one in again.items() if place not in fits})

    def _confirmed_plain(self, macros: Mapping[int, str], strict: Mapping[int, str]) -> dict[int, Fit]:
        """Those of which every cell passes the strict test, with their ranges."""
        places, fits = list(strict), dict[int, Fit]()
        for start in range(0, len(places), BATCH):
            batch = places[start : start + BATCH]
            values = ", ".join(
                f"c{place}, {FASTER[macros[place]][1].format(c=f'c{place}')} as x{place}" for place in batch
            )
            asked = ", ".join(
                f"count(*) filter ({strict[place]}(c{place}, x{place})), min(x{place})::varchar, max(x{place})::varchar"
                for place in batch
            )
            row = self._stage.row(f"select {asked} from (select {values} from stage)")
            for position, place in enumerate(batch):
                fitting, low, high = row[position * 3 : position * 3 + 3]
                if fitting == self._facts[place].filled:
                    macro = macros[place]
                    fits[place] = Fit(_type_of(macro), FASTER[macro][1], macro, low=str(low), high=str(high))
        return fits

    def _confirmed(self, place: int, macro: str, findings: tuple[Finding, ...], name: str) -> Fit:
        """Count over all rows what fits; text, with the findings of that, when too little does."""
        facts, c = self._facts[place], f"c{place}"
        fitting, missing, lettered = map(whole, self._stage.row(
            f"select count({macro}({c})), count(*) filter (is_missing({c})), "
            f"count(*) filter ({macro}({c}) is null and not is_missing({c}) "
            f"and regexp_full_match({c}, '[0-9A-Za-z-]*([0-9][A-Za-z]|[A-Za-z][0-9])[0-9A-Za-z-]*')) from stage"
        ))  # fmt: skip
        unfit = facts.filled - fitting - missing
        if _type_of(macro) in {"integer", "number"} and lettered:
            evidence = {"evidence": "letters", "count": str(lettered)}
            kept_code = Finding("guess", "code-kept", values=evidence, override=f"--type {name}=integer")
            return Fit("text", findings=(kept_code,))
        if fitting == 0 or unfit > UNFIT_SHARE * (fitting + unfit):
            return Fit("text")
        kept = tuple(self._kept(c, macro, name, missing, unfit))
        unit = {"as_percent": "%", "as_money": "TWD"}.get(macro, "")
        return Fit(_type_of(macro), f"{macro}({{c}})", macro, missing, unfit, unit, (*findings, *kept))

    def _kept(self, c: str, macro: str, name: str, missing: int, unfit: int) -> Iterator[Finding]:
        for code, count, test in (("cells-missing", missing, "is_missing"), ("cells-unfit", unfit, "not is_missing")):
            if count:
                yield Finding(
                    "kept_raw", code, count=count, override=f"--type {name}=text",
                    examples=self._examples(c, f"{macro}({c}) is null and {test}({c})"),
                )  # fmt: skip

    def _text(self, place: int, findings: tuple[Finding, ...], padded: int) -> Fit:
        c = f"c{place}"
        if not padded:
            return Fit("text", findings=findings)
        shown = tuple(f"[{text}]" for text in self._examples(c, f"{c} <> as_text({c})"))
        trimmed = Finding("mended", "cells-trimmed", count=padded, examples=shown)
        return Fit("text", "as_text({c})", "as_text", findings=(*findings, trimmed))

    def forced(self, place: int, wanted: ColumnType) -> Fit:
        """The publisher's word: the macros of the type, the one that fits most cells first."""
        if wanted == "text":
            return self._text(place, (), self._counted([place], f"{self._padded}({{c}})")[place])
        c = f"c{place}"
        macros = sorted(FORCED[wanted], key=lambda macro: -self._fitting(macro, c))
        used = [macro for macro in macros if self._fitting(macro, c)] or macros[:1]
        sql = f"coalesce({', '.join(f'{macro}({{c}})' for macro in used)})" if len(used) > 1 else f"{used[0]}({{c}})"
        test = sql.format(c=c)
        missing, unfit = map(whole, self._stage.row(
            f"select count(*) filter (is_missing({c})), count(*) filter (not is_missing({c})) from stage "
            f"where {c} is not null and {test} is null"
        ))  # fmt: skip
        examples = self._examples(c, f"{c} is not null and {test} is null")
        kept = (Finding("kept_raw", "cells-unfit", count=unfit, examples=examples),) if unfit else ()
        return Fit(wanted, sql, used[0], missing, unfit, findings=kept)

    def _fitting(self, macro: str, c: str) -> int:
        return self._stage.count(f"select count({macro}({c})) from stage")

    def _examples(self, c: str, where: str) -> tuple[str, ...]:
        rows = self._stage.run(
            f"select left({c}, 60) from stage where {where} group by {c} order by count(*) desc, {c} limit 5"
        )
        return tuple(str(row[0]) for row in rows)


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


def _type_of(macro: str) -> ColumnType:
    return dict(PATTERNS)[macro]
