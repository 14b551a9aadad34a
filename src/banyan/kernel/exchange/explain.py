"""Put a problem into the caller's words: kind, this case, what to do, and for each wrong field its fix."""

from __future__ import annotations

import re
from collections.abc import Mapping

from banyan.errors import FieldError, Problem
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.exchange.binder import Misfit, Repeated, parameters_of
from banyan.kernel.exchange.gate import Refused
from banyan.kernel.exchange.keys import KeyRefused
from banyan.wire.problem import FieldProblem, ProblemDocument

MESSAGES = load_messages("banyan.kernel.exchange")
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_NAMED = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>[^`]*)`")
_BOUND = re.compile(r"(?P<of>of length )?(?P<sign><=|>=|<|>) (?P<bound>\S+)$")
_EXPECTED = re.compile(r"^Expected `(?P<kind>[^`]+)`")
_TYPES: Mapping[str, str] = {
    "int": "integer",
    "float": "number",
    "decimal": "number",
    "bool": "boolean",
    "str": "text",
    "array": "list",
    "object": "object",
    "datetime": "time",
    "date": "time",
    "time": "time",
}
_SIGNS: Mapping[str, str] = {">=": "at_least", "<=": "at_most", ">": "above", "<": "below"}


def say(kind: str, lang: str, /, **values: object) -> tuple[str, str]:
    """Title and remedy of a problem kind of the door itself."""
    remedy = f"remedy.{kind}"
    return (
        MESSAGES.text(f"kind.{kind}", lang),
        MESSAGES.text(remedy, lang, **values) if remedy in MESSAGES else "",
    )


def document(problem: Problem, lang: str, *, instance: str = "", trace: str = "") -> ProblemDocument:
    """The RFC 9457 document of a problem in one language."""
    known = f"kind.{problem.kind}"
    title = MESSAGES.text(known, lang) if known in MESSAGES else problem.title
    detail, remedy, errors = problem.title, problem.remedy, problem.fields
    if isinstance(problem, Refused):
        detail, remedy = problem.decision.explanation[lang], problem.decision.remedy[lang]
    elif isinstance(problem, Misfit):
        errors = (misfit(problem, lang),)
        detail = f"{errors[0].field}: {errors[0].fix}"
    elif isinstance(problem, KeyRefused):
        detail = MESSAGES.text(f"key.{problem.why}", lang, **problem.values)
        remedy = MESSAGES.text(f"key.{problem.why}_remedy", lang, **problem.values)
    elif isinstance(problem, Repeated):
        errors = (FieldError(problem.name, MESSAGES.text("fix.repeated", lang)),)
        detail = f"{problem.name}: {errors[0].fix}"
    elif f"storage.{problem.kind}.title" in MESSAGES:
        title = detail = MESSAGES.text(f"storage.{problem.kind}.title", lang)
        remedy = MESSAGES.text(f"storage.{problem.kind}.remedy", lang)
    elif not remedy and f"remedy.{problem.kind}" in MESSAGES:
        remedy = MESSAGES.text(f"remedy.{problem.kind}", lang)
    return ProblemDocument(
        type=f"/problems/{problem.kind}",
        title=title,
        status=problem.status,
        detail="" if detail == title else detail,
        instance=instance,
        remedy=remedy,
        errors=tuple(FieldProblem(error.field, error.fix) for error in errors),
        trace=trace,
    )


def misfit(problem: Misfit, lang: str) -> FieldError:
    """The field and its fix, from msgspec's sentence."""
    found = _AT.match(problem.reason)
    assert found is not None, "the pattern matches any text"
    what, path = found["what"], (found["path"] or "").lstrip(".")
    named = _NAMED.match(what)
    if named:
        field = f"{path}.{named['name']}" if path else named["name"]
        if "missing" in what:
            return FieldError(field, MESSAGES.text("fix.required", lang))
        accepted = "、".join(parameters_of(problem.request)) if not path else ""
        return FieldError(field, MESSAGES.text("fix.unknown", lang, accepted=accepted))
    return FieldError(path or "body", _fix(what, lang))


def _fix(what: str, lang: str) -> str:
    bound = _BOUND.search(what)
    if bound:
        key = _SIGNS[bound["sign"]]
        return MESSAGES.text(f"fix.{'length_' if bound['of'] else ''}{key}", lang, bound=bound["bound"].strip("`"))
    if "matching regex" in what:
        return MESSAGES.text("fix.pattern", lang, bound=what.partition("matching regex ")[2])
    if what.startswith("Invalid enum value"):
        return MESSAGES.text("fix.choice", lang)
    if what == "Expected JSON":
        return MESSAGES.text("fix.json", lang)
    expected = _EXPECTED.match(what)
    key = _TYPES.get(expected["kind"].split(" | ")[0], "") if expected else ""
    return MESSAGES.text(f"fix.{key}", lang) if key else MESSAGES.text("fix.other", lang, reason=what)
