"""Lists of covered components. A peer sends the same few lists in each message, so what was read once is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from banyan.limits import HTTPSIG_COMPONENTS, HTTPSIG_LISTS_KEPT
from banyan.wire.httpsig.components import QUICK, Component, Quick, component_of
from banyan.wire.httpsig.errors import Malformed
from banyan.wire.structured import BadField, InnerList, parse_list, write_member

Step = tuple[str, Quick | None, Component]
"""How a value is read at once: the name of a field of this message, `""` for none; else a function, if there is one."""


class Covered(msgspec.Struct, frozen=True):
    """Covered components in their order. `text`: as they stand in Signature-Input, without parameters. `texts`: the
    identifiers as a set. `own`: names of the fields of this message among them, not of the request it answers;
    `own_set` the same.
    `form`: the lines of the signature base, `%s` where a value goes. `steps`: for a request and for a response, how
    each value is read at once; what cannot be is for `value_of`, which reads everything."""

    components: tuple[Component, ...]
    text: str
    texts: frozenset[str]
    own: tuple[str, ...]
    own_set: frozenset[str]
    form: str
    steps: Mapping[type, tuple[Step, ...]]


def _whole_field(one: Component) -> str:
    """The name of a field of this message that stands whole in the base."""
    return one.name if one.text == f'"{one.name}"' and one.name[:1] != "@" else ""


def covered(components: Sequence[Component]) -> Covered:
    """Raises Malformed for a component that comes twice, or too many."""
    if len(components) > HTTPSIG_COMPONENTS:
        raise Malformed("signature-input", f"at most {HTTPSIG_COMPONENTS} components")
    if len({one.identity for one in components}) != len(components):
        raise Malformed("signature-input", "a component comes twice")
    texts = [one.text for one in components]
    own = tuple(one.name for one in components if not one.req and one.name[0] != "@")
    form = "".join([f"{text.replace('%', '%%')}: %s\n" for text in texts])
    steps = {
        kind: tuple([(_whole_field(one), quick.get(one.text), one) for one in components])
        for kind, quick in QUICK.items()
    }
    return Covered(tuple(components), f"({' '.join(texts)})", frozenset(texts), own, frozenset(own), form, steps)


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
