"""Reading JSON that shows stock: our API and mirrors of it, packs, plain lists, and GeoJSON in old and new names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from banyan.kit.claims import App, Claim

Values = Mapping[str, Any]
_CODES: Final = ("code", "id", "outlet", "outlet_code", "醫事機構代碼")
_OF_2020: Final = frozenset(
    ("id", "name", "phone", "address", "updated", "available", "note", "custom_note", "website", "county", "town",
     "cunli", "service_periods")
)  # fmt: skip
"""Properties of points.json that are not counts; what else is a whole number there is the count of an item."""
_LICENCES: Final = ("license", "licence", "attribution", "rights", "授權", "資料來源")
_LISTS: Final = ("outlets", "places", "rows", "data", "items", "results", "features", "stores", "pharmacies")


def read_json(document: Any, places: Values | None = None) -> App | None:
    """The app, or None when nothing in the document is the stock of an outlet. `places` is the document that a stock
    pack leaves its places to."""
    if isinstance(document, Mapping) and document.get("type") == "FeatureCollection":
        return _app("geojson", _features(document), document)
    claims = list(_claims(document, places))
    return _app("api", claims, document) if claims else None


def places_link(document: Any) -> str:
    """Where a stock pack's places are, when it is one without them."""
    if isinstance(document, Mapping) and "statuses" in document and isinstance(document.get("places"), Mapping):
        return str(document["places"].get("href", ""))
    return ""


def _app(kind: Any, claims: Iterable[Claim], document: Any) -> App:
    top: Values = document if isinstance(document, Mapping) else {}
    return App(kind=kind, claims=tuple(claims), has_licence=any(top.get(name) for name in _LICENCES))


def _claims(document: Any, places: Values | None) -> Iterator[Claim]:
    if isinstance(document, Mapping):
        if "stock" in document and isinstance(document.get("places"), Mapping):
            yield from _pack(document["stock"], document["places"])
            return
        if places is not None:
            yield from _pack(document, places)
            return
        if isinstance(document.get("outlet"), Mapping):
            yield from _outlet("", document, document)
            return
    yield from _list(document)


def _list(document: Any) -> Iterator[Claim]:
    rows, where = document, ""
    top: Values = {}
    if isinstance(document, Mapping):
        name = next((name for name in _LISTS if isinstance(document.get(name), Sequence)), "")
        rows, where, top = document.get(name, []), name, document
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            continue
        if isinstance(row.get("outlet"), Mapping):
            yield from _outlet(f"{where}[{place}]", row, top)
        else:
            yield from _flat(f"{where}[{place}]", row, top)


def _outlet(where: str, answer: Values, top: Values) -> Iterator[Claim]:
    """`{"outlet": {code, stocks: [...]}, "as_of": ..., "confidence": ...}`, as our operations answer. `as_of` is by
    item id, or that of the item asked for, which the document names; the outlet's other items make no claim then."""
    outlet, as_of, sure = answer["outlet"], answer.get("as_of", ""), answer.get("confidence", "")
    asked = str(top.get("item", "")) if not isinstance(as_of, Mapping) else ""
    for stock in outlet.get("stocks") or ():
        item = str(stock.get("item", ""))
        if asked and item != asked:
            continue
        confidence = sure.get(item, "") if isinstance(sure, Mapping) else sure
        yield _claim(
            f"{where}.outlet".lstrip("."),
            outlet,
            stock,
            item,
            str(as_of.get(item, "")) if isinstance(as_of, Mapping) else str(as_of or top.get("as_of") or ""),
            is_stale=confidence in ("low", "medium"),
            is_doubtful=outlet.get("located") == "differ" or confidence == "low",
        )


def _flat(where: str, row: Values, top: Values) -> Iterator[Claim]:
    if not any(name in row for name in _CODES):
        return
    if isinstance(row.get("stocks"), Mapping):
        for item, stock in row["stocks"].items():
            yield _claim(where, row, stock, item, str(stock.get("as_of") or ""), is_doubtful=_differs(row))
        return
    if not any(name in row for name in ("available", "count", "status", "inventory", "stock")):
        return
    as_of = str(row.get("as_of") or row.get("updated") or top.get("as_of") or "")
    item = str(row.get("item") or top.get("item") or "")
    is_stale = bool(row.get("stale") or row.get("is_stale")) or row.get("confidence") in ("low", "medium")
    yield _claim(where, row, row, item, as_of, is_stale=is_stale, is_doubtful=_differs(row))


def _differs(row: Values) -> bool:
    return row.get("located") == "differ"


def _claim(
    where: str,
    about: Values,
    stock: Values,
    item: str,
    as_of: str,
    *,
    is_stale: bool = False,
    is_doubtful: bool = False,
) -> Claim:
    name = next((name for name in _CODES if name in about and not isinstance(about[name], Mapping)), "")
    code = about.get(name, "")
    return Claim(
        where=where,
        code=str(code),
        is_code_text=isinstance(code, str),
        item=item,
        available=whole(stock.get("available")),
        reserved=whole(stock.get("reserved")),
        count=whole(stock.get("count", stock.get("stock", stock.get("inventory")))),
        status=str(stock.get("status") or ""),
        as_of=as_of,
        lon=number(about.get("lon", about.get("lng", about.get("longitude")))),
        lat=number(about.get("lat", about.get("latitude"))),
        is_marked_stale=is_stale,
        is_marked_doubtful=is_doubtful,
    )


def _features(document: Values) -> Iterator[Claim]:
    for place, feature in enumerate(document.get("features") or ()):
        about = feature.get("properties") or {}
        point = (feature.get("geometry") or {}).get("coordinates") or (None, None)
        own = {**about, "lon": point[0], "lat": point[1]}
        if not any(name in about for name in _CODES) and "id" in feature:
            own["code"] = feature["id"]
        where = f"features[{place}].properties"
        if "service_periods" in about or "updated" in about:
            yield from _of_2020(where, own, about)
        else:
            yield from _flat(where, own, document)


def _of_2020(where: str, own: Values, about: Values) -> Iterator[Claim]:
    """Whole numbers beside the known names are counts; a map of those names shows them as what one can get."""
    for name, value in about.items():
        if name not in _OF_2020 and whole(value) is not None:
            yield _claim(where, own, {"available": value}, name, str(about.get("updated") or ""))


def _pack(stock: Values, places: Values) -> Iterator[Claim]:
    """Columns (docs/stock-map.md): row j of each is `places.code[j]`."""
    statuses, codes, gone = stock.get("statuses") or {}, places.get("code") or (), set(places.get("gone") or ())
    for item in stock.get("items") or ():
        own = dict(item.get("row_as_of") or ())
        for row, letter in enumerate(item.get("status") or ()):
            if row in gone or statuses.get(letter) == "unknown" or row >= len(codes):
                continue
            yield Claim(
                where=f"items[{item.get('id')}][{row}]",
                code=str(codes[row]),
                is_code_text=isinstance(codes[row], str),
                item=str(item.get("id", "")),
                available=whole(item["available"][row]),
                reserved=whole(item["reserved"][row]) if item.get("reserved") else 0,
                count=whole(item["count"][row]),
                status=str(statuses.get(letter, letter)),
                as_of=str(own.get(row) or item.get("as_of") or ""),
                lon=number(places["lon"][row]),
                lat=number(places["lat"][row]),
                is_marked_doubtful=places["located"][row] == "differ",
            )


def whole(value: object) -> int | None:
    """A whole number, also as text; None for anything else (an empty text is no number)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    text = value.strip().replace(",", "") if isinstance(value, str) else ""
    return int(text) if text.lstrip("-").isdecimal() and len(text) <= 12 else None


def number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(value) if isinstance(value, str) and value else None
    except ValueError:
        return None
