"""Every real alert of the shared data gets its right verdict, and what is good comes back whole from our writer."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from tests.make import shared_data

from banyan.errors import Invalid
from banyan.limits_alerts import CAP_BYTES
from banyan.wire.cap import reading, writing
from banyan.wire.cap.verdict import Layer

OTHER = ""
# file: version; does the schema accept it; codes of its errors; codes of its warnings
SAVED = {
    "cap/CanadaNaad.xml": ("1.2", True, set(), set()),
    "cap/NOAA_MultiplePolygons.xml": ("1.2", True, set(), set()),
    "cap/australia.cap": ("1.2", True, set(), set()),
    "cap/australia_bom.cap": ("1.2", True, set(), {"time-utc", "headline-long"}),
    "cap/bushfire_invalid.edxlde": (OTHER, False, {"format"}, set()),
    "cap/bushfire_valid.edxlde": (OTHER, False, {"format"}, set()),
    "cap/canada.cap": ("1.2", True, set(), set()),
    "cap/canada_errors.cap": ("1.2", True, {"references-missing"}, set()),
    "cap/canada_signed.cap": ("1.2", True, set(), set()),
    "cap/earthquake-iso8859-1.cap": ("1.2", True, set(), {"encoding", "time-utc"}),
    "cap/earthquake.cap": ("1.1", True, set(), {"upgraded"}),
    "cap/earthquake_signed.cap": ("1.1", False, {"unexpected"}, set()),
    "cap/iceland_met_office.cap": ("1.2", True, set(), set()),
    "cap/invalid.cap": ("1.2", False, {"missing"}, set()),
    "cap/invalid_xmlns.cap": (OTHER, False, {"namespace"}, set()),
    "cap/kelvinn_noaa.cap": ("1.1", True, set(), {"upgraded", "empty"}),
    "cap/kelvinn_ny.cap": ("1.1", False, {"order"}, set()),
    "cap/kelvinn_sweden.cap": ("1.2", False, {"order", "unexpected"}, set()),
    "cap/kelvinn_usgs.cap": ("1.2", True, set(), {"encoding", "time-utc"}),
    "cap/mexico.xml": ("1.2", True, set(), set()),
    "cap/no_info_tag.cap": ("1.2", True, set(), set()),
    "cap/no_optional_fields.cap": ("1.1", True, set(), {"upgraded", "info-missing"}),
    "cap/noaa_errors.cap": ("1.1", False, {"value"}, set()),
    "cap/ph.cap": ("1.2", True, set(), set()),
    "cap/rfs.xml": (OTHER, False, {"format"}, set()),
    "cap/smhi.se.alerts.cap": (OTHER, False, {"root"}, set()),
    "cap/sweden.cap": ("1.2", False, {"order", "unexpected"}, set()),
    "cap/taiwan.cap": ("1.2", True, set(), set()),
    "cap/tmp0000.cap": ("1.1", True, set(), {"upgraded"}),
    "cap/wcatwc-warning.cap": ("1.2", True, set(), {"headline-long"}),
    "cap/weather.cap": ("1.1", True, set(), {"upgraded", "empty"}),
    "cap/xee.cap": (OTHER, False, {"doctype"}, set()),
    **{f"signed/wmo_sc_{name}.xml": ("1.2", True, set(), set()) for name in ("valid", "no_signature")},
    **{
        f"signed/wmo_sc_invalid_{name}.xml": ("1.2", True, set(), set())
        for name in ("certificate", "digest", "signature")
    },
    "signed/wmo_sc_invalid_schema.xml": (OTHER, False, {"format"}, set()),
    **{f"signed/wmo_tg_{name}.xml": ("1.2", True, set(), {"time-utc"}) for name in ("valid", "no_signature")},
    **{
        f"signed/wmo_tg_invalid_{name}.xml": ("1.2", True, set(), {"time-utc"})
        for name in ("certificate", "digest", "signature")
    },
    "signed/wmo_tg_invalid_schema.xml": ("1.2", False, {"missing"}, set()),
}
SCHEMAS = {"1.2": "CAP-v1.2.xsd", "1.1": "CAP-v1.1.xsd", "1.0": "cap10.xsd"}


def bytes_of(name: str) -> bytes:
    return shared_data(f"alerts/{name}").read_bytes()


@pytest.fixture(scope="module")
def oracle() -> dict[str, etree.XMLSchema]:
    return {
        version: etree.XMLSchema(etree.parse(shared_data(f"alerts/xsd/{name}"))) for version, name in SCHEMAS.items()
    }


@pytest.mark.parametrize("name", sorted(SAVED))
def test_every_saved_alert_gets_its_verdict(name: str, oracle: dict[str, etree.XMLSchema]) -> None:
    version, is_structured, errors, warnings = SAVED[name]
    body = bytes_of(name)
    judged = reading.judge(body)
    verdict = judged.verdict
    assert (verdict.version, verdict.is_structured) == (version, is_structured)
    assert {each.code for each in verdict.errors} == errors
    assert {each.code for each in verdict.findings} - errors == warnings
    assert verdict.is_valid == (not errors)
    assert (judged.alert is not None) == is_structured
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    tree = etree.fromstring(body, parser)
    assert any(schema.validate(tree) for schema in oracle.values()) == is_structured
    assert all(each.fix and each.code for each in verdict.findings)


def test_the_table_misses_no_saved_file() -> None:
    root = Path(shared_data("alerts"))
    found = {f"{path.parent.name}/{path.name}" for path in [*root.glob("cap/*"), *root.glob("signed/*.xml")]}
    assert found == set(SAVED)


@pytest.mark.parametrize("name", sorted(name for name, saved in SAVED.items() if saved[1]))
def test_what_was_read_is_written_and_read_the_same(name: str, oracle: dict[str, etree.XMLSchema]) -> None:
    alert = reading.judge(bytes_of(name)).alert
    assert alert is not None
    written = writing.write(alert)
    assert reading.judge(written).alert == alert
    assert writing.write(alert) == written
    assert oracle["1.2"].validate(etree.fromstring(written))


def test_the_attack_reads_no_file_and_asks_no_host(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    for padding in ("", " " * 8_192):
        document = f"""<?xml version="1.0"?>{padding}<!DOCTYPE alert [<!ENTITY xxe SYSTEM "file://{secret}">]>
            <alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>&xxe;</identifier></alert>"""
        judged = reading.judge(document.encode())
        assert judged.alert is None
        assert [each.code for each in judged.verdict.findings] == ["doctype"]
        assert "the secret" not in str(judged)


def test_a_thousand_laughs_are_not_laughed() -> None:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    document = f"<!DOCTYPE alert [{lines}]><alert>&l11;</alert>"
    for body in (document.encode(), document.encode("utf-16")):
        assert [each.code for each in reading.judge(body).verdict.findings] in (["doctype"], ["not-xml"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-xml"),
        (b"not xml", "not-xml"),
        (b"<alert>", "not-xml"),
        (b"\xff\xfe<alert/>", "not-xml"),
        (b"<alert/>", "namespace"),
        (b'<?xml version="1.0" encoding="no-such"?><alert/>', "not-xml"),
        (b" " * (CAP_BYTES + 1), "too-large"),
        (b"<a>" * 5_000 + b"</a>" * 5_000, "not-xml"),
    ],
    ids=["empty", "words", "cut", "utf-16", "no-namespace", "encoding", "large", "deep"],
)
def test_what_is_no_alert_is_told_so(body: bytes, code: str) -> None:
    verdict = reading.judge(body).verdict
    assert [each.code for each in verdict.findings] == [code]
    assert not verdict.is_valid
    assert not verdict.is_structured


def test_a_document_of_very_many_elements_is_refused_without_walking_it() -> None:
    body = b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">' + b"<info/>" * 30_000 + b"</alert>"
    verdict = reading.judge(body).verdict
    assert {each.code for each in verdict.findings} == {"too-many", "missing"} or {
        each.code for each in verdict.findings
    } == {"too-many"}
    assert all(each.layer is Layer.STRUCTURE for each in verdict.findings)


def test_reading_what_is_wrong_names_each_element() -> None:
    with pytest.raises(Invalid) as caught:
        reading.read(bytes_of("cap/noaa_errors.cap"))
    assert [each.field for each in caught.value.fields] == [
        "alert/info[1]/urgency",
        "alert/info[1]/severity",
        "alert/info[1]/certainty",
    ]
    assert reading.read(bytes_of("cap/taiwan.cap")).info[0].area[0].geocode[0].value == "1000512"
