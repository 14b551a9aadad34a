"""What a person may take of their own: operations about one person, as far as the register gives them their own data.

An operation qualifies by its declaration (`subject`, personal fields; nobody named means whoever asks) and a legal
basis that `needs` the person themselves. Every release goes through the gate: weighed, written down, minimised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue.messages import Messages
from banyan.kernel.catalogue.operation import Context, Operation, Text
from banyan.kernel.catalogue.personal import personal_fields
from banyan.kernel.policy.bases import Register
from banyan.kernel.policy.vocabulary import CATEGORIES
from banyan.service.credentials.shelf import Shelf, said

FIELDS = "fields"
LANGUAGES = ("zh-Hant", "en")


class OwnField(msgspec.Struct, frozen=True):
    """A field that can be taken; `name` is dotted for one inside another. `category` is the PDPA's, in words."""

    name: str
    label: Text
    category: Text


class Kind(msgspec.Struct, frozen=True):
    """One operation's answer about oneself."""

    id: str
    title: Text
    summary: Text
    fields: tuple[OwnField, ...]
    statute: Text

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)


async def kinds_here(shelf: Shelf) -> dict[str, Kind]:
    """What can be taken on this node, by operation id."""
    return kinds_of(shelf.operations, await shelf.register(), shelf.words)


def kinds_of(operations: Mapping[str, Operation], register: Register, words: Messages) -> dict[str, Kind]:
    """What can be taken, by operation id. Pure."""
    found = {}
    for operation in operations.values():
        known = personal_fields(operation.answer) if is_own(operation) else {}
        for basis in register.candidates(operation.id, operation.purpose, "") if known else ():
            names = [name for name in known if name in basis.fields]
            if basis.needs != "self" or not names:
                continue
            labels = labels_of(operation.answer)
            fields = tuple(
                OwnField(name, labels.get(name) or called(name, words), dict(CATEGORIES.get(known[name], {})))
                for name in names
            )
            statute = {lang: basis.statute.said(lang) for lang in LANGUAGES}
            found[operation.id] = Kind(operation.id, operation.title, operation.summary, fields, statute)
            break
    return found


def is_own(operation: Operation) -> bool:
    """Whether it is about one person, and needs to be told nothing: then that person is whoever asks."""
    if not operation.subject or operation.effect != "read":
        return False
    members = msgspec.structs.fields(operation.request)
    return any(one.name == FIELDS for one in members) and not any(one.required for one in members)


def labels_of(answer: Any) -> dict[str, Text]:
    """What fields are called, by dotted name, where their type says it (`Meta(extra={"label": …})` or `title`)."""
    found: dict[str, Text] = {}
    _label(answer, "", found, ())
    return found


def called(name: str, words: Messages) -> Text:
    """A field as its register's messages call it (`personal.NAME`); without a word of its own, its name."""
    key = f"personal.{name}"
    return {lang: words.text(key, lang) if key in words else name for lang in LANGUAGES}


def _label(kind: Any, prefix: str, found: dict[str, Text], above: Sequence[type]) -> None:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind in above:
            return  # a type that holds itself has the same words at every depth
        for name, hint in get_type_hints(kind, include_extras=True).items():
            here = f"{prefix}{name}"
            if (label := _said(hint)) is not None:
                found[here] = label
            _label(hint, here + ".", found, (*above, kind))
    else:
        for part in get_args(kind):
            _label(part, prefix, found, above)


def _said(hint: Any) -> Text | None:
    """The label on a field's type, also inside a union with UnsetType."""
    if get_origin(hint) is Annotated:
        kind, *metas = get_args(hint)
        for meta in metas:
            if isinstance(meta, msgspec.Meta):
                label = (meta.extra or {}).get("label") or (meta.title and dict.fromkeys(LANGUAGES, meta.title))
                if label:
                    return dict(label)
        return _said(kind)
    return next((label for part in get_args(hint) if (label := _said(part)) is not None), None)


async def kind_of(shelf: Shelf, id: str) -> Kind:
    """Raises NotFound for what cannot be taken here."""
    kind = (await kinds_here(shelf)).get(id)
    if kind is None:
        raise NotFound(said("no_kind"), remedy=said("no_kind_remedy"))
    return kind


async def release(ctx: Context, kind: Kind, fields: Sequence[str]) -> dict[str, Any]:
    """One's own values, through the gate. Raises Invalid for a field that is not there or none at all, NotFound when
    the agency holds nothing about this person."""
    chosen = tuple(dict.fromkeys(fields))
    unknown = [name for name in chosen if name not in kind.names]
    if unknown or not chosen:
        raise Invalid.at(FIELDS, f"one or more of {', '.join(kind.names)}")
    answer = await ctx.call(kind.id, {FIELDS: chosen})
    plain = msgspec.json.decode(msgspec.json.encode(answer))
    tops = {name.partition(".")[0] for name in chosen}
    if not isinstance(plain, dict) or not tops & plain.keys():
        raise NotFound(said("nothing"), remedy=said("nothing_remedy"))
    return plain
