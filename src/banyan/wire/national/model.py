"""資料集詮釋資料標準規範 (國發會, 2015-07): the 38 fields of a dataset's metadata, by the standard's own names.

30 fields describe the dataset, 8 each of its resources (`distribution`). An absent text is "", as the standard has it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Resource(msgspec.Struct, frozen=True):
    """資料資源: one file (`downloadURL`) or one service (`accessURL`)."""

    resourceID: str = ""
    resourceDescription: str = ""
    format: str = ""
    resourceModified: str = ""
    accessURL: str = ""
    downloadURL: str = ""
    metadataSourceOfData: str = ""
    characterSetCode: str = ""


class Dataset(msgspec.Struct, frozen=True):
    """資料集."""

    categoryCode: str = ""
    identifier: str = ""
    title: str = ""
    description: str = ""
    fieldDescription: str = ""
    """主要欄位說明: field names separated by 、, each with an optional meaning in brackets."""
    type: str = ""
    license: str = ""
    licenseURL: str = ""
    cost: str = ""
    costURL: str = ""
    costLaw: str = ""
    organization: str = ""
    organizationContactName: str = ""
    organizationContactPhone: str = ""
    organizationContactEmail: str = ""
    publisher: str = ""
    publisherContactName: str = ""
    publisherContactPhone: str = ""
    publisherContactEmail: str = ""
    accrualPeriodicity: str = ""
    temporalCoverageFrom: str = ""
    temporalCoverageTo: str = ""
    issued: str = ""
    modified: str = ""
    spatial: str = ""
    language: str = ""
    landingPage: str = ""
    keyword: tuple[str, ...] = ()
    numberOfData: int | None = None
    notes: str = ""
    distribution: tuple[Resource, ...] = ()


CATEGORIES: Mapping[str, str] = {
    "100": "生育保健",
    "200": "出生及收養",
    "300": "求學及進修",
    "400": "服兵役",
    "500": "求職及就業",
    "600": "開創事業",
    "700": "婚姻",
    "800": "投資理財",
    "900": "休閒旅遊",
    "A00": "交通及通訊",
    "B00": "就醫",
    "C00": "購屋及遷徙",
    "D00": "選舉及投票",
    "E00": "生活安全及品質",
    "F00": "退休",
    "G00": "老年安養",
    "H00": "生命禮儀",
    "I00": "公共資訊",
}
"""服務分類: the 18 codes."""

CATEGORIES_EN: Mapping[str, str] = {
    "100": "Maternity and child health",
    "200": "Birth and adoption",
    "300": "Education and training",
    "400": "Military service",
    "500": "Employment",
    "600": "Starting a business",
    "700": "Marriage",
    "800": "Investment and finance",
    "900": "Leisure and travel",
    "A00": "Transport and communication",
    "B00": "Medical care",
    "C00": "Housing and moving",
    "D00": "Elections and voting",
    "E00": "Safety and quality of life",
    "F00": "Retirement",
    "G00": "Elderly care",
    "H00": "Funerals and rites",
    "I00": "Public information",
}

TYPES = ("rawData", "TOOLS", "SERVICES")
COSTS = ("免費", "付費")
LICENCE = "政府資料開放授權條款-第1版"
LICENCE_URL = "https://data.gov.tw/license"
REQUIRED = (
    "categoryCode", "identifier", "title", "description", "fieldDescription", "type", "license", "licenseURL", "cost",
    "organization", "organizationContactName", "organizationContactPhone", "organizationContactEmail", "publisher",
    "publisherContactName", "publisherContactPhone", "publisherContactEmail", "accrualPeriodicity",
)  # fmt: skip
REQUIRED_OF_RESOURCE = ("resourceID", "resourceDescription", "format", "characterSetCode")
RECOMMENDED = ("temporalCoverageFrom", "temporalCoverageTo", "issued", "modified", "spatial", "language",
    "landingPage", "keyword")  # fmt: skip
