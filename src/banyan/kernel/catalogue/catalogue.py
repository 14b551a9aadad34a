"""The registry of a node: which services it runs, and every operation, face and page they declare.

A declaration that could not be served lawfully or understood by a person stops the node at start, not a citizen later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import Face, Operation, Page, Service

PERSONAL_CLASSES = ("identity", "contact", "health", "border", "location", "finance", "family", "case")
"""Classes of personal data an operation may declare; everything else an operation touches is `open`."""
DATA_CLASSES = ("open", *PERSONAL_CLASSES)
AUDIENCES = ("public", "officer", "agency", "hospital", "citizen", "administrator")


class Catalogue:
    """The services of this node by name, and their operations by id (`service.name`). Read-only once made."""

    def __init__(self, services: Sequence[Service]) -> None:
        self.services: Mapping[str, Service] = {service.name: service for service in services}
        assert len(self.services) == len(services), "two services have one name"
        self.operations: Mapping[str, Operation] = {
            operation.id: checked(operation) for service in services for operation in service.operations.values()
        }
        self.faces: tuple[Face, ...] = tuple(face for service in services for face in service.faces)
        self.pages: tuple[Page, ...] = tuple(page for service in services for page in service.pages)

    def operation(self, operation_id: str) -> Operation:
        """The operation of that id; NotFound when no service of this node has it."""
        found = self.operations.get(operation_id)
        if found is None:
            raise NotFound(f"no operation {operation_id}", remedy="see /openapi.json for the operations of this node")
        return found

    def of_channel(self, channel: str) -> list[Operation]:
        """The operations a channel may offer, in the order they were declared."""
        return [operation for operation in self.operations.values() if channel in operation.channels]


def checked(operation: Operation) -> Operation:
    """The operation, or an AssertionError naming what its declaration lacks. Style rule 12: deny is the default."""
    name = operation.id
    for text in (operation.title, operation.summary):
        assert all(text.get(lang) for lang in LANGUAGES), f"{name}: title and summary need zh-Hant and en"
    assert operation.data, f"{name}: declare the data classes it touches, ('open',) when there are none"
    unknown = set(operation.data) - set(DATA_CLASSES)
    assert not unknown, f"{name}: unknown data classes {sorted(unknown)}"
    assert operation.audience in AUDIENCES, f"{name}: unknown audience {operation.audience}"
    assert operation.purpose, f"{name}: declare a purpose"
    config = getattr(operation.request, "__struct_config__", None)
    assert isinstance(config, msgspec.structs.StructConfig), f"{name}: the request must be a msgspec.Struct"
    assert config.frozen, f"{name}: declare {operation.request.__name__} with frozen=True"
    assert config.forbid_unknown_fields, f"{name}: declare {operation.request.__name__} with forbid_unknown_fields=True"
    return operation
