"""Table Schema, Data Package, schema.org, CSVW, Croissant: structure here, frictionless's verdict by its own client."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.wire import croissant, csvw, datapackage, schemaorg, tableschema

FRICTIONLESS = Path(__file__).parents[2] / ".venv-peers" / "bin" / "frictionless"
CSV = (
    "機構代碼,名稱,數量,日期,時間\n"
    "0145080011,甲藥局,3,2020-02-14,2020-02-14T08:55:35Z\n"
    "0145080020,乙藥局,,2020-02-14,\n"
)
SCHEMA = tableschema.Schema(
    fields=(
        tableschema.Field("機構代碼", "string", constraints=tableschema.Constraints(required=True, unique=True)),
        tableschema.Field("名稱", "string", title="醫事機構名稱", description="全名"),
        tableschema.Field("數量", "integer", unit="片", constraints=tableschema.Constraints(minimum=0)),
        tableschema.Field("日期", "date"),
        tableschema.Field("時間", "datetime"),
    ),
    primaryKey=("機構代碼",),
)


def a_package(path: str = "mask.csv") -> datapackage.Package:
    resource = datapackage.Resource(
        name="口罩",
        path=path,
        format="csv",
        mediatype="text/csv",
        encoding="utf-8",
        bytes=len(CSV.encode()),
        schema=SCHEMA,
    )
    return datapackage.Package(
        name="mask",
        title="口罩庫存",
        licences=(datapackage.Licence("OGDL-Taiwan-1.0", "https://data.gov.tw/license", "政府資料開放授權條款-第1版"),),
        keywords=("口罩",),
        resources=(resource,),
    )


@pytest.mark.peers
@pytest.mark.skipif(not FRICTIONLESS.exists(), reason="needs .venv-peers")
@pytest.mark.parametrize(("body", "valid"), [(CSV, True), (CSV.replace(",3,", ",許多,"), False)])
def test_frictionless_validates_our_package(body: str, valid: bool, tmp_path: Path) -> None:
    (tmp_path / "mask.csv").write_text(body, encoding="utf-8")
    package = a_package()
    plain = json.loads(datapackage.write(package))
    plain["resources"][0]["bytes"] = len(body.encode())
    (tmp_path / "datapackage.json").write_text(json.dumps(plain))
    done = subprocess.run(
        [FRICTIONLESS, "validate", "datapackage.json", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout)["valid"] is valid, done.stdout


def test_a_package_says_licence_hash_and_missing_values() -> None:
    plain = json.loads(datapackage.write(a_package()))
    assert plain["licenses"][0]["name"] == "OGDL-Taiwan-1.0"
    assert plain["resources"][0]["schema"]["missingValues"] == [""]
    assert plain["resources"][0]["schema"]["fields"][2]["unit"] == "片"
    assert plain["resources"][0]["name"] == "data"


@given(st.text())
def test_a_slug_is_always_a_name_the_specification_allows(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9._-]+", datapackage.slug(text))


@given(name=st.text(min_size=1), description=st.text())
def test_a_description_cannot_leave_its_script_element(name: str, description: str) -> None:
    body = schemaorg.dataset_jsonld(schemaorg.Described(url="https://e.tw/d", name=name, description=description))
    assert not set(body) & set(b"<>&")
    assert json.loads(body)["name"] == name


def test_schema_org_says_place_time_and_files() -> None:
    one = schemaorg.Described(
        url="https://e.tw/dataset/mask",
        name="口罩",
        description="</script><script>alert(1)</script>",
        publisher="健保署",
        bbox=(120.0, 22.0, 121.0, 25.0),
        temporal="2020-02-06/..",
        downloads=(schemaorg.Download("https://e.tw/mask.csv", "text/csv", "CSV", 12),),
    )
    plain = json.loads(schemaorg.dataset_jsonld(one))
    assert plain["spatialCoverage"]["geo"]["box"] == "22.0 120.0 25.0 121.0"
    assert plain["distribution"][0]["contentUrl"] == "https://e.tw/mask.csv"
    assert plain["description"].startswith("</script>")


def test_csvw_names_columns_by_place_and_keeps_the_headers() -> None:
    plain = json.loads(csvw.write("https://e.tw/mask.csv", SCHEMA, title="口罩", licence="https://data.gov.tw/license"))
    columns = plain["tableSchema"]["columns"]
    assert columns[0] == {"name": "c1", "titles": "機構代碼", "datatype": "string", "required": True}
    assert plain["tableSchema"]["primaryKey"] == ["c1"]
    assert all(re.fullmatch(r"c\d+", column["name"]) for column in columns)


def test_croissant_fields_point_into_their_file() -> None:
    table = croissant.Table("口罩", "https://e.tw/mask.csv", "ab" * 32, 12, SCHEMA)
    one = croissant.Described(
        name="mask", description="口罩", url="https://e.tw/d", licence="https://data.gov.tw/license",
        publisher="健保署", published="2026-11-23", version="3", live=True, tables=(table,),
    )  # fmt: skip
    plain = json.loads(croissant.write(one))
    files = {file["@id"] for file in plain["distribution"]}
    for field in plain["recordSet"][0]["field"]:
        assert field["source"]["fileObject"]["@id"] in files
        assert field["source"]["extract"]["column"] in {one.name for one in SCHEMA.fields}
