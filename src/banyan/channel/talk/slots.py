"""Filling an operation's request by asking for one field at a time. The questions come from its schema."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from banyan.craft.form import Field, fields_of
from banyan.kernel.catalogue.dialogue import Language
from banyan.kernel.catalogue.operation import Operation
from banyan.kernel.exchange.binder import Binder, Misfit
from banyan.kernel.exchange.explain import misfit


class Slot(msgspec.Struct, frozen=True):
    """One field to ask for: its name on the wire, its title, and its values when they are few."""

    name: str
    title: str
    help: str
    required: bool
    options: tuple[tuple[str, str], ...]
    """(what to press, the value)."""


class Form:
    """The slots of one operation, and the reading of what was said into them."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._binder = Binder(operation.request)
        self._fields = fields_of(operation.request, lambda _: None)

    @property
    def is_for_people(self) -> bool:
        """Whether it asks for something, and all it needs has a name in words; others are tools for programs."""
        needed = [field for field in self._fields if field.required]
        return bool(needed) and all(_is_named(field) for field in needed)

    def slots(self, lang: Language) -> list[Slot]:
        """The fields a person is asked for: those required, and the optional ones that have a name in words."""
        return [
            Slot(
                name=field.name,
                title=field.label[lang],
                help=field.hint.get(lang, ""),
                required=field.required,
                options=tuple((_said(field, choice, lang), choice) for choice in field.choices),
            )
            for field in self._fields
            if field.required or _is_named(field)
        ]

    def next(self, filled: Mapping[str, str], lang: Language) -> Slot | None:
        """The first field nobody has said anything about yet; None when the form is whole."""
        return next((slot for slot in self.slots(lang) if slot.name not in filled), None)

    def request(self, filled: Mapping[str, str]) -> msgspec.Struct:
        """The filled request. Raises Misfit when a value does not fit."""
        return self._binder.from_pairs([pair for pair in filled.items() if pair[1]], {})

    def refused(self, filled: Mapping[str, str], name: str, lang: Language) -> str:
        """Why the value of field `name` does not fit, in a sentence; empty when it fits so far."""
        try:
            self.request(filled)
        except Misfit as error:
            found = misfit(error, lang)
            return found.fix if found.field.split(".")[0] == name else ""
        return ""


def _is_named(field: Field) -> bool:
    return field.label["zh-Hant"] != field.name


def _said(field: Field, choice: str, lang: Language) -> str:
    return field.choice_labels[choice][lang] if choice in field.choice_labels else choice
