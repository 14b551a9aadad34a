"""What somebody did about a person's affairs who was not the person: a representative, or the person beside an officer
or at a kiosk. It stands in the person's own list of uses before it is done, saying so.
"""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import Operation
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import Caller
from banyan.kernel.ledger.entries import ReleaseRecord
from banyan.kernel.policy.decision import MESSAGES

OWN_AFFAIRS: Final = "own-affairs"


def is_help(declared: Operation, caller: Caller, basis: str) -> bool:
    """Whether this call about a person's own affairs is not by the person alone. What they only read at a kiosk, where
    nobody sits beside them, is theirs alone."""
    if basis != OWN_AFFAIRS or not caller.by:
        return False
    return caller.assisted is None or caller.assisted.place != "kiosk" or declared.effect == "write"


def help_record(declared: Operation, caller: Caller, *, trace: str, now: EpochS) -> ReleaseRecord:
    """The entry in the list. A representative is named by what they are to the person, an officer by their agency; the
    reference leads to the mandate or the visit, which the agency can look up."""
    kind = caller.assisted.place if caller.assisted is not None else caller.relation or "representative"
    words = {lang: MESSAGES.text(f"help.{kind}", lang) for lang in LANGUAGES}
    action = {lang: f"{words[lang]}: {declared.title[lang]}" for lang in LANGUAGES}
    return ReleaseRecord(
        at=now,
        operation=declared.id,
        action=action,
        receiver=caller.assisted.agency if caller.assisted is not None else kind,
        receiver_name=caller.assisted.agency if caller.assisted is not None else f"{words['zh-Hant']} {words['en']}",
        system=caller.assisted.place if caller.assisted is not None else caller.channel,
        basis=f"{OWN_AFFAIRS}@{kind}",
        statute=MESSAGES.text(f"help.{kind}_statute", "zh-Hant"),
        purpose=declared.purpose,
        fields=(),
        reference=caller.assisted.visit if caller.assisted is not None else caller.mandate,
        request=trace,
    )


def by_hand(record: ReleaseRecord, declared: Operation, caller: Caller) -> ReleaseRecord:
    """A use that stands on a basis of its own, by a person about themselves: when by another's hand, it says whose."""
    if not caller.by:
        return record
    told = help_record(declared, caller, trace=record.request, now=EpochS(record.at))
    return msgspec.structs.replace(
        record,
        action=told.action,
        receiver=told.receiver,
        receiver_name=told.receiver_name,
        system=told.system,
        reference=record.reference or told.reference,
    )
