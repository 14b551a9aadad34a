"""From DCAT-AP nouns to RDF trees, with every class that `range.ttl` wants typed in the graph itself.

What `shapes_recommended.ttl` recommends is written whenever it is known; nothing is invented to please a validator.
Source: DCAT-AP 3.0.1; DCAT 3; vCard ontology; GeoSPARQL 1.1 (WKT in CRS84); DQV; Hydra core.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from banyan.wire.dcat import model
from banyan.wire.dcat.terms import Iri, Literal, Node, Term, iri, literal, node, texts, typed
from banyan.wire.dcat.vocabularies import (
    ADMS_LICENCE_TYPE,
    ADMS_PUBLISHER_TYPE,
    CRS84,
    DATA_THEMES,
    IANA,
    PIVEAU,
    SHA256,
    THEME_SCHEME,
    authority,
)

Edges = list[tuple[str, Sequence[Term | None]]]


def catalog_node(catalog: model.Catalog, datasets: Iterable[str]) -> Node:
    """The catalogue with references to the datasets of this document."""
    edges: Edges = [
        ("dct:title", texts(catalog.title)),
        ("dct:description", texts(catalog.description)),
        ("dct:publisher", [agent(catalog.publisher)]),
        ("foaf:homepage", [document(catalog.homepage)]),
        ("dct:license", [licence(catalog.licence)]),
        ("dct:spatial", [place(catalog.place)]),
        ("dct:language", [language(code) for code in catalog.languages]),
        ("dct:issued", [date(catalog.issued)]),
        ("dct:modified", [date(catalog.modified)]),
        ("dcat:contactPoint", [contact(catalog.contact)]),
        ("dcat:themeTaxonomy", [theme_scheme()]),
        ("dcat:service", [iri(catalog.service.iri)]),
        ("dcat:dataset", [Iri(address) for address in datasets]),
    ]
    return node("dcat:Catalog", edges, iri(catalog.iri))


def service_node(service: model.Service, catalog: model.Catalog, datasets: Iterable[str]) -> Node:
    edges: Edges = [
        ("dct:title", texts(service.title)),
        ("dct:description", texts(service.description)),
        ("dcat:endpointURL", [iri(service.endpoint_url)]),
        ("dcat:endpointDescription", [iri(service.endpoint_description)]),
        ("dct:conformsTo", [node("dct:Standard", [], iri(service.conforms_to))]),
        ("dct:publisher", [agent(catalog.publisher)]),
        ("dcat:contactPoint", [contact(catalog.contact)]),
        ("dct:license", [licence(catalog.licence)]),
        ("dct:accessRights", [access_rights("PUBLIC")]),
        ("dcat:keyword", [literal(word, "zh-Hant") for word in service.keywords]),
        ("dcat:theme", [theme(code) for code in service.themes]),
        ("dcat:servesDataset", [Iri(address) for address in datasets]),
    ]
    return node("dcat:DataService", edges, iri(service.iri))


def dataset_node(dataset: model.Dataset) -> Node:
    edges: Edges = [
        ("dct:identifier", [literal(dataset.identifier)]),
        ("dct:title", texts(dataset.title)),
        ("dct:description", texts(dataset.description)),
        ("dcat:landingPage", [document(dataset.landing_page)]),
        ("dct:publisher", [agent(dataset.publisher)] if dataset.publisher else []),
        ("dcat:contactPoint", [contact(dataset.contact)] if dataset.contact else []),
        ("dcat:keyword", [literal(word, "zh-Hant") for word in dataset.keywords]),
        ("dcat:theme", [theme(code) for code in dataset.themes] + [category(*pair) for pair in dataset.categories]),
        ("dct:accrualPeriodicity", [frequency(dataset.frequency)] if dataset.frequency else []),
        ("dct:language", [language(code) for code in dataset.languages]),
        ("dct:spatial", [place(where) for where in dataset.places]),
        ("dct:temporal", [period(dataset.period)] if dataset.period else []),
        ("dct:license", [licence(dataset.licence)] if dataset.licence else []),
        ("dct:accessRights", [access_rights(dataset.access)] if dataset.access else []),
        ("dct:issued", [date(dataset.issued)]),
        ("dct:modified", [date(dataset.modified)]),
        ("dcat:version", [literal(dataset.version)] if dataset.version else []),
        ("dct:provenance", [labelled("dct:ProvenanceStatement", dataset.provenance)]),
        ("dqv:hasQualityMeasurement", [measurement(dataset, one) for one in dataset.measurements]),
        ("dcat:distribution", [distribution_node(dataset, one) for one in dataset.distributions]),
    ]
    return node("dcat:Dataset", edges, iri(dataset.iri))


def distribution_node(dataset: model.Dataset, one: model.Distribution) -> Node:
    size = [] if one.byte_size is None else [typed(str(one.byte_size), "xsd:nonNegativeInteger")]
    edges: Edges = [
        ("dct:title", texts(one.title)),
        ("dct:description", texts(one.description)),
        ("dcat:accessURL", [iri(one.access_url)]),
        ("dcat:downloadURL", [iri(one.download_url)]),
        ("dct:format", [format_(one.file_type)] if one.file_type else []),
        ("dcat:mediaType", [media_type(one.media_type)] if one.media_type else []),
        ("cnt:characterEncoding", [literal(one.encoding)] if one.encoding else []),
        ("dct:license", [licence(dataset.licence)] if dataset.licence else []),
        ("dct:rights", [labelled("dct:RightsStatement", dataset.rights)]),
        ("dcat:byteSize", size),
        ("spdx:checksum", [checksum(one.sha256)] if one.sha256 else []),
        ("dct:issued", [date(one.issued)]),
        ("dct:modified", [date(one.modified)]),
        ("dct:conformsTo", [node("dct:Standard", [], iri(one.schema_url))] if one.schema_url else []),
        ("dcatap:availability", [availability(one.availability)] if one.availability else []),
        ("dcat:accessService", [iri(one.service)] if one.service else []),
    ]
    return node("dcat:Distribution", edges, iri(one.iri))


def paging_node(paging: model.Paging) -> Node:
    """Where the other pages are: Hydra's view, and the older PagedCollection that catalogue harvesters read."""

    def at(page: int) -> Iri | None:
        return iri(f"{paging.url}?page={page}") if 1 <= page <= paging.pages else None

    edges: Edges = [
        ("hydra:totalItems", [typed(str(paging.total), "xsd:integer")]),
        ("hydra:itemsPerPage", [typed(str(paging.size), "xsd:integer")]),
    ]
    for name, page in (("first", 1), ("next", paging.page + 1), ("previous", paging.page - 1), ("last", paging.pages)):
        edges.append((f"hydra:{name}", [at(page)]))
        edges.append((f"hydra:{name}Page", [literal(found.iri)] if (found := at(page)) else []))
    return node("hydra:PartialCollectionView hydra:PagedCollection", edges, at(paging.page))


def agent(one: model.Agent) -> Node:
    kind = concept(ADMS_PUBLISHER_TYPE + one.type, {"en": one.type})
    return node("foaf:Agent", [("foaf:name", texts(one.name)), ("dct:type", [kind])], iri(one.iri))


def contact(one: model.ContactPoint) -> Node:
    phone = "".join(char for char in one.phone if char.isdigit() or char in "+#,-")
    edges: Edges = [
        ("vcard:fn", [literal(one.name, "zh-Hant")] if one.name else []),
        ("vcard:hasEmail", [iri("mailto:" + one.email)] if one.email else []),
        ("vcard:hasTelephone", [iri("tel:" + phone.replace("#", ";ext="))] if phone else []),
        ("vcard:hasURL", [iri(one.url)] if one.url else []),
    ]
    return node("vcard:Organization vcard:Kind", edges)


def licence(one: model.Licence) -> Node:
    edges: Edges = [
        ("dct:title", texts(one.title)),
        ("dct:type", [concept(ADMS_LICENCE_TYPE + one.type, {"en": one.type})]),
        ("skos:closeMatch", [iri(one.compatible)] if one.compatible else []),
    ]
    return node("dct:LicenseDocument", edges, iri(one.iri))


def place(one: model.Place) -> Node:
    edges: Edges = [("skos:prefLabel", texts(one.label))]
    if one.bbox:
        west, south, east, north = one.bbox
        ring = f"{west} {south},{east} {south},{east} {north},{west} {north},{west} {south}"
        edges.append(("dcat:bbox", [wkt(f"POLYGON(({ring}))")]))
        edges.append(("dcat:centroid", [wkt(f"POINT({(west + east) / 2:.6f} {(south + north) / 2:.6f})")]))
    return node("dct:Location", edges, iri(one.iri) if one.iri else None)


def wkt(shape: str) -> Literal:
    """A geometry with its CRS stated, longitude first (GeoSPARQL 1.1 s8.5.1)."""
    return typed(f"<{CRS84}> {shape}", "geo:wktLiteral")


def period(one: model.Period) -> Node:
    return node("dct:PeriodOfTime", [("dcat:startDate", [date(one.start)]), ("dcat:endDate", [date(one.end)])])


def date(text: str) -> Literal | None:
    """A literal typed by its own form: gYear, gYearMonth, date or dateTime; None when empty."""
    if not text:
        return None
    kinds = {4: "xsd:gYear", 7: "xsd:gYearMonth", 10: "xsd:date"}
    return typed(text, kinds.get(len(text), "xsd:dateTime"))


def document(address: str) -> Node | None:
    at = iri(address)
    return node("foaf:Document", [], at) if at else None


def language(code: str) -> Node:
    return node("dct:LinguisticSystem", [], Iri(authority("language", code)))


def frequency(code: str) -> Node:
    return node("dct:Frequency", [], Iri(authority("frequency", code)))


def format_(code: str) -> Node:
    return node("dct:MediaTypeOrExtent", [], Iri(authority("file-type", code)))


def media_type(name: str) -> Node:
    return node("dct:MediaType", [], iri(IANA + name))


def access_rights(code: str) -> Node:
    return node("dct:RightsStatement", [], Iri(authority("access-right", code)))


def availability(code: str) -> Node:
    return concept(authority("planned-availability", code), {"en": code.capitalize()})


def theme(code: str) -> Node:
    return concept(authority("data-theme", code), DATA_THEMES[code])


def theme_scheme() -> Node:
    title = {"zh-Hant": "歐盟資料主題", "en": "EU data themes"}
    return node("skos:ConceptScheme", [("dct:title", texts(title))], Iri(THEME_SCHEME))


def category(address: str, label: model.Texts) -> Node:
    return concept(address, label)


def concept(address: str, label: Mapping[str, str]) -> Node:
    return node("skos:Concept", [("skos:prefLabel", texts(label))], iri(address))


def checksum(sha256: str) -> Node:
    algorithm = node("spdx:ChecksumAlgorithm", [], Iri(SHA256))
    value = typed(sha256.upper(), "xsd:hexBinary")
    return node("spdx:Checksum", [("spdx:algorithm", [algorithm]), ("spdx:checksumValue", [value])])


def labelled(kind: str, label: model.Texts) -> Node | None:
    found = texts(label)
    return node(kind, [("rdfs:label", found)]) if found else None


def measurement(dataset: model.Dataset, one: model.Measurement) -> Node:
    value = typed(str(bool(one.value)).lower(), "xsd:boolean") if one.boolean else typed(str(one.value), "xsd:integer")
    edges: Edges = [
        ("dqv:isMeasurementOf", [node("dqv:Metric", [], Iri(PIVEAU + one.metric))]),
        ("dqv:value", [value]),
        ("dct:date", [date(dataset.measured)]),
    ]
    return node("dqv:QualityMeasurement", edges)
