"""Events of open data on the change feed, in the same transaction as the rows they tell of.

Topics: `dataset.saved`, `dataset.deleted`, `version.published`, `version.renewed`, `source.failed`, `source.held`,
`source.recovered`, `request.received`, `request.answered`, `agency.saved`. The subject is the name of the dataset
or agency (or the request's id).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, feed
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.service.opendata import registry
from banyan.service.opendata.model import Dataset
from banyan.service.opendata.service import SERVICE

OF_DATASETS = ("dataset.", "version.", "source.")


def announce(tx: Tx, topic: str, subject: str, data: Mapping[str, object] | msgspec.Struct, now: EpochS) -> int:
    """Append one event; its position in the feed."""
    return feed.append(tx, Event(topic=topic, subject=subject, data=msgspec.Raw(msgspec.json.encode(data)), at=now))


@SERVICE.shows
async def shown(ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
    """What anybody may follow: not the events of a dataset that is private, a draft, or gone without a trace; of a
    deleted one only that it was deleted, so that a copy elsewhere can follow."""

    def job(tx: Tx) -> list[Event]:
        subjects = {event.subject for event in events if event.topic.startswith(OF_DATASETS)}
        found = {subject: registry.dataset_by(tx, subject) for subject in subjects}
        return [event for event in events if _is_shown(event, found.get(event.subject))]

    return await ctx.db.sql.read(job)


def _is_shown(event: Event, dataset: Dataset | None) -> bool:
    if not event.topic.startswith(OF_DATASETS):
        return True
    if dataset is None or dataset.private or not _is_of(event, dataset):
        return False
    return dataset.state == "active" or (dataset.state == "deleted" and event.topic == "dataset.deleted")


class _Of(msgspec.Struct):
    """What an event's data says it is about; each topic says one of them."""

    id: str = ""
    dataset: str = ""
    resource: str = ""


def _is_of(event: Event, dataset: Dataset) -> bool:
    """Whether the event is of this dataset, not of another that had its name before (and may be private now)."""
    of = msgspec.json.decode(event.data, type=_Of)
    known = of.id or of.dataset
    return known == dataset.id if known else any(one.id == of.resource for one in dataset.resources)
