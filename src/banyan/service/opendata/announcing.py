"""Events of open data on the change feed, in the same transaction as the rows they tell of.

Topics: `dataset.saved`, `dataset.deleted`, `version.published`, `version.renewed`, `source.failed`, `source.held`,
`source.recovered`, `request.received`, `request.answered`, `agency.saved`. The subject is the name of the dataset
or agency (or the request's id).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from banyan.kernel.events import Event, feed
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx


def announce(tx: Tx, topic: str, subject: str, data: Mapping[str, object] | msgspec.Struct, now: EpochS) -> int:
    """Append one event; its position in the feed."""
    return feed.append(tx, Event(topic=topic, subject=subject, data=msgspec.Raw(msgspec.json.encode(data)), at=now))
