"""What the catalogue search keeps of each dataset in memory, and which of it each query field asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import fold
from banyan.service.opendata.model import Dataset


class Card(msgspec.Struct, frozen=True):
    """One dataset as search sees it. `text` is folded and kept only where the text index has nothing (not public)."""

    id: str
    name: str
    title: str
    agency_id: str
    agency: str
    """The agency's name (slug); empty without one."""
    licence_id: str
    state: str
    private: bool
    type: str
    author: str
    maintainer: str
    created: EpochS
    modified: EpochS
    tags: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    medal: str = ""
    extras: tuple[tuple[str, str], ...] = ()
    text: str = ""
    folded: str = ""
    """The title as search compares it."""

    @property
    def is_public(self) -> bool:
        return self.state == "active" and not self.private


def card_of(dataset: Dataset, *, agency: str, medal: str) -> Card:
    """`agency` is the name of the dataset's agency, `medal` that of its last quality report."""
    active = [one for one in dataset.resources if one.state == "active"]
    hidden = "" if dataset.is_public else "\n".join((dataset.title, dataset.title_en, dataset.name, dataset.notes))
    return Card(
        id=dataset.id,
        name=dataset.name,
        title=dataset.title,
        agency_id=dataset.agency_id,
        agency=agency,
        licence_id=dataset.licence_id,
        state=dataset.state,
        private=dataset.private,
        type=dataset.type,
        author=dataset.author,
        maintainer=dataset.maintainer,
        created=dataset.metadata_created,
        modified=dataset.metadata_modified,
        tags=dataset.tags,
        themes=dataset.themes,
        formats=tuple(sorted({one.format for one in active if one.format})),
        medal=medal,
        extras=dataset.extras,
        text=fold("\n".join((hidden, *dataset.tags))) if hidden else "",
        folded=fold(dataset.title),
    )


Values = Callable[[Card], Sequence[str]]

POSTED: Mapping[str, Values] = {
    "organization": lambda card: (card.agency,) if card.agency else (),
    "groups": lambda card: card.themes,
    "tags": lambda card: card.tags,
    "res_format": lambda card: card.formats,
    "license_id": lambda card: (card.licence_id,) if card.licence_id else (),
    "medal": lambda card: (card.medal,) if card.medal else (),
}
"""Fields with few values and many datasets: kept as value -> datasets, counted as facets."""

EXACT: Mapping[str, Values] = {
    "id": lambda card: (card.id,),
    "name": lambda card: (card.name,),
    "owner_org": lambda card: (card.agency_id,) if card.agency_id else (),
    "state": lambda card: (card.state,),
    "capacity": lambda card: ("private" if card.private else "public",),
    "private": lambda card: ("true" if card.private else "false",),
    "dataset_type": lambda card: (card.type,),
    "type": lambda card: (card.type,),
    "entity_type": lambda card: ("package",),
    "title_string": lambda card: (card.title,),
    "license": lambda card: (card.licence_id,) if card.licence_id else (),
}
"""Fields compared as a whole by looking at every card."""

WORDED: Mapping[str, Values] = {
    "title": lambda card: (card.folded,),
    "author": lambda card: (fold(card.author),) if card.author else (),
    "maintainer": lambda card: (fold(card.maintainer),) if card.maintainer else (),
}
"""Fields of which a word is enough; folded."""

TIMES: Mapping[str, Callable[[Card], float]] = {
    "metadata_created": lambda card: card.created,
    "metadata_modified": lambda card: card.modified,
}

WHOLE_TEXT = frozenset({"", "text", "_text_", "notes"})
"""Asked of the text index; `notes` alone is not kept apart, so it means the whole text."""


def extra(name: str) -> Values:
    """The values of `extras_NAME` (Solr's name of a CKAN extra)."""
    return lambda card: tuple(value for key, value in card.extras if key == name)
