"""Lists of covered components. A peer sends the same few lists in each message, so what was read once is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from banyan.limits import HTTPSIG_COMPONENTS, HTTPSIG_LISTS_KEPT
from banyan.wire.httpsig.components import QUICK, Component, Quick, component_of
from banyan.wire.httpsig.errors import Malformed
from banyan.wire.httpsig.message import Message, Request
from banyan.wire.structured import BadField, InnerList, parse_list, write_member

Step = tuple[str, Quick | None, Component]


class Covered(msgspec.Struct, frozen=True):
    """Covered components in their order. `text`: as they stand in Signature-Input, without parameters. `texts`: the
    identifiers as a set. `own`: names of the fields of this message among them, not of the request it answers.
    `steps`: for a request and for a response, how each line of the signature base begins and how its value is read at
    once; None: ask `value_of`, which reads everything."""

    components: tuple[Component, ...]
    text: str
    texts: frozenset[str]
    own: tuple[str, ...]
    steps: Mapping[type, tuple[Step, ...]]


def _whole_field(one: Component) -> Quick | None:
    """Of a field of this message that stands whole in the base."""
    if one.text != f'"{one.name}"' or one.name[:1] == "@":
        return None
    name = one.name

    def read(message: Message, request: Request | None) -> str | None:
        lines = message.fields.get(name)
        return lines[0] if lines and len(lines) == 1 else None

    return read


def covered(components: Sequence[Component]) -> Covered:
    """Raises Malformed for a component that comes twice, or too many."""
    if len(components) > HTTPSIG_COMPONENTS:
        raise Malformed("signature-input", f"at most {HTTPSIG_COMPONENTS} components")
    if len({one.identity for one in components}) != len(components):
        raise Malformed("signature-input", "a component comes twice")
    texts = [one.text for one in components]
    own = tuple(one.name for one in components if not one.req and one.name[0] != "@")
    steps = {
        kind: tuple([(f"{one.text}: ", quick.get(one.text) or _whole_field(one), one) for one in components])
        for kind, quick in QUICK.items()
    }
    return Covered(tuple(components), f"({' '.join(texts)})", frozenset(texts), own, steps)


def covered_of(told: InnerList) -> Covered:
    """Out of a parsed Signature-Input, whatever its parameters. Raises Malformed."""
    return covered([component_of(item) for item in told.items])


@lru_cache(maxsize=HTTPSIG_LISTS_KEPT)
def covered_in(text: str) -> Covered | None:
    """The list in parentheses, or None when `text` is not exactly how we would write it: then it is for the general
    reader, which knows the fault. Never raises, so that faults are kept too."""
    try:
        (told,) = parse_list(text)
        found = covered_of(told) if isinstance(told, InnerList) and write_member(told) == text else None
    except (BadField, Malformed, ValueError):
        return None
    return found if found is not None and not told.parameters else None
