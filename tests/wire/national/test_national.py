"""The 38 fields: every rule once, the words of real catalogues, and the round trip."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.wire import national

GOOD = national.Dataset(
    categoryCode="B00",
    identifier="A41000000G-000001",
    title="口罩庫存",
    description="健保特約機構口罩剩餘數量",
    fieldDescription="醫事機構代碼、醫事機構名稱、成人口罩剩餘數",
    type="rawData",
    license=national.LICENCE,
    licenseURL=national.LICENCE_URL,
    cost="免費",
    organization="衛生福利部",
    organizationContactName="王小姐",
    organizationContactPhone="02-85906666",
    organizationContactEmail="a@mohw.example.tw",
    publisher="中央健康保險署",
    publisherContactName="李先生",
    publisherContactPhone="02-27065866",
    publisherContactEmail="b@nhi.example.tw",
    accrualPeriodicity="每 10 分鐘",
    temporalCoverageFrom="2020-02-06 00:00:00",
    temporalCoverageTo="2021-06-21",
    issued="2020-02-06",
    modified="2020-02-14 08:55:35",
    spatial="臺灣",
    language="中文",
    landingPage="https://data.example.tw/dataset/mask",
    keyword=("口罩", "藥局"),
    numberOfData=6543,
    distribution=(
        national.Resource(
            resourceID="A41000000G-000001-001",
            resourceDescription="CSV",
            format="CSV",
            resourceModified="2020-02-14 08:55:35",
            downloadURL="https://data.example.tw/mask.csv",
            characterSetCode="UTF-8",
        ),
    ),
)


def changed(**values: object) -> national.Dataset:
    return msgspec.structs.replace(GOOD, **values)


def resource(**values: object) -> tuple[national.Resource, ...]:
    return (msgspec.structs.replace(GOOD.distribution[0], **values),)


def test_it_has_38_fields() -> None:
    dataset = set(national.Dataset.__struct_fields__) - {"distribution"}
    assert len(dataset) + len(national.Resource.__struct_fields__) == 38


def test_a_complete_dataset_has_no_fault() -> None:
    assert national.check(GOOD) == []


@pytest.mark.parametrize(
    ("dataset", "field", "code", "severity"),
    [
        (changed(title=""), "title", "required", "error"),
        (changed(publisherContactEmail=""), "publisherContactEmail", "required", "error"),
        (changed(keyword=()), "keyword", "recommended", "warning"),
        (changed(categoryCode="101"), "categoryCode", "not-in-list", "error"),
        (changed(identifier="A41-1"), "identifier", "identifier", "error"),
        (changed(type="raw"), "type", "not-in-list", "error"),
        (changed(cost="無"), "cost", "not-in-list", "error"),
        (changed(cost="付費"), "costURL", "required-when-paid", "error"),
        (changed(cost="付費", costURL="https://e.tw/fee"), "costLaw", "required-when-paid", "error"),
        (changed(licenseURL="data.gov.tw/license"), "licenseURL", "url", "error"),
        (changed(publisherContactEmail="nobody"), "publisherContactEmail", "email", "error"),
        (changed(accrualPeriodicity="每15日或每2月"), "accrualPeriodicity", "frequency-two", "error"),
        (changed(accrualPeriodicity="看心情"), "accrualPeriodicity", "frequency", "error"),
        (changed(accrualPeriodicity="每天"), "accrualPeriodicity", "frequency-form", "warning"),
        (changed(modified="2015"), "modified", "date-coarse", "warning"),
        (changed(modified="104/01/01"), "modified", "date", "error"),
        (changed(temporalCoverageFrom="2022-01-01"), "temporalCoverageTo", "before-from", "error"),
        (changed(numberOfData=-1), "numberOfData", "negative", "error"),
        (changed(distribution=()), "distribution", "required", "error"),
        (changed(distribution=resource(resourceID="x")), "distribution.0.resourceID", "resource-id", "error"),
        (changed(distribution=resource(downloadURL="")), "distribution.0.downloadURL", "one-url", "error"),
        (changed(distribution=resource(accessURL="https://e.tw")), "distribution.0.downloadURL", "one-url", "error"),
        (
            changed(type="SERVICES", distribution=resource(downloadURL="")),
            "distribution.0.accessURL",
            "one-url",
            "error",
        ),
        (changed(distribution=resource(format="")), "distribution.0.format", "required", "error"),
        (
            changed(distribution=resource(characterSetCode="ANSI")),
            "distribution.0.characterSetCode",
            "not-in-list",
            "warning",
        ),
    ],
)
def test_each_rule_names_its_field(dataset: national.Dataset, field: str, code: str, severity: str) -> None:
    faults = [(fault.field, fault.code, fault.severity) for fault in national.check(dataset)]
    assert (field, code, severity) in faults


@pytest.mark.parametrize(
    ("text", "standard", "eu", "interval_s"),
    [
        ("即時", "即時", "UPDATE_CONT", 60),
        ("每日", "每日", "DAILY", 86_400),
        ("每天", "每日", "DAILY", 86_400),
        ("每 10 分鐘", "每 10 分鐘", "10MIN", 600),
        ("每５分鐘", "每 5 分鐘", "5MIN", 300),
        ("每分鐘", "每分鐘", "1MIN", 60),
        ("每小時", "每小時", "HOURLY", 3600),
        ("每周", "每週", "WEEKLY", 604_800),
        ("每兩週", "每 2 週", "BIWEEKLY", 1_209_600),
        ("每月", "每月", "MONTHLY", 2_635_200),
        ("每月1次", "每月", "MONTHLY", 2_635_200),
        ("每月更新1次", "每月", "MONTHLY", 2_635_200),
        ("月", "每月", "MONTHLY", 2_635_200),
        ("每季", "每季", "QUARTERLY", 7_905_600),
        ("每半年", "每半年", "ANNUAL_2", 15_811_200),
        ("半年", "每半年", "ANNUAL_2", 15_811_200),
        ("每年", "每年", "ANNUAL", 31_557_600),
        ("年", "每年", "ANNUAL", 31_557_600),
        ("每年2次", "每年 2 次", "ANNUAL_2", 15_778_800),
        ("每三年", "每 3 年", "TRIENNIAL", 94_672_800),
        ("6年", "每 6 年", "OTHER", 189_345_600),
        ("不定期", "不定期", "IRREG", 0),
        ("不定時", "不定期", "IRREG", 0),
        ("異動時更新", "異動時更新", "AS_NEEDED", 0),
        ("不需更新", "不更新", "NEVER", 0),
    ],
)
def test_frequencies_of_real_catalogues(text: str, standard: str, eu: str, interval_s: int) -> None:
    read = national.parse(text)
    assert read is not None
    assert (read.standard, read.eu, read.interval_s) == (standard, eu, interval_s)
    assert national.parse(read.standard) == read


@pytest.mark.parametrize("text", ["每15日或每2月", "每月、年", "無", "", "每0日", "每日每月", "x" * 100])
def test_what_is_no_single_frequency_is_refused(text: str) -> None:
    assert national.parse(text) is None


@given(count=st.integers(1, 9999), unit=st.sampled_from(["minute", "hour", "day", "week", "month", "year"]))
def test_every_interval_survives_its_standard_form(count: int, unit: str) -> None:
    one = national.Periodicity("interval", count, unit)  # type: ignore[arg-type]
    assert national.parse(one.standard) == one


_TEXT = st.text(max_size=40).map(str.strip)
_RESOURCE = st.builds(national.Resource, **dict.fromkeys(national.Resource.__struct_fields__, _TEXT))
_DATASET = st.builds(
    national.Dataset,
    **{
        **dict.fromkeys(national.Dataset.__struct_fields__, _TEXT),
        "keyword": st.lists(_TEXT.filter(bool), max_size=3).map(tuple),
        "numberOfData": st.none() | st.integers(0, 10**12),
        "distribution": st.lists(_RESOURCE, max_size=3).map(tuple),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_DATASET, max_size=3))
def test_what_is_written_is_read_back(datasets: list[national.Dataset]) -> None:
    assert national.decode(national.encode(datasets)).datasets == tuple(datasets)


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(
    st.sampled_from(["title", "keyword", "distribution", "numberOfData", "x"]), c), max_leaves=12))  # fmt: skip
def test_any_json_gives_faults_and_never_raises(document: object) -> None:
    national.decode(msgspec.json.encode(document))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "json"),
        (b"\xff", "json"),
        (b"[" * 100_000, "json"),
        (b"3", "not-object"),
        (b'[{"title": ["x"]}]', "not-text"),
        (b'[{"numberOfData": "many"}]', "integer"),
        (b'[{"distribution": {}}]', "not-list"),
        (b'[{"viewCount": 1}]', "unknown"),
        (b"[" + b",".join([b"{}"] * 1001) + b"]", "too-many"),
    ],
)
def test_bad_documents_say_what_is_wrong(body: bytes, code: str) -> None:
    assert code in {fault.code for fault in national.decode(body).faults}


def test_text_leaves_as_utf8_and_empty_numbers_as_empty_text() -> None:
    body = national.encode([changed(numberOfData=None)])
    assert "口罩".encode() in body
    assert b'"numberOfData":""' in body
