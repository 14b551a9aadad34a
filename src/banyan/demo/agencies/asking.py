"""What is asked of these registers: whose record, which fields, for which purpose, and under an order why."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.limits import MYDATA_FIELDS, REASON_CHARS

Fields = Annotated[tuple[str, ...], msgspec.Meta(max_length=MYDATA_FIELDS, title="欄位 Fields")]
Number = Annotated[str, msgspec.Meta(max_length=20, title="身分證號 National ID")]
Code = Annotated[str, msgspec.Meta(pattern="^([0-9]{3})?$", title="特定目的 Purpose")]
Why = Annotated[str, msgspec.Meta(max_length=REASON_CHARS, title="理由 Reason")]


class PersonQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`person` empty: whoever asks, or let the app ask. `fields` empty: all. `purpose` empty: the register's own."""

    person: Number = ""
    fields: Fields = ()
    purpose: Code = ""
    reason: Why = ""
