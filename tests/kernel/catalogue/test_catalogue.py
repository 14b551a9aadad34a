"""Every operation this node offers declares data, audience, purpose and both languages; a lacking one never starts."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.kernel.exchange.sample import sample

from banyan.kernel.catalogue import Catalogue, Context, Service
from banyan.kernel.catalogue.catalogue import DATA_CLASSES
from banyan.kernel.catalogue.messages import Messages
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.kernel.policy import decide

TEXT = {"zh-Hant": "查詢", "en": "Look up"}


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    word: str


class Loose(msgspec.Struct):
    word: str


def declared(request: type, **changes: object) -> Service:
    service = Service("one", title=TEXT)
    options = {"title": TEXT, "summary": TEXT, "data": ("open",), "audience": "public"} | changes

    async def look(ctx: Context, request: msgspec.Struct) -> int:
        return 1

    look.__annotations__["request"] = request
    register: Callable[[object], object] = service.operation("look", **options)  # type: ignore[arg-type]
    register(look)
    return service


def test_what_runs_here_is_declared_lawfully() -> None:
    import banyan.service.opendata.parts  # noqa: F401 - registers every part
    from banyan.service.opendata.service import SERVICE

    catalogue = Catalogue([SERVICE, sample()])
    assert len(catalogue.operations) > 20
    for operation in catalogue.operations.values():
        assert set(operation.data) <= set(DATA_CLASSES), operation.id
        assert operation.audience, operation.id
        decision = decide(operation, ANONYMOUS, "")
        assert decision.basis == "none" or decision.allowed, operation.id
        if operation.effect == "write" and operation.purpose != "public-intake":
            assert not decision.allowed, f"{operation.id} lets anybody write"


@pytest.mark.parametrize(
    "changes",
    [
        {"title": {"zh-Hant": "查詢"}},
        {"summary": {"zh-Hant": "", "en": "x"}},
        {"data": ()},
        {"data": ("gossip",)},
        {"audience": "friends"},
        {"purpose": ""},
    ],
    ids=lambda changes: next(iter(changes)) + str(next(iter(changes.values()))),
)
def test_a_lacking_declaration_never_starts(changes: dict[str, object]) -> None:
    with pytest.raises(AssertionError, match=r"one\.look"):
        Catalogue([declared(Ask, **changes)])


def test_a_request_that_takes_unknown_fields_never_starts() -> None:
    with pytest.raises(AssertionError, match="Loose"):
        Catalogue([declared(Loose)])


def test_two_services_of_one_name_never_start() -> None:
    with pytest.raises(AssertionError):
        Catalogue([sample(), sample()])


def test_a_problem_says_both_languages() -> None:
    words = Messages({"wells.dry": {"zh-Hant": "{count} 口井乾了", "en": "{count} wells are dry"}})
    assert words.both_under("wells")("dry", count=2) == "2 口井乾了 2 wells are dry"
