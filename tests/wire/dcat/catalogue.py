"""A small but complete DCAT-AP catalogue for the codec's tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from banyan.wire import dcat
from banyan.wire.dcat.vocabularies import TAIWAN_BOX, authority

SITE = "https://data.example.tw"
TAIWAN = dcat.Place(iri=authority("country", "TWN"), label={"zh-Hant": "臺灣", "en": "Taiwan"}, bbox=TAIWAN_BOX)
OGDL = dcat.Licence(
    iri="https://spdx.org/licenses/OGDL-Taiwan-1.0",
    title={"zh-Hant": "政府資料開放授權條款-第1版", "en": "Open Government Data License, version 1.0"},
    compatible=authority("licence", "CC_BY_4_0"),
)
AGENCY = dcat.Agent(iri=f"{SITE}/organization/nhi", name={"zh-Hant": "中央健康保險署", "en": "NHI Administration"})
CONTACT = dcat.ContactPoint(name="王小明", email="open@example.tw", phone="(02)2706-5866#1234")
SERVICE = dcat.Service(
    iri=f"{SITE}/api#service",
    title={"zh-Hant": "資料介面", "en": "Data API"},
    description={"zh-Hant": "查詢每一份資料", "en": "Query every dataset"},
    endpoint_url=f"{SITE}/api/3/action",
    endpoint_description=f"{SITE}/openapi.json",
    conforms_to="https://spec.openapis.org/oas/v3.1.0",
    keywords=("API",),
    themes=("GOVE",),
)
CATALOG = dcat.Catalog(
    iri=f"{SITE}/catalog",
    title={"zh-Hant": "榕資料平臺", "en": "Banyan data"},
    description={"zh-Hant": "目錄", "en": "Catalogue"},
    publisher=AGENCY,
    homepage=f"{SITE}/",
    licence=OGDL,
    contact=CONTACT,
    place=TAIWAN,
    languages=("ZHO", "ENG"),
    issued="2026-01-01",
    modified="2026-11-23T13:00:00Z",
    service=SERVICE,
)


def a_distribution(name: str = "mask", number: int = 1, title: str = "CSV") -> dcat.Distribution:
    return dcat.Distribution(
        iri=f"{SITE}/dataset/{name}/resource/{number}#csv",
        title={"zh-Hant": title},
        access_url=f"{SITE}/dataset/{name}/resource/{number}",
        description={"zh-Hant": "逗號分隔"},
        download_url=f"{SITE}/download/{name}.csv",
        file_type="CSV",
        media_type="text/csv",
        encoding="UTF-8",
        byte_size=1234,
        sha256="ab" * 32,
        issued="2026-11-01",
        modified="2026-11-23T13:00:00Z",
        schema_url=f"{SITE}/dataset/{name}/datapackage.json",
        availability="STABLE",
        service=SERVICE.iri,
    )


def a_dataset(name: str = "mask", title: str = "口罩庫存", *, keyword: str = "口罩") -> dcat.Dataset:
    return dcat.Dataset(
        iri=f"{SITE}/dataset/{name}#dataset",
        identifier="A41000000G-000001",
        title={"zh-Hant": title, "en": "Mask stock"},
        description={"zh-Hant": title + "的說明"},
        landing_page=f"{SITE}/dataset/{name}",
        publisher=AGENCY,
        contact=CONTACT,
        keywords=(keyword,),
        themes=("HEAL",),
        categories=((f"{SITE}/group/medical", {"zh-Hant": "就醫"}),),
        frequency="10MIN",
        languages=("ZHO",),
        places=(TAIWAN, dcat.Place(bbox=(120.0, 22.0, 121.5, 25.0))),
        period=dcat.Period(start="2020-02-06", end="2020-04"),
        licence=OGDL,
        rights={"zh-Hant": "開放資料，不限對象及用途"},
        access="PUBLIC",
        issued="2026-11-01",
        modified="2026-11-23T13:00:00Z",
        version="3",
        provenance={"zh-Hant": "由健保署上傳"},
        distributions=(a_distribution(name), a_distribution(name, 2, "JSON")),
        measurements=(
            dcat.Measurement("scoring", 390),
            dcat.Measurement("keywordAvailability", 1, boolean=True),
        ),
        measured="2026-11-23T13:00:00Z",
    )


def a_paging(total: int = 1, *, page: int = 1, size: int = 100) -> dcat.Paging:
    return dcat.Paging(url=f"{SITE}/catalog.ttl", page=page, pages=max(1, -(-total // size)), total=total, size=size)


def a_page(syntax: dcat.Syntax, datasets: Sequence[dcat.Dataset], paging: dcat.Paging) -> Iterator[bytes]:
    return dcat.catalog_chunks(syntax, CATALOG, datasets, paging, [dataset.iri for dataset in datasets])
