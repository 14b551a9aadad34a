"""Read a stranger's CAP 1.2, 1.1 or 1.0 and judge it: the alert as CAP 1.2, and what is wrong, both.

An alert of an older version is upgraded and a warning says what was put in its place. An alert whose structure holds is
given even when its meaning is at fault, for a warning of a dam is read in spite of an unclosed polygon; who publishes
asks `verdict.is_valid`. Source: CAP 1.2 s3.2, s3.3; CAP 1.1 and 1.0 appendix of changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from banyan.errors import FieldError, Invalid, Limit
from banyan.limits_alerts import CAP_BYTES
from banyan.wire.cap.document import encoding_of, parse
from banyan.wire.cap.model import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Pair,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from banyan.wire.cap.rules import judge as judge_meaning
from banyan.wire.cap.structure import Values, gather, version_of
from banyan.wire.cap.texts import SPACE, collapse, is_decimal, normal_time
from banyan.wire.cap.verdict import Finding, Findings, Judged, Layer, Verdict

_TIMES: Final = ("effective", "onset", "expires")
_UNKNOWN_MEDIA: Final = "application/octet-stream"


def judge(body: bytes) -> Judged:
    """The alert and the verdict on it. Never raises for what a document holds: that is what the verdict says."""
    findings = Findings()
    try:
        root = parse(body, at_most=CAP_BYTES)
    except (Invalid, Limit) as problem:
        code = "too-large" if isinstance(problem, Limit) else problem.kind
        fix = f"{problem.title[:200]}. {problem.remedy}"
        return Judged(None, Verdict("", (Finding("", code, fix, Layer.XML),)))
    version = version_of(root, findings)
    if not version:
        return Judged(None, Verdict("", tuple(findings.found)))
    values = gather(root, version, findings)
    if findings.found:
        return Judged(None, Verdict(version, tuple(findings.found)))
    if encoding_of(root) not in ("UTF-8", "ASCII", "US-ASCII"):
        findings.warning("", "encoding", f"write the document in UTF-8; it is in {encoding_of(root)}")
    if version != "1.2":
        findings.warning("alert", "upgraded", f"write CAP 1.2; this is CAP {version} and was read as 1.2")
    alert = _Reader(version, findings).alert(values)
    if alert is not None:
        judge_meaning(alert, findings)
    return Judged(alert, Verdict(version, tuple(findings.found)))


def read(body: bytes) -> Alert:
    """The alert of a document without error. Raises Invalid with every error, each under its path."""
    judged = judge(body)
    if judged.alert is None or not judged.verdict.is_valid:
        errors = judged.verdict.errors
        raise Invalid(
            f"this is no valid CAP alert: {errors[0].path or 'the document'}: {errors[0].fix}",
            remedy="Put right what is listed and send it again.",
            fields=[FieldError(each.path, f"{each.code}: {each.fix}") for each in errors],
            kind="cap",
        )
    return judged.alert


class _Reader:
    """Makes structs of values the schema has accepted; whether every time could be placed is `is_placed`."""

    def __init__(self, version: str, findings: Findings) -> None:
        self.version = version
        self.findings = findings
        self.is_placed = True

    def alert(self, values: Values) -> Alert | None:
        infos = [each for each in values.get("info", ()) if isinstance(each, Mapping)]
        made = Alert(
            identifier=self._bare(values, "identifier", "alert"),
            sender=self._bare(values, "sender", "alert"),
            sent=self._time(values, "sent", "alert"),
            status=Status(_text(values, "status")),
            msg_type=MsgType(_text(values, "msgType")),
            scope=Scope(_text(values, "scope") or self._put("alert/scope", Scope.PUBLIC.value)),
            source=_text(values, "source"),
            restriction=_text(values, "restriction"),
            addresses=_text(values, "addresses"),
            code=_texts(values, "code"),
            note=_text(values, "note"),
            references=_text(values, "references").strip(SPACE),
            incidents=_text(values, "incidents"),
            info=tuple(self._info(each, f"alert/info[{at}]") for at, each in enumerate(infos, 1)),
        )
        if "password" in values:
            self.findings.warning("alert/password", "upgraded", "sign the alert instead: a password in it is no proof")
        return made if self.is_placed else None

    def _info(self, values: Values, path: str) -> Info:
        certainty = _text(values, "certainty")
        if certainty == "Very Likely":
            certainty = self._put(f"{path}/certainty", Certainty.LIKELY.value)
        categories = _texts(values, "category") or (self._put(f"{path}/category", Category.OTHER.value),)
        times = {name: self._time(values, name, path) for name in _TIMES if name in values}
        resources = [each for each in values.get("resource", ()) if isinstance(each, Mapping)]
        areas = [each for each in values.get("area", ()) if isinstance(each, Mapping)]
        return Info(
            category=tuple(Category(each) for each in categories),
            event=_text(values, "event"),
            urgency=Urgency(_text(values, "urgency")),
            severity=Severity(_text(values, "severity")),
            certainty=Certainty(certainty),
            language=collapse(_text(values, "language")) or "en-US",
            response_type=tuple(ResponseType(each) for each in _texts(values, "responseType")),
            audience=_text(values, "audience"),
            event_code=_pairs(values, "eventCode"),
            **times,
            sender_name=_text(values, "senderName"),
            headline=_text(values, "headline"),
            description=_text(values, "description"),
            instruction=_text(values, "instruction"),
            web=_text(values, "web").strip(SPACE),
            contact=_text(values, "contact"),
            parameter=_pairs(values, "parameter"),
            resource=tuple(self._resource(each, f"{path}/resource[{at}]") for at, each in enumerate(resources, 1)),
            area=tuple(self._area(each, f"{path}/area[{at}]") for at, each in enumerate(areas, 1)),
        )

    def _resource(self, values: Values, path: str) -> Resource:
        return Resource(
            resource_desc=_text(values, "resourceDesc"),
            mime_type=_text(values, "mimeType") or self._put(f"{path}/mimeType", _UNKNOWN_MEDIA),
            size=int(text) if (text := _text(values, "size")) else None,
            uri=_text(values, "uri").strip(SPACE),
            deref_uri=_text(values, "derefUri"),
            digest=_text(values, "digest"),
        )

    def _area(self, values: Values, path: str) -> Area:
        return Area(
            area_desc=_text(values, "areaDesc"),
            polygon=self._drawn(values, "polygon", path),
            circle=self._drawn(values, "circle", path),
            geocode=_pairs(values, "geocode"),
            altitude=self._height(values, "altitude", path),
            ceiling=self._height(values, "ceiling", path),
        )

    def _time(self, values: Values, name: str, path: str) -> str:
        said = _text(values, name)
        made = normal_time(said)
        if not made:
            self.is_placed = False
            fix = f"give the time its offset, as 2026-11-27T09:30:00+08:00; it says {said[:40]!r}"
            self.findings.error(f"{path}/{name}", "time-offset", fix)
        elif made != said:
            self.findings.warning(f"{path}/{name}", "upgraded", f"write {made}; it says {said[:40]!r}")
        return made

    def _bare(self, values: Values, name: str, path: str) -> str:
        said = _text(values, name)
        bare = said.strip(SPACE)
        if bare != said:
            self.findings.warning(f"{path}/{name}", "spaces", f"write <{name}> without white space around it")
        return bare

    def _drawn(self, values: Values, name: str, path: str) -> tuple[str, ...]:
        """An empty polygon draws nothing: the weather services send one when only the code says where."""
        said = [each.strip(SPACE) for each in _texts(values, name)]
        if not all(said):
            self.findings.warning(f"{path}/{name}", "empty", f"leave <{name}> out instead of sending it empty")
        return tuple(filter(None, said))

    def _height(self, values: Values, name: str, path: str) -> Decimal | None:
        said = collapse(_text(values, name))
        if not said:
            return None
        if not is_decimal(said):
            self.findings.error(
                f"{path}/{name}", "height", f"write the feet above sea level as a number, not {said[:40]!r}"
            )
            return None
        return Decimal(said)

    def _put(self, path: str, value: str) -> str:
        """A value CAP 1.2 asks for and the older version did not."""
        if self.version == "1.2":
            return ""
        name = path.rpartition("/")[2]
        self.findings.warning(path, "upgraded", f"say {name} in CAP 1.2's words: {value} was put there")
        return value


def _text(values: Values, name: str) -> str:
    found = values.get(name)
    return found[0] if found and isinstance(found[0], str) else ""


def _texts(values: Values, name: str) -> tuple[str, ...]:
    return tuple(each for each in values.get(name, ()) if isinstance(each, str))


def _pairs(values: Values, name: str) -> tuple[Pair, ...]:
    """Name and value; CAP 1.0 wrote them as `name=value`."""
    made = []
    for each in values.get(name, ()):
        if isinstance(each, str):
            key, _, value = each.partition("=")
            made.append(Pair(key, value))
        else:
            made.append(Pair(_text(each, "valueName"), _text(each, "value")))
    return tuple(made)
