"""A small catalogue put straight into the registry: an agency, a theme, a table with a version, a linked file."""

from __future__ import annotations

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.service.opendata import registry
from banyan.service.opendata.model import Agency, Column, Contact, Dataset, Resource, Source, Theme, Version

AT = EpochS(1_795_438_800.0)
AGENCY = Agency(
    id="agency-1",
    name="nhi",
    title="中央健康保險署",
    title_en="NHI Administration",
    created=AT,
    code="A21030000I",
    contact=Contact(name="王小姐", phone="02-27065866", email="open@nhi.example.tw"),
)
THEME = Theme(id="theme-1", name="medical", title="就醫", title_en="Medical care", created=AT, code="B00")
TABLE = Resource(
    id="11111111-1111-4111-8111-111111111111",
    name="口罩庫存",
    description="每十分鐘更新的剩餘數量",
    created=AT,
    last_modified=AT,
    format="CSV",
    url_type="upload",
    url="/dataset/mask/resource/1/download/mask.csv",
    version=1,
    key=("醫事機構代碼",),
)
LINK = Resource(
    id="22222222-2222-4222-8222-222222222222",
    name="說明文件",
    created=AT,
    last_modified=AT,
    format="PDF",
    url="https://www.nhi.example.tw/manual.pdf",
    position=1,
)
COLUMNS = (
    Column("醫事機構代碼", "text", role="key", distinct=2),
    Column("醫事機構名稱", "text", distinct=2),
    Column("成人口罩剩餘數", "integer", unit="片", minimum="0", maximum="400"),
    Column("來源資料時間", "datetime", role="time", minimum="2020-02-14T08:50:00Z", maximum="2020-02-14T08:55:35Z"),
    Column("緯度", "number", role="lat"),
    Column("經度", "number", role="lon"),
)
VERSION = Version(
    resource_id=TABLE.id,
    number=1,
    at=AT,
    as_of=AT,
    rows=2,
    columns=COLUMNS,
    source=Source(filename="mask.csv", sha256="ab" * 32, size=100, format="csv", encoding="utf-8"),
    parquet="v/1.parquet",
    parquet_bytes=900,
    bbox=(120.1, 22.5, 121.6, 25.1),
    geometry="point",
)
DATASET = Dataset(
    id="33333333-3333-4333-8333-333333333333",
    name="mask",
    title="口罩庫存",
    title_en="Mask stock",
    notes="健保特約機構口罩剩餘數量，每十分鐘更新。",
    metadata_created=AT,
    metadata_modified=AT,
    agency_id=AGENCY.id,
    tags=("口罩", "藥局"),
    themes=(THEME.name,),
    resources=(TABLE, LINK),
    identifier="A21030000I-000001",
    frequency="每 10 分鐘",
    spatial="臺灣",
)


def seed(tx: Tx, *more: Dataset) -> None:
    registry.put_agency(tx, AGENCY)
    registry.put_theme(tx, THEME)
    registry.put_dataset(tx, DATASET)
    registry.put_version(tx, VERSION, choices="")
    for dataset in more:
        registry.put_dataset(tx, dataset)


def another(number: int, **values: object) -> Dataset:
    """A dataset with only a name and a title."""
    made = Dataset(
        id=f"44444444-4444-4444-8444-{number:012}",
        name=f"plain-{number:05}",
        title=f"資料集 {number}",
        metadata_created=AT,
        metadata_modified=EpochS(AT + number),
    )
    return msgspec.structs.replace(made, **values)
