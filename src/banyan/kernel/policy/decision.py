"""Why: may this caller run this operation, on which basis, and how is that explained.

Deny is the default. Bases that need no register: `open` (data that is public by law), `public-write` (an intake that
declares it takes from anybody), `administration` (the holder of the administrator token), `duty` (an officer's own
work) and `own-affairs` (what a signed-in person does about themselves). Personal data of others is weighed by the
conscience (`judging.py`); without one it is refused for every caller, the administrator too.
"""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES, load_messages
from banyan.kernel.catalogue.operation import OPEN, Operation, Text
from banyan.kernel.identity.caller import Caller

MESSAGES = load_messages(__package__ or "banyan.kernel.policy")

Basis = str
"""`open`, `public-write`, `administration`, `none`, or the id of a legal basis in the register."""
SURE: tuple[str, ...] = ("aal2", "aal3")
"""Sign-ins that an officer may act by: two factors or a passkey."""
INTAKE: tuple[str, ...] = ("public-intake",)
"""Purposes under which anybody may write: a data request, a report. The operation declares it."""


class Decision(msgspec.Struct, frozen=True):
    """The answer of the policy: `allowed` on `basis`; `explanation` and `remedy` are bilingual."""

    allowed: bool
    basis: Basis
    explanation: Text
    remedy: Text
    missing: tuple[str, ...] = ()
    """What a refusal lacks: data classes without a basis, `administrator`, or the audience."""


def decide(operation: Operation, caller: Caller, purpose: str) -> Decision:
    """Decide one call. `purpose` empty means the operation's own. Pure."""
    if caller.assisted is not None and is_out_of_place(operation, caller):
        return _refuse(operation, "place", missing=("place",))
    if operation.audience == "citizen" and caller.kind in ("citizen", "representative") and caller.subject:
        return _allow("own-affairs")  # the operation sees whose they are from the caller, and takes nobody else's name
    if operation.data != OPEN:
        personal = tuple(name for name in operation.data if name not in OPEN)
        return _refuse(operation, "personal", missing=personal, classes="、".join(personal))
    if (duty := _on_duty(operation, caller)) is not None:
        return duty
    if operation.effect == "write" and not caller.may_write:
        if operation.audience == "public" and (purpose or operation.purpose) == operation.purpose in INTAKE:
            return _allow("public-write")
        return _refuse(operation, "write", missing=("administrator",))
    if operation.audience != "public" and not caller.may_write:
        return _refuse(operation, "audience", missing=(operation.audience,))
    return _allow("administration" if operation.effect == "write" else "open")


def is_out_of_place(operation: Operation, caller: Caller) -> bool:
    """Whether a person at a counter or kiosk asks for what is not done there. What is open to anybody is so there."""
    is_personal = operation.data != OPEN or operation.audience == "citizen"
    return caller.assisted is not None and is_personal and caller.assisted.place not in operation.channels


def _on_duty(operation: Operation, caller: Caller) -> Decision | None:
    """What an officer does on duty, as their agency; None when this is something else."""
    if operation.audience == "agency" and caller.kind == "app" and caller.agency and not caller.subject:
        return _allow("duty")
    role = operation.audience if operation.audience == "hospital" else ""
    is_addressed = operation.audience in ("officer", "agency", "hospital") and (not role or role in caller.roles)
    if is_addressed and caller.kind == "officer" and caller.agency:
        return _allow("duty") if caller.assurance in SURE else _refuse(operation, "assurance", missing=("assurance",))
    return None


def _allow(basis: Basis) -> Decision:
    return _ALLOWED[basis]


def _both(key: str, operation: Operation, **values: str) -> Text:
    return {
        lang: MESSAGES.text(
            key,
            lang,
            operation=operation.title[lang],
            audience=MESSAGES.text(f"audience.{operation.audience}", lang),
            **values,
        )
        for lang in LANGUAGES
    }


def _refuse(operation: Operation, why: str, *, missing: tuple[str, ...], **values: str) -> Decision:
    return Decision(
        allowed=False,
        basis="none",
        explanation=_both(f"refused.{why}", operation, **values),
        remedy=_both(f"refused.{why}_remedy", operation, **values),
        missing=missing,
    )


_BASES: tuple[Basis, ...] = ("open", "public-write", "administration", "duty", "own-affairs")
_ALLOWED = {
    basis: Decision(
        allowed=True,
        basis=basis,
        explanation={lang: MESSAGES.text(f"basis.{basis}", lang) for lang in LANGUAGES},
        remedy=dict.fromkeys(LANGUAGES, ""),
    )
    for basis in _BASES
}
