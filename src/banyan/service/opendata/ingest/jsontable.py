"""Bring JSON records into the stage: the union of their members as columns, GeoJSON geometry beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import numpy.typing as npt
import shapely

from banyan.craft.place import twd97_to_wgs84
from banyan.limits import COLUMNS, JSON_RECORD_BYTES
from banyan.service.opendata.ingest.delimited import Staged, stage_rows
from banyan.service.opendata.ingest.header import Head, unique_names
from banyan.service.opendata.ingest.jsonlike import Found, Record, flattened, records, text_of
from banyan.service.opendata.ingest.options import Options
from banyan.service.opendata.ingest.refusal import beyond, invalid
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.model import ColumnType, Finding

GEOMETRY = "\x00geometry"
"""A member name no JSON text can hold unescaped, for the geometry on its way to the stage."""
METRIC = {"3826": 121, "3825": 119}


def stage_json(stage: Stage, path: Path, options: Options) -> tuple[Staged, Found]:
    """Fill the stage from a UTF-8 JSON text. Rows go through a scratch file, since columns may appear late."""
    found = Found()
    columns: dict[str, int] = {}
    nested: set[str] = set()
    with TemporaryFile("w+", encoding="utf-8", newline="", dir=stage.work) as scratch:
        count = 0
        for record in records(path, found, stage.watch):
            cells = _feature(record) if _is_feature(record) else flattened(record)
            for name, text in cells.items():
                columns.setdefault(name, len(columns))
                if text[:1] in "[{" and text[1:2] and name != GEOMETRY and _is_nested(record, name):
                    nested.add(name)
            if len(columns) > COLUMNS:
                raise beyond("columns", count=len(columns), bound=COLUMNS)
            scratch.write(json.dumps([[columns[name], text] for name, text in cells.items() if text]) + "\n")
            count += 1
        if not count or not columns:
            raise invalid("json-shape")
        scratch.seek(0)
        return _staged(stage, scratch, columns, nested=nested, found=found, options=options), found


def _staged(
    stage: Stage, scratch: Iterator[str], columns: dict[str, int], *, nested: set[str], found: Found, options: Options
) -> Staged:
    published = [name for name in columns if name != GEOMETRY]
    names, mended = unique_names(published)
    order = [columns[name] for name in published]
    geometry = columns.get(GEOMETRY)
    width = len(names) + (3 if geometry is not None else 0)
    shapes = _Shapes(_epsg(found, options))
    stage_rows(stage, _rows(scratch, order, geometry, shapes), width)
    findings = [*mended, *shapes.findings()]
    if found.key:
        findings.append(Finding("guess", "json-records", values={"key": found.key}))
    if nested:
        findings.append(Finding("kept_raw", "json-nested", count=len(nested), examples=tuple(sorted(nested)[:10])))
    head = Head(names, tuple(published), ("",) * len(names), ("",) * len(names), 0, 0, 0)
    declared: dict[str, ColumnType] = {
        name: "json" for name, member in zip(names, published, strict=True) if member in nested
    }
    hidden = {"lon": len(names), "lat": len(names) + 1, "geometry": len(names) + 2} if geometry is not None else {}
    if geometry is not None and not shapes.areas:
        del hidden["geometry"]  # points say it all; the column stays in the stage, unread
    return Staged(head, findings=tuple(findings), hidden=hidden, declared=declared)


def _rows(scratch: Iterator[str], order: list[int], geometry: int | None, shapes: _Shapes) -> Iterator[list[str]]:
    for line in scratch:
        cells: dict[int, str] = dict(json.loads(line))
        row = [cells.get(place, "") for place in order]
        if geometry is not None:
            row += shapes.cells(cells.get(geometry, ""))
        yield row


class _Shapes:
    """Geometry text to longitude, latitude (of the point, or a point within) and GeoJSON in WGS84."""

    def __init__(self, epsg: str) -> None:
        self.areas = self.points = self.broken = 0
        self._epsg = epsg

    def cells(self, text: str) -> list[str]:
        if not text:
            return ["", "", ""]
        try:
            shape = shapely.from_geojson(text)
        except shapely.errors.GEOSException:
            self.broken += 1
            return ["", "", text]
        if shape.is_empty:
            return ["", "", ""]
        if self._epsg in METRIC:
            shape = shapely.transform(shape, self._degrees)
        is_point = shape.geom_type == "Point"
        self.points += is_point
        self.areas += not is_point
        (x, y), *_ = shapely.get_coordinates(shape if is_point else shape.representative_point()).tolist()
        return [repr(x), repr(y), shapely.to_geojson(shape) if self._epsg in METRIC else text]

    def _degrees(self, xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(twd97_to_wgs84(xy[:, 0], xy[:, 1], METRIC[self._epsg]))

    def findings(self) -> Iterator[Finding]:
        if self._epsg:
            yield Finding("guess", "crs-stated", values={"crs": f"EPSG:{self._epsg}"}, override="--crs EPSG:CODE")
        if self.broken:
            yield Finding("problem", "geometry-broken", count=self.broken)


def _epsg(found: Found, options: Options) -> str:
    """The publisher's code, or the one the document names (RFC 7946 dropped `crs`; real files have it)."""
    stated = options.crs or text_of(found.members.get("crs", ""))
    if "CRS84" in stated:
        return "4326"
    digits = "".join(char if char.isdigit() else " " for char in stated).split()
    return digits[-1] if digits and digits[-1] in {"4326", "3824", *METRIC} else ""


def _is_feature(record: Record) -> bool:
    return record.get("type") == "Feature" and "geometry" in record


def _feature(record: Record) -> dict[str, str]:
    """A feature's properties as columns, its id when it has one, and its geometry."""
    properties = record.get("properties")
    cells = flattened(properties) if isinstance(properties, dict) else {}
    if "id" in record and "id" not in cells:
        cells = {"id": text_of(record["id"]), **cells}
    geometry = text_of(record["geometry"]) if isinstance(record["geometry"], dict) else ""
    if len(geometry) > JSON_RECORD_BYTES:
        raise beyond("json-record", bound_mib=JSON_RECORD_BYTES >> 20)
    return {**cells, GEOMETRY: geometry}


def _is_nested(record: Record, name: str) -> bool:
    """Whether the text came from an array or object, not from a string that looks like one."""
    holder = record.get("properties") if _is_feature(record) else record
    if not isinstance(holder, dict):
        return False
    value = holder.get(name)
    if value is None and "." in name:
        parent = holder.get(name.split(".", 1)[0])
        value = parent.get(name.split(".", 1)[1]) if isinstance(parent, dict) else None
    return isinstance(value, list | dict)
