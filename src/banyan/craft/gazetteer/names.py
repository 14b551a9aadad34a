"""Names of counties and towns as people write them, old ones too, to today's codes.

台/臺, 市/縣 as renamed: 桃園縣→桃園市 (2014), 台北縣→新北市, 台中縣→臺中市, 台南縣→臺南市, 高雄縣→高雄市 (2010);
a town's level may have changed with it (板橋市→板橋區, 頭份鎮→頭份市), so a town matches by its stem within its county.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from banyan.craft.gazetteer.areas import Area, load_areas

RENAMED = {"台北縣": "新北市", "桃園縣": "桃園市", "台中縣": "台中市", "台南縣": "台南市", "高雄縣": "高雄市"}
SUCCEEDED = {
    ("高雄縣", "三民"): "那瑪夏",
    ("高雄市", "三民鄉"): "那瑪夏",
    ("高雄縣", "瑪夏"): "那瑪夏",
    ("台南市", "中區"): "中西",
    ("台南市", "西區"): "中西",
}
"""Towns whose name itself changed: 高雄縣三民鄉 became 那瑪夏 in 2008 (三民區 is another place),
台南市中區 and 西區 became 中西區 in 2004."""
VARIANTS = str.maketrans("臺塩峯衆羣爲綫裡冲巿", "台鹽峰眾群為線裏沖市")
LEVELS = "鄉鎮市區"
TOWN_CODE = re.compile(r"(\d{8})([-\s]?\d{3})?")


class Named(msgspec.Struct, frozen=True):
    """What a name means today: a county, and a town when it was named (else empty). `rest` follows the names."""

    county: str
    town: str = ""
    rest: str = ""


def plain(name: str) -> str:
    """A name for comparing: NFKC, 台 for 臺, variants folded, no spaces."""
    return "".join(unicodedata.normalize("NFKC", name).translate(VARIANTS).split())


@lru_cache(maxsize=8192)
def town_by_name(text: str, county: str = "") -> Named | None:
    """The county and town that open `text` (新北市板橋區…, 台中縣豐原市); `county` (a name) when it has only a town.

    None when the text opens with no county and no county is given, or the atlas is not installed.
    """
    index = _index()
    if index is None:
        return None
    written = plain(text)
    head = written[:3]
    if (code := index.counties.get(head)) is not None:
        return _within(index, code, head, written[3:])
    given = plain(county)[:3]
    if (code := index.counties.get(given)) is not None:
        found = _within(index, code, given, written)
        return found if found.town else None
    for length in (4, 3, 2):
        if (only := index.unique.get(written[:length])) is not None:
            return Named(only[:5], only, written[length:])
    return None


def town_by_code(text: str) -> Named | None:
    """The town of a town code (8 digits) or village code (11 digits, or 8-3); a county code (5 digits) alone."""
    index = _index()
    written = text.strip()
    if index is None:
        return None
    if len(written) == 5 and written in index.county_names:
        return Named(written)
    found = TOWN_CODE.fullmatch(written)
    return Named(found[1][:5], found[1]) if found and found[1] in index.town_names else None


def county_names() -> Mapping[str, str]:
    """Official names by county code; empty when the atlas is not installed."""
    index = _index()
    return index.county_names if index else {}


def town_names() -> Mapping[str, str]:
    """Official names by town code, without the county."""
    index = _index()
    return index.town_names if index else {}


class _Index(msgspec.Struct, frozen=True):
    counties: dict[str, str]
    stems: dict[tuple[str, str], str]
    full: dict[tuple[str, str], str]
    unique: dict[str, str]
    county_names: dict[str, str]
    town_names: dict[str, str]


@lru_cache(maxsize=1)
def _index() -> _Index | None:
    areas = load_areas()
    if areas is None:
        return None
    counties = {plain(area.county): area.code for area in areas.counties}
    counties |= {old: counties[new] for old, new in RENAMED.items()}
    full = {(area.county_code, plain(area.town)): area.code for area in areas.towns}
    return _Index(
        counties=counties,
        stems={(code, name[:-1]): town for (code, name), town in full.items()},
        full=full,
        unique=_unique(areas.towns),
        county_names={area.code: area.county for area in areas.counties},
        town_names={area.code: area.town for area in areas.towns},
    )


def _unique(towns: Sequence[Area]) -> dict[str, str]:
    """Town names that only one county has."""
    names = [plain(area.town) for area in towns]
    return {name: area.code for name, area in zip(names, towns, strict=True) if names.count(name) == 1}


def _within(index: _Index, code: str, county: str, rest: str) -> Named:
    """The town that `rest` opens with, longest first: 2 to 4 characters, by name, then by stem before any level."""
    for length in (4, 3, 2):
        name = rest[:length]
        if (town := index.full.get((code, name))) is not None:
            return Named(code, town, rest[length:])
    for length in (4, 3, 2):
        name = rest[:length]
        if len(name) < length or name[-1] not in LEVELS:
            continue
        stem = SUCCEEDED.get((county, name[:-1])) or SUCCEEDED.get((county, name)) or name[:-1]
        if (town := index.stems.get((code, stem))) is not None:
            return Named(code, town, rest[length:])
    return Named(code, "", rest)
