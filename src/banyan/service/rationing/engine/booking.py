"""Reading a rule book: TOML in, a checked RuleBook out; an error names the field and says what to write."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import msgspec

from banyan.errors import UNREADABLE, FieldError, Invalid, Limit
from banyan.limits_rationing import RATION_BOOK_BYTES
from banyan.service.rationing.engine.rulebook import Edition, Rule, RuleBook

_PACKAGE: Final = "banyan.service.rationing.engine"
_PATH: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$?\.?(?P<path>[^`]*)`)?$", re.DOTALL)


def taiwan_2020() -> RuleBook:
    """The true history of masks in Taiwan, February to April 2020: the demonstration's book."""
    return read_book(files(_PACKAGE).joinpath("taiwan_2020.toml").read_bytes())


def read_book(text: bytes) -> RuleBook:
    """Raises Invalid naming each field that is wrong, Limit when the file is too large."""
    if len(text) > RATION_BOOK_BYTES:
        raise Limit(f"A rule book is at most {RATION_BOOK_BYTES} bytes.", remedy="Leave out editions long past.")
    try:
        book = msgspec.convert(tomllib.loads(text.decode()), RuleBook)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from error
    except (tomllib.TOMLDecodeError, *UNREADABLE) as error:
        raise Invalid(f"The rule book is not TOML: {error}", remedy="See taiwan_2020.toml for an example.") from error
    faults = list(_faults(book))
    if faults:
        first = faults[0]
        raise Invalid(f"{first.field}: {first.fix}", fields=faults)
    return book


def invalid(said: str) -> Invalid:
    """msgspec's sentence with the field in front."""
    match = _PATH.match(said)
    assert match is not None, "the pattern takes any text"
    path = re.sub(r"\[(\d+)\]", r".\1", match["path"] or "").strip(".") or "edition"
    return Invalid.at(path, match["what"])


def check_edition(edition: Edition) -> None:
    """Raises Invalid naming each field that is wrong beyond its type."""
    faults = [FieldError(f"edition.{path}", fix) for path, fix in _edition_faults(edition)]
    if faults:
        raise Invalid(f"{faults[0].field}: {faults[0].fix}", fields=faults)


def _faults(book: RuleBook) -> Iterator[FieldError]:
    before = None
    for place, edition in enumerate(book.edition):
        if before is not None and edition.since <= before:
            yield FieldError(f"edition.{place}.from", f"write editions in the order of their days: {before} is before")
        before = edition.since
        for path, fix in _edition_faults(edition):
            yield FieldError(f"edition.{place}.{path}", fix)


def _edition_faults(edition: Edition) -> Iterator[tuple[str, str]]:
    group: dict[str, frozenset[str]] = {}
    bands: dict[str, list[Rule]] = {}
    for place, rule in enumerate(edition.rule):
        counts = frozenset(rule.counts or (rule.item,))
        if rule.least_age > rule.most_age:
            yield f"rule.{place}.most_age", f"write {rule.least_age} or more, for least_age is that"
        if rule.item not in counts:
            yield f"rule.{place}.counts", f"name {rule.item} too: a rule counts its own item"
        for item in sorted(counts):
            if group.setdefault(item, counts) != counts:
                yield f"rule.{place}.counts", f"{item} counts together with other items in another rule; write the same"
        if bool(rule.odd_weekdays) != bool(rule.even_weekdays):
            yield f"rule.{place}.even_weekdays", "write the days of both parities, or of none"
        for other in bands.get(rule.item, ()):
            if other.least_age <= rule.most_age and rule.least_age <= other.most_age:
                yield f"rule.{place}.least_age", f"the ages overlap those of another rule of {rule.item}"
        for channel in rule.closed:
            if channel not in rule.channels:
                yield f"rule.{place}.closed.{channel}", "it is none of the rule's channels"
        bands.setdefault(rule.item, []).append(rule)
