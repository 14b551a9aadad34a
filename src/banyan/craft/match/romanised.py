"""How people here write a syllable of Mandarin in letters, and a surname of Hokkien, Hakka or Cantonese.

The rules of Hanyu Pinyin, Wade-Giles (without its apostrophes: nobody's passport has them), Tongyong and MPS II are
written here; a table would be 400 rows of them. A spelling that several syllables share (`chang`: 張, 常) gives all.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import Final

SYLLABLES: Final = {
    "b": "a o ai ei ao an en ang eng i ie iao ian in ing u",
    "p": "a o ai ei ao ou an en ang eng i ie iao ian in ing u",
    "m": "a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u",
    "f": "a o ei ou an en ang eng u",
    "d": "a e ai ei ao ou an en ang eng ong i ia ie iao iu ian ing u uo ui uan un",
    "t": "a e ai ao ou an ang eng ong i ie iao ian ing u uo ui uan un",
    "n": "a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan v ve",
    "l": "a e ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un v ve",
    **dict.fromkeys("gkh", "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang"),
    **dict.fromkeys("jqx", "i ia ie iao iu ian in iang ing iong u ue uan un"),
    **dict.fromkeys(("zh", "ch", "sh"), "i a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang"),
    "r": "i e ao ou an en ang eng ong u ua uo ui uan un",
    **dict.fromkeys("zcs", "i a e ai ei ao ou an en ang eng ong u uo ui uan un"),
    "": "a o e ai ei ao ou an en ang er yi ya ye yao you yan yin yang ying yong yu yue yuan yun"
    " wu wa wo wai wei wan wen wang weng",
}
"""Every syllable of Mandarin in Hanyu Pinyin, finals by initial; ü is v."""
HOUSE: Final = {
    "ing": "ying",
    "in": "yin",
    "ih": "yi",
    "yee": "yi",
    "lee": "li",
    "shiu": "xu",
    "kuo": "guo",
    "jen": "ren",
}
"""What no system says and passports do."""
PALATAL: Final = frozenset("jqx")
RETROFLEX: Final = frozenset({"zh", "ch", "sh", "r"})
SIBILANT: Final = frozenset("zcs")

_WADE_INITIALS: Final = {
    "b": "p", "d": "t", "g": "k", "j": "ch", "q": "ch", "x": "hs", "zh": "ch", "r": "j", "z": "ts", "c": "ts",
}  # fmt: skip
_WADE_FINALS: Final = {
    "ian": "ien", "ie": "ieh", "iong": "iung", "ong": "ung", "uo": "o", "ue": "ueh", "v": "u", "ve": "ueh",
}  # fmt: skip
_WADE_WHOLE: Final = {
    "e": "o", "er": "erh", "yi": "i", "ye": "yeh", "you": "yu", "yan": "yen", "yong": "yung", "yue": "yueh",
}  # fmt: skip
_TONGYONG_INITIALS: Final = {"zh": "jh", "q": "c", "x": "s"}
_TONGYONG_FINALS: Final = {"iu": "iou", "ui": "uei", "v": "yu", "ve": "yue"}
_TONGYONG_PALATAL: Final = {"u": "yu", "ue": "yue", "uan": "yuan", "un": "yun", "iong": "yong"}
_TONGYONG_WHOLE: Final = {"wen": "wun", "weng": "wong", "feng": "fong"}
_MPS_INITIALS: Final = {"zh": "j", "q": "ch", "x": "sh", "z": "tz", "c": "ts"}
_FUZZY_INITIALS: Final = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("r", "l"))


def syllables() -> list[tuple[str, str]]:
    """Initial and final of each."""
    return [(initial, final) for initial, finals in SYLLABLES.items() for final in finals.split()]


def spellings(initial: str, final: str) -> frozenset[str]:
    """How the systems write one syllable, all of them."""
    return frozenset(
        {
            (initial + final).replace("v", "u"),
            (initial + final).replace("v", "yu"),
            *_wade(initial, final),
            _tongyong(initial, final),
            _mps(initial, final),
        }
    )


def _wade(initial: str, final: str) -> tuple[str, ...]:
    if not initial:
        return (_WADE_WHOLE.get(final, final),)
    head = _WADE_INITIALS.get(initial, initial)
    if final == "i" and initial in RETROFLEX:
        return (head + "ih",)
    if final == "i" and initial in SIBILANT:
        return ("szu", "ssu") if initial == "s" else ("tzu", "tsu", "tze")
    if final == "e" and initial in ("g", "k", "h"):
        return (head + "o",)
    if initial in ("g", "k", "h", "sh") and final == "uo":
        return (head + "uo", head + "o")
    if initial in ("g", "k") and final == "ui":
        return (head + "uei",)
    return (head + _WADE_FINALS.get(final, final),)


def _tongyong(initial: str, final: str) -> str:
    if initial + final in _TONGYONG_WHOLE:
        return _TONGYONG_WHOLE[initial + final]
    head = _TONGYONG_INITIALS.get(initial, initial)
    if final == "i" and (initial in RETROFLEX or initial in SIBILANT):
        return head + "ih"
    if initial in PALATAL and final in _TONGYONG_PALATAL:
        return head + _TONGYONG_PALATAL[final]
    return head + _TONGYONG_FINALS.get(final, final)


def _mps(initial: str, final: str) -> str:
    head = _MPS_INITIALS.get(initial, initial)
    if initial in PALATAL and final in _TONGYONG_PALATAL:
        return head + _TONGYONG_PALATAL[final].replace("yong", "iung")
    return head + {"ong": "ung", "iu": "iou", "ui": "uei", "v": "iu"}.get(final, final)


@cache
def sounds() -> dict[str, frozenset[str]]:
    """The syllables (in Hanyu Pinyin) that a spelling may be."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for initial, final in syllables():
        for spelling in spellings(initial, final):
            found[spelling].add(initial + final)
    for spelling, syllable in HOUSE.items():
        found[spelling].add(syllable)
    return {spelling: frozenset(syllable) for spelling, syllable in found.items()}


@cache
def surnames() -> dict[str, frozenset[str]]:
    """The surnames that a spelling of another Chinese language may be: `tan` is 陳."""
    rows = tomllib.loads((files("banyan.craft.match") / "surnames.toml").read_text("utf-8"))
    found: defaultdict[str, set[str]] = defaultdict(set)
    for surname, said in rows["spellings"].items():
        for spelling in said.split():
            found[spelling].add(surname)
    return {spelling: frozenset(one) for spelling, one in found.items()}


@cache
def surname_sounds() -> dict[str, str]:
    """What a surname sounds like where that is not how the character is read elsewhere."""
    rows = tomllib.loads((files("banyan.craft.match") / "surnames.toml").read_text("utf-8"))
    return {surname: str(sound) for surname, sound in rows["sounds"].items()}


@cache
def parted(word: str) -> tuple[str, ...]:
    """A word as syllables of one of the systems, the fewest; empty when it is none (`hsiaoming`: `hsiao`, `ming`)."""
    known = sounds()
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 6), end):
            before = best[start]
            if before is not None and word[start:end] in known:
                now = best[end]
                if now is None or len(before) + 1 < len(now):
                    best[end] = (*before, word[start:end])
    return best[len(word)] or ()


@cache
def blurred(syllable: str) -> str:
    """The syllable with what ears here often mix made one: zh/z, ch/c, sh/s, r/l, -ing/-in, -eng/-en."""
    for clear, blur in _FUZZY_INITIALS:
        if syllable.startswith(clear):
            syllable = blur + syllable[len(clear) :]
            break
    return syllable[:-1] if syllable.endswith(("ing", "eng")) else syllable
