"""Our light FHIR models: identifiers of TW Core both ways, and a Patient is read by its identifiers only."""

from __future__ import annotations

import msgspec
import pytest

from banyan.wire.fhir.model import Identifier, Patient, document_of, identifier_of


@pytest.mark.parametrize("document", ["A123456789", "A800000014", "P:TWN:300000001", "P:JPN:TR1234567"])
def test_a_document_goes_both_ways(document: str) -> None:
    assert document_of(identifier_of(document)) == document


@pytest.mark.parametrize(
    "one",
    [
        Identifier("https://www.tph.mohw.gov.tw/", "8862168"),
        Identifier("http://hl7.org/fhir/sid/passport-", "1"),
        Identifier("http://www.moi.gov.tw", " "),
        Identifier("http://www.moi.gov.tw", "A123456789", "old"),
        Identifier(),
    ],
)
def test_other_identifiers_name_nobody_here(one: Identifier) -> None:
    assert document_of(one) == ""


def test_a_trailing_slash_is_no_other_system() -> None:
    assert document_of(Identifier("http://www.moi.gov.tw/", "A123456789")) == "A123456789"


def test_a_patient_is_read_by_its_identifiers_only() -> None:
    body = b'{"resourceType":"Patient","id":"1","name":[{"text":"x"}],"identifier":[{"system":"s","value":"v"}]}'
    read = msgspec.json.decode(body, type=Patient)
    assert read.identifier == (Identifier("s", "v"),)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body.replace(b"Patient", b"Group"), type=Patient)
