"""Why a signed message is refused. One tree:

Refused                 `rule` names the field, component or parameter that failed; the text says what was expected
├── Malformed           it cannot be read: a field, a label, a parameter, the framing
├── Uncovered           something that must be signed is not, or a component that is signed is not there
├── Untimely            too old, too far ahead, expired, or made to live too long
├── UnknownKey          nobody known signs by that key, or not by that algorithm
├── Forged              the signature does not fit the message
└── DigestMismatch      the body is another one than the digest says

No text holds a value of the message: it may be personal.
"""

from __future__ import annotations


class Refused(ValueError):
    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule
        self.text = text


class Malformed(Refused):
    """Bytes that cannot be read in one way only."""


class Uncovered(Refused):
    """A component that must be signed and is not, or the other way round."""


class Untimely(Refused):
    """Outside the clock window."""


class UnknownKey(Refused):
    """No key to check it by."""


class Forged(Refused):
    """A signature that does not fit."""


class DigestMismatch(Refused):
    """A body that does not fit its digest."""
