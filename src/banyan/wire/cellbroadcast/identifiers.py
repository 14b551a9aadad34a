"""Message identifiers: what kind of warning a phone takes a broadcast for, and whether it may be switched off.

Taiwan has four classes (災防告警細胞廣播訊息): 國家級警報 that nobody can switch off, 緊急警報, 警訊通知 and 每月測試.
Each has a second identifier for another language, which phones show to those who read English. Sources: TS 23.041
s9.4.1.2.2 (identifiers), Android's carrier configuration of Taiwan (values-mcc466: 911 and 919 required by the NCC).
"""

from __future__ import annotations

from enum import IntFlag, StrEnum
from typing import Final

from banyan.wire.cellbroadcast.pages import Malformed


class Class(StrEnum):
    """What a phone writes above it. `exercise` and `operator` are shown only by phones that are set to."""

    PRESIDENTIAL = "presidential"  # 國家級警報
    EMERGENCY = "emergency"  # 緊急警報
    NOTICE = "notice"  # 警訊通知
    TEST = "test"  # 每月測試
    EXERCISE = "exercise"
    OPERATOR = "operator"
    OTHER = "other"


PRESIDENTIAL: Final = 4370
AMBER: Final = 4379
TEST: Final = 4380
EXERCISE: Final = 4381
OPERATOR: Final = 4382
NOTICE: Final = 911
NOTICE_SECOND: Final = 919
_SECOND: Final = 13
"""From an identifier to the one of the same kind in another language: 4370 + 13 = 4383."""
_EMERGENCY: Final = {  # TS 23.041 s9.4.1.2.2: CMAS Extreme and Severe
    ("extreme", "immediate", "observed"): 4371,
    ("extreme", "immediate", "likely"): 4372,
    ("extreme", "expected", "observed"): 4373,
    ("extreme", "expected", "likely"): 4374,
    ("severe", "immediate", "observed"): 4375,
    ("severe", "immediate", "likely"): 4376,
    ("severe", "expected", "observed"): 4377,
    ("severe", "expected", "likely"): 4378,
}
HARMLESS: Final = frozenset({Class.TEST, Class.EXERCISE, Class.OPERATOR})
"""Classes that no phone of the public opens by itself as a warning."""

ETWS: Final = {"earthquake": 0x1100, "tsunami": 0x1101, "earthquake_and_tsunami": 0x1102, "test": 0x1103}
ETWS_OTHER: Final = 0x1104


class Popup(IntFlag):
    """What an ETWS primary notification makes a phone do (TS 23.041 s9.3.24)."""

    NONE = 0
    ALERT = 0x0100
    DISPLAY = 0x0080


def choose(  # the four words of CAP that decide it
    kind: Class, *, severity: str = "", urgency: str = "", certainty: str = "", second_language: bool = False
) -> int:
    """The identifier of a warning of class `kind`; for `emergency` CAP's severity, urgency and certainty choose it.

    Raises Malformed when the class has no identifier for them: an emergency is Extreme or Severe, Immediate or
    Expected, Observed or Likely; what is less is a notice.
    """
    if kind is Class.EMERGENCY:
        found = _EMERGENCY.get((severity.lower(), urgency.lower(), certainty.lower()))
        if found is None:
            raise Malformed(
                f"no emergency identifier for severity {severity or '-'}, urgency {urgency or '-'}, certainty "
                f"{certainty or '-'}: an emergency is Extreme or Severe, Immediate or Expected, Observed or Likely"
            )
        return found + _SECOND if second_language else found
    if kind is Class.NOTICE:
        return NOTICE_SECOND if second_language else NOTICE
    plain = {
        Class.PRESIDENTIAL: PRESIDENTIAL,
        Class.TEST: TEST,
        Class.EXERCISE: EXERCISE,
        Class.OPERATOR: OPERATOR,
    }.get(kind)
    if plain is None:
        raise Malformed(f"class {kind} has no identifier")
    return plain + _SECOND if second_language else plain


def fitting(*, severity: str, urgency: str, certainty: str) -> Class:
    """The least class that CAP's three words ask for; an order may raise it to presidential."""
    key = (severity.lower(), urgency.lower(), certainty.lower())
    return Class.EMERGENCY if key in _EMERGENCY else Class.NOTICE


def classify(message_id: int) -> Class:
    """The class of an identifier, of both languages; earthquake and tsunami warnings (ETWS) are presidential."""
    first = message_id - _SECOND if 4383 <= message_id <= 4395 else message_id
    if message_id in (NOTICE, NOTICE_SECOND):
        return Class.NOTICE
    if first in _PLAIN:
        return _PLAIN[first]
    if 4371 <= first <= AMBER:
        return Class.EMERGENCY
    if message_id == ETWS["test"]:
        return Class.TEST
    return Class.PRESIDENTIAL if 0x1100 <= message_id <= ETWS_OTHER else Class.OTHER


def is_second_language(message_id: int) -> bool:
    return 4383 <= message_id <= 4395 or message_id == NOTICE_SECOND


def warning_type(message_id: int, popup: Popup) -> int:
    """The 16 bits of an ETWS warning type for an ETWS identifier. Raises Malformed for another identifier."""
    if not 0x1100 <= message_id <= ETWS_OTHER:
        raise Malformed(f"identifier {message_id} is none of ETWS (4352-4356)")
    return (message_id - 0x1100) << 9 | popup


_PLAIN: Final = {
    PRESIDENTIAL: Class.PRESIDENTIAL,
    TEST: Class.TEST,
    EXERCISE: Class.EXERCISE,
    OPERATOR: Class.OPERATOR,
}
