"""The policy decides the same for every channel, and a refusal says what is missing in both languages."""

from __future__ import annotations

import msgspec
import pytest
from tests.kernel.exchange.sample import Person, Saved, sample

from banyan.kernel.catalogue import Catalogue, Context, Service
from banyan.kernel.catalogue.operation import Operation
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


def an_operation(audience: str, *, effect: str = "write", data: tuple[str, ...] = ("open",)) -> Operation:
    service = Service("desk", title={"zh-Hant": "櫃檯", "en": "Desk"}, package="tests.kernel.exchange")
    texts = {"zh-Hant": "做事", "en": "Act"}

    @service.operation("act", title=texts, summary=texts, data=data, audience=audience, effect=effect)  # type: ignore[arg-type]
    async def act(ctx: Context, request: Person) -> Saved:
        return Saved("", "")

    return service.operations["act"]


ON_DUTY = Caller("officer", "o", agency="TW/GOV/CDC", roles=("officer",), assurance="aal2")
CITIZEN = Caller("citizen", "c", assurance="aal1", subject="ab" * 32)


@pytest.mark.parametrize(
    ("audience", "caller", "basis"),
    [
        ("officer", ON_DUTY, "duty"),
        ("officer", msgspec.structs.replace(ON_DUTY, assurance="aal1"), "none"),
        ("officer", msgspec.structs.replace(ON_DUTY, agency=""), "none"),
        ("officer", msgspec.structs.replace(ON_DUTY, kind="app"), "none"),
        ("officer", CITIZEN, "none"),
        ("hospital", ON_DUTY, "none"),
        ("hospital", msgspec.structs.replace(ON_DUTY, roles=("hospital",)), "duty"),
        ("citizen", CITIZEN, "own-affairs"),
        ("citizen", msgspec.structs.replace(CITIZEN, subject=""), "none"),
        ("citizen", ON_DUTY, "none"),
        ("administrator", ON_DUTY, "none"),
        ("citizen", ANONYMOUS, "none"),
    ],
)
def test_officers_on_duty_and_people_in_their_own_affairs(audience: str, caller: Caller, basis: str) -> None:
    assert decide(an_operation(audience), caller, "").basis == basis
    assert decide(an_operation(audience, effect="read"), caller, "").basis == basis


def test_only_their_own_affairs_touch_personal_data() -> None:
    assert decide(an_operation("citizen", data=("health",)), CITIZEN, "").basis == "own-affairs"
    assert decide(an_operation("officer", data=("health",)), ON_DUTY, "").missing == ("health",)
