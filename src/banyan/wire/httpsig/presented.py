"""Signature-Input, Signature and the signature base (RFC 9421 sections 2.3, 2.5, 4)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from banyan.limits import HTTPSIG_COMPONENTS, HTTPSIG_FIELD_CHARS, HTTPSIG_LABELS
from banyan.wire.httpsig.components import KINDS, Component, component_of, value_of
from banyan.wire.httpsig.errors import Malformed
from banyan.wire.httpsig.message import Fields, Message, Request
from banyan.wire.structured import (
    BadField,
    InnerList,
    Item,
    Member,
    parse_dictionary,
    write_member,
    write_parameters,
)

_BASE: Final = re.compile(r"[\t\n -~]*+")
_NUMBERS: Final = ("created", "expires")
_STRINGS: Final = ("nonce", "alg", "keyid", "tag")


class Parameters(msgspec.Struct, frozen=True, omit_defaults=True):
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
        return write_parameters(
            {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}
        )


class Presented(msgspec.Struct, frozen=True):
    """A signature that came with a message; nothing is verified yet. `text`: the line `@signature-params`."""

    components: tuple[Component, ...]
    parameters: Parameters
    text: str
    signature: bytes
    foreign: frozenset[str] = frozenset()
    """Names of parameters that RFC 9421 does not know. They are signed too."""


def presented(fields: Fields) -> dict[str, Presented]:
    """The signatures of a message by label, in their order; none when it has neither field. Raises Malformed, also
    for a label that comes twice or stands in one field only."""
    inputs, signatures = _members(fields, "signature-input"), _members(fields, "signature")
    if inputs.keys() != signatures.keys():
        raise Malformed("signature", "each label stands in signature-input and in signature")
    return {label: _presented(inputs[label], signatures[label]) for label in inputs}


def _members(fields: Fields, name: str) -> dict[str, Member]:
    try:
        members = parse_dictionary(", ".join(fields.get(name, ())), unique=True, most=HTTPSIG_FIELD_CHARS)
    except BadField as error:
        raise Malformed(name, str(error)) from error
    if len(members) > HTTPSIG_LABELS:
        raise Malformed(name, f"at most {HTTPSIG_LABELS} signatures")
    return members


def _presented(told: Member, given: Member) -> Presented:
    if not isinstance(given, Item) or not isinstance(given.value, bytes):
        raise Malformed("signature", "a signature is a byte sequence")
    if not isinstance(told, InnerList):
        raise Malformed("signature-input", "covered components are an inner list")
    if len(told.items) > HTTPSIG_COMPONENTS:
        raise Malformed("signature-input", f"at most {HTTPSIG_COMPONENTS} components")
    components = tuple(map(component_of, told.items))
    if len({one.identity for one in components}) != len(components):
        raise Malformed("signature-input", "a component comes twice")
    own = told.parameters
    numbers = {name: own[name] for name in _NUMBERS if name in own}
    strings = {name: own[name] for name in _STRINGS if name in own}
    if not all(type(value) is int for value in numbers.values()):
        raise Malformed("signature-input", "created and expires are whole seconds")
    if not all(type(value) is str for value in strings.values()):
        raise Malformed("signature-input", "keyid, alg, nonce and tag are strings")
    parameters = msgspec.convert(numbers | strings, Parameters)
    return Presented(
        components, parameters, write_member(told), given.value, frozenset(own.keys() - numbers.keys() - strings.keys())
    )


def params_text(components: Sequence[Component], parameters: Parameters) -> str:
    """The value of Signature-Input's member, which is the line `@signature-params` too."""
    return f"({' '.join([one.text for one in components])}){parameters.text}"


def signature_base(
    components: Sequence[Component],
    text: str,
    message: Message,
    *,
    request: Request | None = None,
    kinds: Mapping[str, str] = KINDS,
) -> bytes:
    """The bytes that are signed. `text`: of `params_text` or Presented. `request`: the one that `message` answers.
    Raises Uncovered, or Malformed when a value is not ASCII or could pass for two lines."""
    lines = [f"{one.text}: {value_of(one, message, request, kinds)}" for one in components]
    lines.append(f'"@signature-params": {text}')
    base = "\n".join(lines)
    if _BASE.fullmatch(base) is None or base.count("\n") != len(components):
        raise Malformed("signature-base", "what is signed as text is ASCII without line breaks")
    return base.encode("ascii")


def member_of(label: str, signature: bytes) -> str:
    """One signature in the Signature field."""
    return f"{label}=:{b64encode(signature).decode('ascii')}:"
