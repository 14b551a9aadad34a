"""The policy decides the same for every channel, and a refusal says what is missing in both languages."""

from __future__ import annotations

import pytest
from tests.kernel.exchange.sample import sample

from banyan.kernel.catalogue import Catalogue
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.policy import decide

OPERATIONS = Catalogue([sample()]).operations
ADMINISTRATOR = Caller(kind="administrator", id="administrator")
OFFICER = Caller(kind="officer", id="o1")


@pytest.mark.parametrize(
    ("operation", "caller", "basis", "missing"),
    [
        ("sample.echo", ANONYMOUS, "open", ()),
        ("sample.echo", ADMINISTRATOR, "open", ()),
        ("sample.save", ANONYMOUS, "none", ("administrator",)),
        ("sample.save", OFFICER, "none", ("administrator",)),
        ("sample.save", ADMINISTRATOR, "administration", ()),
        ("sample.save", SYSTEM, "administration", ()),
        ("sample.ask", ANONYMOUS, "public-write", ()),
        ("sample.history", ANONYMOUS, "none", ("health", "border")),
        ("sample.history", ADMINISTRATOR, "none", ("health", "border")),
        ("sample.history", SYSTEM, "none", ("health", "border")),
    ],
)
def test_a_decision_has_its_basis(operation: str, caller: Caller, basis: str, missing: tuple[str, ...]) -> None:
    decision = decide(OPERATIONS[operation], caller, "")
    assert (decision.basis, decision.missing, decision.allowed) == (basis, missing, not missing)
    assert decision.explanation["zh-Hant"]
    assert decision.explanation["en"]
    assert bool(decision.remedy["en"]) != decision.allowed


def test_another_purpose_does_not_open_an_intake() -> None:
    assert not decide(OPERATIONS["sample.ask"], ANONYMOUS, "statistics").allowed
