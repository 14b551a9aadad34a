"""What breaks DCAT-AP 3.0.1 in a description we would publish: the mandatory part of `shapes.ttl` and `range.ttl`.

The writer types every node by its class, so only presence, forms and addresses can be wrong. A test holds this list
against pyshacl's verdict on the same datasets.
"""

from __future__ import annotations

import re

from banyan.wire.dcat import Dataset, Distribution
from banyan.wire.dcat.terms import iri

_MOMENT = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?)?)?")
_HASH = re.compile(r"[0-9a-fA-F]{64}")


def faults(dataset: Dataset) -> list[str]:
    """One line a fault: the property, and the address or text that is wrong. Empty when it conforms."""
    found = [f"dct:{name}" for name in ("title", "description") if not any(getattr(dataset, name).values())]
    found += [f"dcat:landingPage {dataset.landing_page}"] if iri(dataset.landing_page) is None else []
    found += [f"rdf:about {dataset.iri}"] if iri(dataset.iri) is None or dataset.iri == dataset.landing_page else []
    if dataset.publisher is not None and not any(dataset.publisher.name.values()):
        found.append("foaf:name")
    moments = [dataset.issued, dataset.modified]
    moments += [dataset.period.start, dataset.period.end] if dataset.period else []
    found += _moments(*moments)
    for one in dataset.distributions:
        found += _distribution(one)
    return found


def _distribution(one: Distribution) -> list[str]:
    found = [f"dcat:accessURL {one.access_url}"] if iri(one.access_url) is None else []
    if one.byte_size is not None and one.byte_size < 0:
        found.append(f"dcat:byteSize {one.byte_size}")
    if one.sha256 and not _HASH.fullmatch(one.sha256):
        found.append("spdx:checksumValue")
    return found + _moments(one.issued, one.modified)


def _moments(*texts: str) -> list[str]:
    return [f"xsd:dateTime {text}" for text in texts if text and not _MOMENT.fullmatch(text)]
