"""What counties and towns are called, without their geometry: nothing here loads NumPy or GEOS."""

from banyan.craft.gazetteer.areas import FILE, FOLDER, Area, Areas, load_areas, official
from banyan.craft.gazetteer.names import Named, county_names, plain, town_by_code, town_by_name, town_names

__all__ = [
    "FILE", "FOLDER", "Area", "Areas", "Named", "county_names", "load_areas", "official", "plain", "town_by_code",
    "town_by_name", "town_names",
]  # fmt: skip
