"""What is asked of these registers: whose record, which fields, for which purpose, and under an order why."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES, load_messages
from banyan.limits import REASON_CHARS
from banyan.limits_mydata import MYDATA_FIELDS

WORDS: Final = load_messages("banyan.demo.agencies")


def called(name: str) -> msgspec.Meta:
    """What a form calls a field."""
    return msgspec.Meta(extra={"label": {lang: WORDS.text(f"asked.{name}", lang) for lang in LANGUAGES}})


Fields = Annotated[tuple[str, ...], msgspec.Meta(max_length=MYDATA_FIELDS), called("fields")]
Number = Annotated[str, msgspec.Meta(max_length=20), called("person")]
Code = Annotated[str, msgspec.Meta(pattern="^([0-9]{3})?$"), called("purpose")]
Why = Annotated[str, msgspec.Meta(max_length=REASON_CHARS), called("reason")]


class PersonQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`person` empty: whoever asks, or let the app ask. `fields` empty: all. `purpose` empty: the register's own."""

    person: Number = ""
    fields: Fields = ()
    purpose: Code = ""
    reason: Why = ""
