"""Stock in schema.org's words: an Offer with `inventoryLevel` and `availability`, at an outlet by its identifier.

{"@type": "Offer", "itemOffered": {"sku": "mask-adult"}, "availability": "https://schema.org/InStock",
 "inventoryLevel": {"@type": "QuantitativeValue", "value": 200}, "dateModified": "2020-02-14T01:05:34Z",
 "availableAtOrFrom": {"identifier": "0145080011", "geo": {"longitude": 121.6, "latitude": 23.97}},
 "additionalProperty": {"name": "reserved", "value": 0}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from banyan.kit.claims import Claim
from banyan.kit.json_apps import number, whole

_STATUS: Final = {
    "InStock": "in_stock",
    "InStoreOnly": "in_stock",
    "LimitedAvailability": "few",
    "Reserved": "reserved",
    "OutOfStock": "sold_out",
    "SoldOut": "sold_out",
    "Discontinued": "not_listed",
}
_DEEPEST: Final = 16


def offers(document: Any, where: str, *, is_stale: bool) -> Iterator[Claim]:
    """Claims of every Offer in the document that names an outlet."""
    for place, offer in enumerate(_offers(document, 0)):
        outlet = _first(offer.get("availableAtOrFrom") or offer.get("seller") or offer.get("offeredBy"))
        code = _first_value(outlet, "identifier", "branchCode", "@id")
        if not code:
            continue
        level = offer.get("inventoryLevel")
        geo = _first(outlet.get("geo"))
        item = offer.get("itemOffered")
        yield Claim(
            where=f"{where}, Offer {place + 1}",
            code=str(code),
            is_code_text=isinstance(code, str),
            item=str(_first_value(_first(item), "sku", "identifier", "@id") or offer.get("sku") or ""),
            available=whole(_first(level).get("value") if isinstance(level, Mapping | list) else level),
            reserved=_reserved(offer.get("additionalProperty")),
            status=_STATUS.get(str(offer.get("availability", "")).rpartition("/")[2], ""),
            as_of=str(offer.get("dateModified") or offer.get("validFrom") or ""),
            lon=number(geo.get("longitude")),
            lat=number(geo.get("latitude")),
            is_marked_stale=is_stale,
        )


def _offers(document: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(document, list):
        for one in document:
            yield from _offers(one, depth + 1)
    elif isinstance(document, Mapping):
        kind = document.get("@type", "")
        if "Offer" in (kind if isinstance(kind, list) else [kind]):
            yield document
            return
        for value in document.values():
            yield from _offers(value, depth + 1)


def _reserved(properties: Any) -> int | None:
    for one in properties if isinstance(properties, list) else [properties]:
        if isinstance(one, Mapping) and one.get("name") in ("reserved", "保留"):
            return whole(one.get("value"))
    return None


def _first(value: Any) -> Mapping[str, Any]:
    one = value[0] if isinstance(value, list) and value else value
    return one if isinstance(one, Mapping) else {}


def _first_value(thing: Mapping[str, Any], *names: str) -> Any:
    for name in names:
        value = thing.get(name)
        if isinstance(value, Mapping):
            value = value.get("value")
        if value not in (None, ""):
            return value
    return ""
