"""The EU authority tables and code lists that DCAT-AP asks for, as far as Banyan uses them.

Source: https://op.europa.eu/en/web/eu-vocabularies (frequency, file-type, language, data-theme, access-right, country,
planned-availability), ADMS code lists, IANA media types, SPDX licence list, piveau DQV metrics of the MQA.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

AUTHORITY = "http://publications.europa.eu/resource/authority/"
IANA = "https://www.iana.org/assignments/media-types/"
ADMS_LICENCE_TYPE = "http://purl.org/adms/licencetype/"
ADMS_PUBLISHER_TYPE = "http://purl.org/adms/publishertype/"
PIVEAU = "https://piveau.eu/ns/voc#"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
SHA256 = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
TAIWAN_BOX = (114.35, 10.37, 122.11, 26.39)
"""Dongsha and Taiping included."""


class FileType(msgspec.Struct, frozen=True):
    """One file format: EU code, IANA media type, and the two properties the MQA asks of it."""

    code: str
    media_type: str
    non_proprietary: bool
    machine_readable: bool


def _type(code: str, media_type: str, marks: str = "open machine") -> FileType:
    return FileType(code, media_type, "open" in marks, "machine" in marks)


FILE_TYPES: Mapping[str, FileType] = {
    "CSV": _type("CSV", "text/csv"),
    "TSV": _type("TSV", "text/tab-separated-values"),
    "JSON": _type("JSON", "application/json"),
    "NDJSON": _type("JSON", "application/x-ndjson"),
    "GEOJSON": _type("GEOJSON", "application/geo+json"),
    "JSON-LD": _type("JSON_LD", "application/ld+json"),
    "XML": _type("XML", "application/xml"),
    "PARQUET": _type("PARQUET", "application/vnd.apache.parquet"),
    "RDF": _type("RDF_XML", "application/rdf+xml"),
    "TTL": _type("RDF_TURTLE", "text/turtle"),
    "KML": _type("KML", "application/vnd.google-earth.kml+xml"),
    "KMZ": _type("KMZ", "application/vnd.google-earth.kmz"),
    "GML": _type("GML", "application/gml+xml"),
    "SHP": _type("SHP", "application/vnd.shp", "machine"),
    "GPKG": _type("GPKG", "application/geopackage+sqlite3"),
    "ODS": _type("ODS", "application/vnd.oasis.opendocument.spreadsheet"),
    "ODT": _type("ODT", "application/vnd.oasis.opendocument.text", "open"),
    "XLSX": _type("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "XLS": _type("XLS", "application/vnd.ms-excel", "machine"),
    "DOCX": _type("DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ""),
    "DOC": _type("DOC", "application/msword", ""),
    "PDF": _type("PDF", "application/pdf", "open"),
    "TXT": _type("TXT", "text/plain", "open"),
    "HTML": _type("HTML", "text/html", "open"),
    "ZIP": _type("ZIP", "application/zip", "open"),
    "GZ": _type("GZIP", "application/gzip", "open"),
    "7Z": _type("7Z", "application/x-7z-compressed", "open"),
    "JPEG": _type("JPEG", "image/jpeg", "open"),
    "PNG": _type("PNG", "image/png", "open"),
    "TIFF": _type("TIFF", "image/tiff", "open"),
    "API": _type("", "application/json"),
}

DATA_THEMES: Mapping[str, Mapping[str, str]] = {
    "AGRI": {"zh-Hant": "農漁林業及糧食", "en": "Agriculture, fisheries, forestry and food"},
    "ECON": {"zh-Hant": "經濟及財政", "en": "Economy and finance"},
    "EDUC": {"zh-Hant": "教育、文化及體育", "en": "Education, culture and sport"},
    "ENER": {"zh-Hant": "能源", "en": "Energy"},
    "ENVI": {"zh-Hant": "環境", "en": "Environment"},
    "GOVE": {"zh-Hant": "政府及公部門", "en": "Government and public sector"},
    "HEAL": {"zh-Hant": "健康", "en": "Health"},
    "INTR": {"zh-Hant": "國際事務", "en": "International issues"},
    "JUST": {"zh-Hant": "司法及公共安全", "en": "Justice, legal system and public safety"},
    "REGI": {"zh-Hant": "區域及城市", "en": "Regions and cities"},
    "SOCI": {"zh-Hant": "人口及社會", "en": "Population and society"},
    "TECH": {"zh-Hant": "科學及技術", "en": "Science and technology"},
    "TRAN": {"zh-Hant": "運輸", "en": "Transport"},
}
THEME_SCHEME = AUTHORITY + "data-theme"

CATEGORY_THEMES: Mapping[str, str] = {
    "100": "HEAL", "200": "SOCI", "300": "EDUC", "400": "GOVE", "500": "SOCI", "600": "ECON",
    "700": "SOCI", "800": "ECON", "900": "EDUC", "A00": "TRAN", "B00": "HEAL", "C00": "REGI",
    "D00": "GOVE", "E00": "JUST", "F00": "SOCI", "G00": "SOCI", "H00": "SOCI", "I00": "GOVE",
}  # fmt: skip
"""National service category (國發會服務分類, 18 codes) to the nearest EU data theme. The choice is ours."""

LANGUAGES: Mapping[str, str] = {"zh-Hant": "ZHO", "zh": "ZHO", "zh-TW": "ZHO", "en": "ENG", "ja": "JPN", "ko": "KOR",
    "vi": "VIE", "id": "IND", "th": "THA", "tl": "TGL", "中文": "ZHO", "英文": "ENG"}  # fmt: skip

LICENCE_EU: Mapping[str, str] = {
    "OGDL-Taiwan-1.0": "",
    "CC-BY-4.0": "CC_BY_4_0",
    "CC0-1.0": "CC0",
    "CC-BY-SA-4.0": "CC_BYSA_4_0",
    "ODC-BY-1.0": "ODC_BY",
    "ODbL-1.0": "ODC_BL",
    "PDDL-1.0": "ODC_PDDL",
}
"""SPDX id to the EU licence authority code; empty when that table lacks it: then the SPDX list is the vocabulary."""


def authority(table: str, code: str) -> str:
    """The IRI of an EU authority concept: `authority("frequency", "DAILY")`."""
    return f"{AUTHORITY}{table}/{code}"


def licence_iri(spdx: str) -> str:
    """The licence's address in the vocabulary that has it: EU authority, else the SPDX list."""
    code = LICENCE_EU.get(spdx, "")
    return authority("licence", code) if code else f"https://spdx.org/licenses/{spdx}"
