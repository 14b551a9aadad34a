"""One staged table becomes one typed Parquet table with its findings: the decisions of all parts, put together."""

from __future__ import annotations

from collections.abc import Sequence, Set

import msgspec

from banyan.limits import CELL_BYTES, MIB
from banyan.service.opendata.ingest.content import foot_findings, number_findings, text_findings
from banyan.service.opendata.ingest.delimited import Staged
from banyan.service.opendata.ingest.encoding import ALL_MARKS
from banyan.service.opendata.ingest.facts import Facts, facts_of
from banyan.service.opendata.ingest.infer import Inference
from banyan.service.opendata.ingest.options import Options, Table
from banyan.service.opendata.ingest.refusal import beyond, invalid
from banyan.service.opendata.ingest.roles import with_roles
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.ingest.times import source_time
from banyan.service.opendata.ingest.write import Located, Planned, described, sort_columns, write_parquet
from banyan.service.opendata.model import Column, ColumnType, Finding, Source

REST = "_rest"


def finish(
    stage: Stage, staged: Staged, source: Source, options: Options, *, name: str, marks: Set[str] = ALL_MARKS
) -> Table:
    """Infer, describe and write what the stage holds."""
    width = len(staged.head.names) + staged.rest + len(staged.hidden)
    facts = staged.facts or facts_of(stage, width)
    findings = [*staged.findings, *staged.head.findings, *_without_blank_rows(stage, facts)]
    rows = stage.count("select count(*) from stage")
    if not rows:
        raise invalid("rows-none")
    if max(one.longest for one in facts[: width - len(staged.hidden)]) > CELL_BYTES:
        raise beyond("cell-bytes", bound_mib=CELL_BYTES // MIB)
    planned, found = plan(staged, options, facts, Inference(stage, rows, facts, marks))
    findings += found
    findings += text_findings(stage, planned, marks)
    findings += number_findings(stage, planned)
    findings += foot_findings(stage, planned, rows)
    planned, key, found = with_roles(stage, planned, facts, options, rows)
    located = _located(stage, planned, options, staged.hidden, rows)
    findings += [*found, *located.findings]
    as_of, found = source_time(stage, planned)
    findings += found
    sort = sort_columns(planned, facts, rows)
    target = stage.work / "table.parquet"
    shape = staged.hidden.get("geometry")
    write_parquet(stage, planned, sort, target, derived=located.derived, shape=shape)
    columns = described(stage, planned, facts, rows, target)
    return Table(
        name=name, parquet=target, rows=rows, columns=columns, findings=tuple(findings),
        source=source, sort=sort, provenance=tuple(_provenance(source, findings, rows)), bbox=located.bbox,
        geometry="shape" if shape is not None else located.geometry, key=key, as_of=as_of,
    )  # fmt: skip


def plan(
    staged: Staged, options: Options, facts: Sequence[Facts], inference: Inference
) -> tuple[list[Planned], list[Finding]]:
    """Every column's name, type and macro; and what was found about its cells."""
    head = staged.head
    names = [*_renamed(head.names, head.headers, options), *([REST] if staged.rest else [])]
    planned: list[Planned] = []
    findings: list[Finding] = []
    forced = _forced(options, names, head.headers, staged)
    repairs = _repairs(options, names, head.headers)
    hints = [f"{name} {_at(head.titles, place)}".strip() for place, name in enumerate(names)]
    kept = [place for place in range(len(names)) if facts[place].filled or _at(head.headers, place).strip()]
    fits = inference.fits(
        {place: hints[place] for place in kept if place not in repairs and names[place] not in forced}
    )
    for place, name in enumerate(names):
        title, header = _at(head.titles, place), _at(head.headers, place)
        if place not in kept:
            findings.append(Finding("mended", "column-empty", column=name))
            continue
        if place in repairs:
            fit = inference.repaired(place, repairs[place])
        else:
            fit = fits[place] if place in fits else inference.forced(place, forced[name])
        keeps_raw = fit.missing or fit.unfit or (fit.type == "text" and fit.sql)
        column = Column(
            name=name, type=fit.type, header=header, title=title, raw=f"{name}__raw" if keeps_raw else "",
            unit=fit.unit or (_at(head.units, place) if fit.type in {"integer", "number"} else ""),
        )  # fmt: skip
        planned.append(Planned(place, column, fit))
        findings += [
            msgspec.structs.replace(one, column=name, override=one.override.replace(hints[place], name))
            for one in fit.findings
        ]
    return planned, findings


def _located(stage: Stage, planned: Sequence[Planned], options: Options, hidden: dict[str, int], rows: int) -> Located:
    """Where each row is. Without that, what measures places is not even loaded."""
    if options.geo == "none":
        return Located()
    from banyan.service.opendata.ingest.geo import locate

    return locate(stage, planned, options, hidden, rows)


def _without_blank_rows(stage: Stage, facts: Sequence[Facts]) -> list[Finding]:
    """Rows in which no cell holds anything are left out and counted."""
    if max(one.filled for one in facts) == stage.count("select count(*) from stage"):
        return []
    cells = (f"v{place}" if place in stage.held else f"c{place}" for place in range(len(facts)))
    empty = " and ".join(f"{cell} is null" for cell in cells)
    blank = stage.count(f"select count(*) from stage where {empty}")
    if not blank:
        return []
    stage.run(f"delete from {stage.table} where {empty}")
    return [Finding("mended", "rows-blank", count=blank)]


def _at(texts: Sequence[str], place: int) -> str:
    return texts[place] if place < len(texts) else ""


def _renamed(names: Sequence[str], headers: Sequence[str], options: Options) -> list[str]:
    known = {*names, *headers}
    for old in options.rename:
        if old not in known:
            raise invalid("column-unknown", "rename", column=old, columns="、".join(names[:20]))
    renamed = [
        options.rename.get(name, options.rename.get(header, name)) for name, header in zip(names, headers, strict=True)
    ]
    if len({name.lower() for name in renamed}) < len(renamed) or not all(renamed):
        raise invalid("rename-twice", "rename")
    return renamed


def _forced(options: Options, names: Sequence[str], headers: Sequence[str], staged: Staged) -> dict[str, ColumnType]:
    """Types by published name, from the publisher (by old name, header or new name) or the source's own schema."""
    places = {header: place for place, header in reversed(list(enumerate(headers)))}
    places |= {name: place for place, name in enumerate(staged.head.names)}
    places |= {name: place for place, name in enumerate(names)}
    forced = {names[places[name]]: declared for name, declared in staged.declared.items()}
    for name, wanted in options.types.items():
        if name not in places:
            raise invalid("column-unknown", "types", column=name, columns="、".join(names[:20]))
        forced[names[places[name]]] = wanted
    return forced


def _repairs(options: Options, names: Sequence[str], headers: Sequence[str]) -> dict[int, int]:
    """Width by place of the columns whose leading zeros are wanted back; 0 to find it out."""
    places = {header: place for place, header in reversed(list(enumerate(headers)))}
    places |= {name: place for place, name in enumerate(names)}
    found: dict[int, int] = {}
    for repair in options.repair:
        kind, _, rest = repair.partition(":")
        column, _, width = rest.rpartition(":") if rest not in places and ":" in rest else (rest, "", "")
        if kind != "leading-zeros" or not (width or "0").isdigit() or int(width or "0") > 64:
            raise invalid("repair-unknown", "repair", repair=repair[:60])
        if column not in places:
            raise invalid("column-unknown", "repair", column=column[:60], columns="、".join(names[:20]))
        found[places[column]] = int(width or "0")
    return found


def _provenance(source: Source, findings: Sequence[Finding], rows: int) -> list[str]:
    """The steps after fetching."""
    steps: list[str] = []
    if source.container:
        steps.append(f"unpack {source.container} {source.member}".rstrip())
    if source.encoding:
        steps.append(f"decode {source.encoding} to utf-8")
    steps.append(f"read {source.format} header_rows={source.header_rows} rows={rows}")
    steps += [f"{one.kind} {one.code} {one.column} count={one.count}".replace("  ", " ") for one in findings]
    return steps
