"""Another's hand in a person's affairs: what is noted, in whose words, and what is not done at a counter at all."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.kernel.exchange.sample import sample
from tests.make import NOW

from banyan.kernel.catalogue import Operation
from banyan.kernel.exchange.helping import by_hand, help_record, is_help
from banyan.kernel.identity.caller import ANONYMOUS, Assisted, Caller
from banyan.kernel.ledger.entries import ReleaseRecord
from banyan.kernel.policy.decision import is_out_of_place

HERSELF = Caller(kind="citizen", id="wang", subject="ab", channel="web")
MOTHER = Caller(kind="representative", id="mother", subject="ab", relation="child", mandate="m-1", channel="web")
ANY = next(iter(sample().operations.values()))


def beside(place: Any) -> Caller:
    return msgspec.structs.replace(HERSELF, assisted=Assisted(place, "officer-1", "TW/GOV/DISTRICT", "v-1"))


def an_operation(**changes: Any) -> Operation:
    known: dict[str, Any] = {
        "audience": "citizen",
        "data": ("identity",),
        "channels": ("web", "counter"),
        "effect": "read",
    }
    return msgspec.structs.replace(ANY, **(known | changes))


@pytest.mark.parametrize(
    ("caller", "effect", "basis", "expected"),
    [
        (HERSELF, "write", "own-affairs", False),
        (MOTHER, "read", "own-affairs", True),
        (MOTHER, "write", "open", False),
        (beside("counter"), "read", "own-affairs", True),
        (beside("kiosk"), "read", "own-affairs", False),
        (beside("kiosk"), "write", "own-affairs", True),
    ],
)
def test_what_is_noted(caller: Caller, effect: Any, basis: str, expected: bool) -> None:
    assert is_help(an_operation(effect=effect), caller, basis) == expected


@pytest.mark.parametrize(
    ("caller", "changes", "expected"),
    [
        (beside("counter"), {}, False),
        (beside("kiosk"), {}, True),
        (beside("kiosk"), {"data": ("open",), "audience": "public"}, False),
        (beside("kiosk"), {"data": ("open",)}, True),
        (beside("kiosk"), {"audience": "public"}, True),
        (HERSELF, {}, False),
        (MOTHER, {"channels": ()}, False),
        (ANONYMOUS, {}, False),
    ],
)
def test_what_is_not_done_there(caller: Caller, changes: dict[str, Any], expected: bool) -> None:
    assert is_out_of_place(an_operation(**changes), caller) == expected


@pytest.mark.parametrize("relation", ["child", "guardian", "company", ""])
def test_a_representative_is_named_by_what_they_are(relation: str) -> None:
    caller = msgspec.structs.replace(MOTHER, relation=relation)
    record = help_record(an_operation(), caller, trace="t", now=NOW)
    assert (record.receiver, record.reference) == (relation or "representative", "m-1")
    assert record.statute.startswith(("民法", "公司法"))
    assert "mother" not in str(record)


def test_a_use_on_its_own_basis_says_by_whose_hand() -> None:
    plain = ReleaseRecord(
        at=NOW,
        operation="tax.income",
        action={"zh-Hant": "所得", "en": "Income"},
        receiver="",
        receiver_name="",
        system="web",
        basis="tax-self@1",
        statute="所得稅法第 1 條",
        purpose="own-affairs",
        fields=("income",),
    )
    assert by_hand(plain, an_operation(), HERSELF) == plain
    told = by_hand(plain, an_operation(), beside("counter"))
    assert (told.receiver, told.system, told.reference) == ("TW/GOV/DISTRICT", "counter", "v-1")
    assert (told.basis, told.statute, told.fields) == (plain.basis, plain.statute, plain.fields)
    kept = by_hand(msgspec.structs.replace(plain, reference="consent-1"), an_operation(), MOTHER)
    assert (kept.reference, kept.receiver) == ("consent-1", "child")
