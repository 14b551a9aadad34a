"""The type of every column, over every row: a sample names the candidate (choosing.py), the whole column confirms it.

Up to UNFIT_SHARE of the cells may not fit: they stay as raw text beside the typed value. Where too few fit, and where
letters stand among digits, the column is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set

import msgspec

from banyan.service.opendata.ingest.choosing import NHI_WIDTH, choose
from banyan.service.opendata.ingest.facts import Facts, grouped, whole
from banyan.service.opendata.ingest.sample import BATCH, PATTERNS, UNFIT_SHARE, Sampled, sampled
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.model import ColumnType, Finding

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
        fitting = {macro: self._stage.count(f"select count({macro}({c})) from stage") for macro in FORCED[wanted]}
        macros = sorted(fitting, key=lambda macro: -fitting[macro])
        used = [macro for macro in macros if fitting[macro]] or macros[:1]
        sql = f"coalesce({', '.join(f'{macro}({{c}})' for macro in used)})" if len(used) > 1 else f"{used[0]}({{c}})"
        test = sql.format(c=c)
        missing, unfit = map(whole, self._stage.row(
            f"select count(*) filter (is_missing({c})), count(*) filter (not is_missing({c})) from stage "
            f"where {c} is not null and {test} is null"
        ))  # fmt: skip
        examples = self._examples(c, f"{c} is not null and {test} is null")
        kept = (Finding("kept_raw", "cells-unfit", count=unfit, examples=examples),) if unfit else ()
        return Fit(wanted, sql, used[0], missing, unfit, findings=kept)

    def _examples(self, c: str, where: str) -> tuple[str, ...]:
        rows = self._stage.run(
            f"select left({c}, 60) from stage where {where} group by {c} order by count(*) desc, {c} limit 5"
        )
        return tuple(str(row[0]) for row in rows)


def _type_of(macro: str) -> ColumnType:
    return dict(PATTERNS)[macro]
