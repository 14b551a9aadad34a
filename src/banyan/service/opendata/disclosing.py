"""What anybody may see of where data comes from: not a folder of this machine, and not a key in an address.

Real sources need keys: opendata.cwa.gov.tw takes `?Authorization=CWA-…`, data.moenv.gov.tw `?api_key=…`.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

import msgspec

from banyan.service.opendata.model import Dataset, Resource

_KEY = re.compile(r"key|token|auth|secret|passw|pwd|sig|credential|session", re.IGNORECASE)
HIDDEN = "…"


def disclosed(source: str) -> str:
    """A source's address with the values of keys left out; of a file its name."""
    if not source.startswith(("http://", "https://")):
        return source.rpartition("/")[2]
    parts = urlsplit(source)
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    query = "&".join(
        f"{name}={HIDDEN}" if same and _KEY.search(name) else name + same + value for name, same, value in pairs
    )
    return urlunsplit(parts._replace(query=query))


def of_resource(resource: Resource) -> Resource:
    """The resource as anybody may see it."""
    if resource.live is None:
        return resource
    live = msgspec.structs.replace(resource.live, source=disclosed(resource.live.source))
    return msgspec.structs.replace(resource, live=live)


def of_dataset(dataset: Dataset) -> Dataset:
    """The dataset as anybody may see it."""
    if not any(one.live for one in dataset.resources):
        return dataset
    return msgspec.structs.replace(dataset, resources=tuple(map(of_resource, dataset.resources)))
