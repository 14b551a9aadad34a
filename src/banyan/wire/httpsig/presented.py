"""Signature-Input, Signature and the signature base (RFC 9421 sections 2.3, 2.5, 4)."""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Final

import msgspec

from banyan.limits import HTTPSIG_FIELD_CHARS, HTTPSIG_LABELS
from banyan.wire.httpsig.components import KINDS, Component, value_of
from banyan.wire.httpsig.covered import Covered, covered_in, covered_of
from banyan.wire.httpsig.errors import Malformed
from banyan.wire.httpsig.message import Fields, Message, Request
from banyan.wire.structured import BadField, InnerList, Item, Member, parse_dictionary, write_bare, write_member

_TEXT: Final = b"\t\n" + bytes(range(0x20, 0x7F))
_NUMBERS: Final = ("created", "expires")
_STRINGS: Final = ("nonce", "alg", "keyid", "tag")
_USUAL: Final = re.compile(
    r"""([a-z*][a-z0-9_\-.*]*+)=(\([^()\\]*+\))((?:;[a-z]++=(?:0|[1-9][0-9]{0,14}+|"[ !#-\[\]-~]*+"))*+)(, (?=.)|\Z)"""
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9/._+=%-]*")
_LONE: Final = re.compile(r"([a-z]{1,16})=:([A-Za-z0-9+/]{85}[AQgw]==):")
"""The only signature of a message, of P-256 or Ed25519, in the one spelling that base64 has for 64 bytes."""
_STRING: Final = r'"([ !#-\[\]-~]*+)"'
_NUMBER: Final = r"(0|[1-9][0-9]{0,14}+)"
_OURS: Final = re.compile(
    rf"([a-z]{{1,16}})=(\([^()\\]*+\))(;created={_NUMBER};expires={_NUMBER}"
    rf";keyid={_STRING};alg={_STRING}(?:;nonce={_STRING})?;tag={_STRING})"
)
"""The one signature of a message with the parameters in the order that `Parameters.text` has."""
_USUAL_PARAMETER: Final = re.compile(
    r""";(?:(created|expires)=([0-9]++)|(nonce|alg|keyid|tag)="([^"]*+)"|([a-z]++)=[^;]*+)"""
)


class Parameters(msgspec.Struct, frozen=True):
    """What a signature says of itself. Times in seconds since 1970. None: it does not say."""

    created: int | None = None
    expires: int | None = None
    keyid: str | None = None
    alg: str | None = None
    nonce: str | None = None
    tag: str | None = None

    @property
    def text(self) -> str:
        """As it stands behind the covered components, in this order."""
        times = (("created", self.created), ("expires", self.expires))
        said = (("keyid", self.keyid), ("alg", self.alg), ("nonce", self.nonce), ("tag", self.tag))
        return "".join(
            [
                *[f";{name}={write_bare(number)}" for name, number in times if number is not None],
                *[f";{name}={_string(text)}" for name, text in said if text is not None],
            ]
        )


def _string(text: str) -> str:
    return f'"{text}"' if _PLAIN.fullmatch(text) else write_bare(text)


class Told(msgspec.Struct, frozen=True):
    """One member of Signature-Input. `text`: the line `@signature-params`. `foreign`: names of parameters that RFC
    9421 does not know; they are signed too."""

    covered: Covered
    parameters: Parameters
    text: str
    foreign: frozenset[str] = frozenset()


class Presented(msgspec.Struct, frozen=True):
    """A signature that came with a message; nothing is verified yet."""

    told: Told
    signature: bytes

    @property
    def components(self) -> tuple[Component, ...]:
        return self.told.covered.components

    @property
    def parameters(self) -> Parameters:
        return self.told.parameters


def presented(fields: Fields) -> dict[str, Presented]:
    """The signatures of a message by label, in their order; none when it has neither field. Raises Malformed, also
    for a label that comes twice or stands in one field only."""
    told = _told(fields)
    lone = _LONE.fullmatch(fields["signature"][0]) if len(fields.get("signature", ())) == 1 else None
    if lone is not None and told.keys() == {lone[1]}:
        return {lone[1]: Presented(told[lone[1]], a2b_base64(lone[2]))}
    signatures = _members(fields, "signature")
    if told.keys() != signatures.keys():
        raise Malformed("signature", "each label stands in signature-input and in signature")
    return {label: Presented(one, _signature(signatures[label])) for label, one in told.items()}


def _signature(given: Member) -> bytes:
    if not isinstance(given, Item) or not isinstance(given.value, bytes):
        raise Malformed("signature", "a signature is a byte sequence")
    return given.value


def _told(fields: Fields) -> dict[str, Told]:
    lines = fields.get("signature-input", ())
    usual = told_as_usual(lines[0]) if len(lines) == 1 else None
    if usual is not None:
        return usual
    return {label: told_of(member) for label, member in _members(fields, "signature-input").items()}


def told_as_usual(text: str) -> dict[str, Told] | None:
    """Signature-Input as gateways write it, in a fifth of the general reader's time; None for any other spelling and
    for every fault, which the general reader then names."""
    if len(text) > HTTPSIG_FIELD_CHARS:
        return None
    ours = _OURS.fullmatch(text)
    if ours is not None:
        label, names, rest, created, expires, keyid, alg, nonce, tag = ours.groups()
        over = covered_in(names)
        said_all = Parameters(int(created), int(expires), keyid, alg, nonce, tag)
        return None if over is None else {label: Told(over, said_all, names + rest)}
    found: dict[str, Told] = {}
    at = 0
    while at < len(text):
        match = _USUAL.match(text, at)
        if match is None or len(found) == HTTPSIG_LABELS:
            return None
        label, names, rest, _ = match.groups()
        covered = covered_in(names)
        said: dict[str, int | str] = {}
        for number, value, string, inside, foreign in _USUAL_PARAMETER.findall(rest):
            name = number or string
            if foreign or name in said:
                return None
            said[name] = int(value) if number else inside
        if covered is None or label in found:
            return None
        found[label] = Told(covered, msgspec.convert(said, Parameters), names + rest)
        at = match.end()
    return found


def _members(fields: Fields, name: str) -> dict[str, Member]:
    try:
        members = parse_dictionary(", ".join(fields.get(name, ())), unique=True, most=HTTPSIG_FIELD_CHARS)
    except BadField as error:
        raise Malformed(name, str(error)) from error
    if len(members) > HTTPSIG_LABELS:
        raise Malformed(name, f"at most {HTTPSIG_LABELS} signatures")
    return members


def told_of(member: Member) -> Told:
    """One member of Signature-Input by the general reader. Raises Malformed."""
    if not isinstance(member, InnerList):
        raise Malformed("signature-input", "covered components are an inner list")
    own = member.parameters
    numbers = {name: own[name] for name in _NUMBERS if name in own}
    strings = {name: own[name] for name in _STRINGS if name in own}
    if not all(type(value) is int for value in numbers.values()):
        raise Malformed("signature-input", "created and expires are whole seconds")
    if not all(type(value) is str for value in strings.values()):
        raise Malformed("signature-input", "keyid, alg, nonce and tag are strings")
    parameters = msgspec.convert(numbers | strings, Parameters)
    foreign = frozenset(own.keys() - numbers.keys() - strings.keys())
    return Told(covered_of(member), parameters, write_member(member), foreign)


def signature_base(
    covered: Covered, text: str, message: Message, *, request: Request | None = None, kinds: Mapping[str, str] = KINDS
) -> bytes:
    """The bytes that are signed. `text`: the line `@signature-params`, `covered.text` and the parameters' own.
    `request`: the one that `message` answers. Raises Uncovered, or Malformed when a value is not ASCII or could pass
    for two lines."""
    fields, values = message.fields, []
    for name, quick, one in covered.steps[type(message)]:
        lines = fields.get(name) if name else None
        if lines and len(lines) == 1:
            values.append(lines[0])
            continue
        value = quick(message, request) if quick is not None else None
        values.append(value_of(one, message, request, kinds) if value is None else value)
    whole = f'{covered.form % tuple(values)}"@signature-params": {text}'
    base = whole.encode("ascii") if whole.isascii() else b"\0"
    if base.translate(None, _TEXT) or base.count(b"\n") != len(covered.components):
        raise Malformed("signature-base", "what is signed as text is ASCII without line breaks")
    return base


def member_of(label: str, signature: bytes) -> str:
    """One signature in the Signature field."""
    return f"{label}=:{b2a_base64(signature, newline=False).decode('ascii')}:"
