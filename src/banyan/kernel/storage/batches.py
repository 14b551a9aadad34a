"""Jobs of one kind that stand beside one another in a group are done together: one statement for all where each would
have had its own.

A batch may fail as a whole when any of its items does: the store undoes it and does each item alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

from banyan.kernel.storage.store import Batch, Tx

Item = TypeVar("Item")
T = TypeVar("T")
Job = Callable[[Tx], object]


class Batched(Generic[Item, T]):
    """A job over one item, which is a batch of one when it is done alone."""

    __slots__ = ("batch", "item")

    def __init__(self, batch: Batch[Item, T], item: Item) -> None:
        self.batch, self.item = batch, item

    def __call__(self, tx: Tx) -> T:
        return self.batch(tx, (self.item,))[0]


def runs(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs in their order, those parted that cannot be done together."""
    found: list[list[Job]] = []
    kind: object = None
    for job in jobs:
        batch = job.batch if isinstance(job, Batched) else None
        if batch is not None and batch == kind:
            found[-1].append(job)
        else:
            found.append([job])
        kind = batch
    return found


def done(run: Sequence[Job], tx: Tx) -> Sequence[object]:
    """Do one of `runs`; an answer for each of its jobs."""
    if len(run) == 1:
        return [run[0](tx)]
    batched = cast("Sequence[Batched[object, object]]", run)
    answers = batched[0].batch(tx, [one.item for one in batched])
    assert len(answers) == len(run), "a batch answers each of its items"
    return answers
