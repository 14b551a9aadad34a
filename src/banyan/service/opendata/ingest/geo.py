"""Where each row is: points from coordinate columns of any known system, towns by polygon, else by code or name.

Coordinates are believed by their ranges, never by a column's name alone; TWD67 is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.place import (
    load_atlas,
    towns_of,
    twd67_to_twd97,
    twd97_to_wgs84,
)
from banyan.service.opendata.ingest import hints
from banyan.service.opendata.ingest.named import stage_names
from banyan.service.opendata.ingest.options import Options
from banyan.service.opendata.ingest.refusal import invalid
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.ingest.write import Located, Planned
from banyan.service.opendata.model import Finding

Numbers = npt.NDArray[np.float64]
CHUNK_ROWS = 500_000
TAIWAN = (118.0, 21.7, 122.3, 26.5)
TM2 = (50_000.0, 2_380_000.0, 430_000.0, 2_960_000.0)
SYSTEMS = {
    "EPSG:4326": "wgs84", "EPSG:3824": "wgs84", "CRS84": "wgs84", "WGS84": "wgs84", "OGC:CRS84": "wgs84",
    "EPSG:3826": "tm121", "TWD97": "tm121", "EPSG:3825": "tm119", "EPSG:3828": "twd67", "TWD67": "twd67",
}  # fmt: skip
ZONE_119 = ("10016", "09020", "09007")
"""澎湖, 金門, 連江 survey in zone 119."""


class _Tally:
    """Counts over the chunks of points."""

    def __init__(self) -> None:
        self.points = self.inside = self.swapped = self.outside = self.zeros = 0
        self.outside_rows: list[str] = []
        self.box = [np.inf, np.inf, -np.inf, -np.inf]

    def add(self, row: npt.NDArray[np.int64], lon: Numbers, lat: Numbers, town: npt.NDArray[np.int32]) -> None:
        known = ~np.isnan(lon)
        self.points += int(known.sum())
        self.inside += int((town >= 0).sum())
        west, south, east, north = TAIWAN
        out = known & ~((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
        self.outside += int(out.sum())
        for place in np.flatnonzero(out)[: 10 - len(self.outside_rows)]:
            self.outside_rows.append(f"{int(row[place]) + 1}: {lon[place]:.5f},{lat[place]:.5f}")
        if known.any():
            low = (float(np.nanmin(lon)), float(np.nanmin(lat)))
            high = (float(np.nanmax(lon)), float(np.nanmax(lat)))
            self.box = [
                min(self.box[0], low[0]),
                min(self.box[1], low[1]),
                max(self.box[2], high[0]),
                max(self.box[3], high[1]),
            ]


def locate(stage: Stage, planned: Sequence[Planned], options: Options, hidden: dict[str, int], rows: int) -> Located:
    """Make the table `place(row, _lon, _lat, _county, _town)` as far as anything says where rows are."""
    pair, address = _chosen(planned, options)
    coordinates = (pair[0].value, pair[1].value) if pair else None
    if "lon" in hidden:  # GeoJSON is in degrees by now, whatever the document said
        coordinates, options = (f"s.c{hidden['lon']}", f"s.c{hidden['lat']}"), msgspec.structs.replace(options, crs="")
    named = stage_names(stage, planned, address)
    findings: list[Finding] = []
    tally = _Tally()
    if coordinates:
        system, found = _system(stage, coordinates, pair, options)
        findings += found
        if system:
            _make_points(stage, coordinates, system, named=named, tally=tally, rows=rows)
            findings += _about_points(tally, rows)
    if not tally.points and not named:
        return Located(findings=tuple(findings))
    _join(stage, named, has_points=bool(tally.points))
    findings += _differences(stage, named, tally)
    west, south, east, north = tally.box
    bbox = (west, south, east, north) if tally.points else None
    derived = ("_lon", "_lat", "_county", "_town") if tally.points else ("_county", "_town")
    return Located(derived, bbox, "point" if tally.points else _level(stage), tuple(findings))


def _chosen(planned: Sequence[Planned], options: Options) -> tuple[tuple[Planned, Planned] | None, Planned | None]:
    """The coordinate pair and address column: the publisher's, else by role."""
    by_name = {one.column.header: one for one in planned} | {one.column.name: one for one in planned}
    by_role: dict[str, Planned] = {one.column.role: one for one in reversed(planned)}
    if options.geo:
        parts = [by_name.get(part.strip()) for part in options.geo.split(",")]
        known = [part for part in parts if part is not None]
        if len(known) != len(parts) or len(parts) > 2:
            raise invalid("geo-unknown", "geo", columns="、".join(one.column.name for one in planned[:20]))
        return ((known[0], known[1]), by_role.get("address")) if len(known) == 2 else (None, known[0])
    for first, second in (("lon", "lat"), ("x", "y")):
        if first in by_role and second in by_role:
            return (by_role[first], by_role[second]), by_role.get("address")
    return None, by_role.get("address")


def _system(
    stage: Stage, coordinates: tuple[str, str], pair: tuple[Planned, Planned] | None, options: Options
) -> tuple[str, list[Finding]]:
    """The coordinate system by the publisher's word or by the ranges; and the finding with its evidence."""
    x, y = coordinates
    metres, swapped = _in_box(x, y, TM2), _in_box(y, x, TAIWAN)
    within = f"{_in_box(x, y, (-180, -90, 180, 90))} or {swapped}"
    known, degrees, taiwan, metric, turned = (int(str(cell)) for cell in stage.row(
        f"select count(*) filter ({_number(x)} is not null and {_number(y)} is not null), count(*) filter ({within}), "
        f"count(*) filter ({_in_box(x, y, TAIWAN)}), count(*) filter ({metres}), count(*) filter ({swapped}) "
        "from stage s"
    ))  # fmt: skip
    if options.crs:
        if (system := SYSTEMS.get(options.crs.upper().removeprefix("URN:OGC:DEF:CRS:").replace("::", ":"))) is None:
            raise invalid("crs-unknown", "crs", crs=options.crs[:40])
        return system, []
    name = f"{pair[0].column.name},{pair[1].column.name}" if pair else ""
    evidence = {"columns": name, "count": str(known)}
    if not known:
        return "", []
    if pair and hints.TWD67.search(name):
        return "", [Finding("problem", "crs-twd67", count=known, values=evidence, override="--crs EPSG:3828")]
    if metric * 10 >= known * 9:
        values = evidence | {"crs": "EPSG:3826", "share": f"{metric / known:.0%}"}
        return "tm121", [Finding("guess", "crs-missing", count=known, values=values, override="--crs EPSG:CODE")]
    if turned > taiwan and turned * 2 > known:
        return "swapped", [
            Finding("mended", "points-all-swapped", count=turned, values=evidence, override="--geo LON,LAT")
        ]
    if degrees * 10 >= known * 9:
        values = evidence | {"crs": "EPSG:4326", "share": f"{taiwan / known:.0%}"}
        return "wgs84", [Finding("guess", "crs-degrees", count=known, values=values, override="--crs EPSG:CODE")]
    return "", [Finding("problem", "crs-unclear", count=known, values=evidence, override="--crs EPSG:CODE")]


def _make_points(
    stage: Stage, coordinates: tuple[str, str], system: str, *, named: str, tally: _Tally, rows: int
) -> None:
    """Fill `points(row, lon, lat, town)` chunk by chunk."""
    stage.run("create table points (row bigint, lon double, lat double, town integer)")
    x, y = map(_number, coordinates)
    last = stage.count("select max(rowid) from stage") + 1
    zoned = named if system == "tm121" and named else ""
    for start in range(0, last, CHUNK_ROWS):
        got = stage.arrays(
            f"select s.rowid as row, coalesce({x}, 'nan'::double) as x, coalesce({y}, 'nan'::double) as y, "
            f"{'coalesce(n.county, ' + chr(39) * 2 + ')' if zoned else chr(39) * 2} as county from stage s {zoned} "
            f"where s.rowid >= {start} and s.rowid < {start + CHUNK_ROWS}"
        )
        zone = np.where(np.isin(np.asarray(got["county"], str), ZONE_119), 119, 121) if zoned else None
        lon, lat = _degrees(np.asarray(got["x"], float), np.asarray(got["y"], float), system, zone, tally)
        town = towns_of(lon, lat)
        town = np.full(lon.shape, -1, np.int32) if town is None else town
        row = np.asarray(got["row"], np.int64)
        tally.add(row, lon, lat, town)
        stage.register("chunk", {"row": row, "lon": lon, "lat": lat, "town": town})
        stage.run("insert into points select * from chunk where not isnan(lon)")
        stage.unregister("chunk")
        stage.watch.step("locate", min(start + CHUNK_ROWS, rows), rows, "rows")


def _degrees(
    x: Numbers, y: Numbers, system: str, zone: npt.NDArray[np.int64] | None, tally: _Tally
) -> tuple[Numbers, Numbers]:
    """WGS84 degrees; NaN where there is no usable point."""
    x, y = np.where(np.isnan(y), np.nan, x), np.where(np.isnan(x), np.nan, y)
    zeros = (x == 0) & (y == 0)
    tally.zeros += int(zeros.sum())
    x, y = np.where(zeros, np.nan, x), np.where(zeros, np.nan, y)
    if system in {"tm121", "tm119", "twd67"}:
        metric = (x > TM2[0]) & (x < TM2[2]) & (y > TM2[1]) & (y < TM2[3])
        x, y = np.where(metric, x, np.nan), np.where(metric, y, np.nan)
        if system == "twd67":
            x, y = twd67_to_twd97(x, y)
        lon, lat = twd97_to_wgs84(x, y, 119 if system == "tm119" else 121)
        return (lon, lat) if zone is None else (lon - (zone == 119) * 2.0, lat)
    if system == "swapped":
        x, y = y, x
    west, south, east, north = TAIWAN
    turned = (y >= west) & (y <= east) & (x >= south) & (x <= north)
    tally.swapped += int(turned.sum())
    lon, lat = np.where(turned, y, x), np.where(turned, x, y)
    valid = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    return np.where(valid, lon, np.nan), np.where(valid, lat, np.nan)


def _about_points(tally: _Tally, rows: int) -> Iterator[Finding]:
    if tally.zeros:
        yield Finding("problem", "points-zero", count=tally.zeros)
    if tally.swapped:
        yield Finding("mended", "points-swapped", count=tally.swapped, override="--geo LON,LAT")
    if tally.outside:
        yield Finding("problem", "points-outside", count=tally.outside, examples=tuple(tally.outside_rows))
    if tally.points and load_atlas() is not None:
        values = {"inside": str(tally.inside), "points": str(tally.points)}
        yield Finding("guess", "towns-by-polygon", count=tally.inside, values=values, override="--geo none")
    if tally.points < rows:
        yield Finding("problem", "points-missing", count=rows - tally.points)


def _join(stage: Stage, named: str, *, has_points: bool) -> None:
    """The table `place`, row by row beside the stage: the point's town before the named one."""
    codes = (
        {area.code: (number, area.county_code) for number, area in enumerate(atlas.towns)}
        if (atlas := load_atlas())
        else {}
    )
    stage.register("chunk", {
        "number": np.array([number for number, _ in codes.values()] or [-9], np.int32),
        "code": np.array(list(codes) or [""], dtype=object),
    })  # fmt: skip
    stage.run("create table town as select * from chunk")
    stage.unregister("chunk")
    name_town, name_county = ("n.town", "n.county") if named else ("null", "null")
    if has_points:
        stage.run(
            f"create table place as select s.rowid as row, p.lon as _lon, p.lat as _lat, "
            f"coalesce(left(t.code, 5), {name_county}) as _county, "
            f"coalesce(t.code, {name_town}) as _town, t.code as point_town, {name_town} as name_town from stage s "
            f"left join points p on p.row = s.rowid left join town t on t.number = p.town {named} order by s.rowid",
            phase="locate",
        )
    else:
        stage.run(
            f"create table place as select s.rowid as row, {name_county} as _county, {name_town} as _town, "
            f"null as point_town, {name_town} as name_town from stage s {named} order by s.rowid",
            phase="locate",
        )


def _differences(stage: Stage, named: str, tally: _Tally) -> Iterator[Finding]:
    """Rows whose point lies in another town than they say, and rows placed by name alone."""
    if not named:
        return
    if tally.points:
        where = "point_town <> name_town"
        count = stage.count(f"select count(*) from place where {where}")
        if count:
            rows = stage.run(f"select row + 1, name_town, point_town from place where {where} order by row limit 5")
            examples = tuple(f"{row}: {said} / {point}" for row, said, point in rows)
            yield Finding("problem", "place-differs", count=count, examples=examples)
    count = stage.count("select count(*) from place where _county is not null and point_town is null")
    if count:
        towns = stage.count("select count(*) from place where _town is not null and point_town is null")
        yield Finding("guess", "towns-by-name", count=count, values={"towns": str(towns)}, override="--geo none")


def _level(stage: Stage) -> str:
    towns, counties = stage.row("select count(_town), count(_county) from place")
    return "towns" if towns else "counties" if counties else ""


def _number(value: str) -> str:
    return f"try_cast({value} as double)"


def _in_box(x: str, y: str, box: tuple[float, float, float, float]) -> str:
    west, south, east, north = box
    return f"{_number(x)} between {west} and {east} and {_number(y)} between {south} and {north}"
