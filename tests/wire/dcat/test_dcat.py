"""Our RDF read back by rdflib: the three syntaxes say the same, whatever the text."""

from __future__ import annotations

import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import rdflib
    import rdflib.compare

from tests.wire.dcat import catalogue as made

from banyan.wire import dcat
from banyan.wire.dcat.terms import iri

FORMATS = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml"}
DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
DCT = rdflib.Namespace("http://purl.org/dc/terms/")


def a_page(syntax: dcat.Syntax, *datasets: dcat.Dataset) -> bytes:
    paging = made.a_paging(len(datasets))
    return b"".join(made.a_page(syntax, list(datasets), paging))


def read(syntax: str, body: bytes) -> rdflib.Graph:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rdflib.Graph().parse(data=body, format=FORMATS[syntax])


def canonical(graph: rdflib.Graph) -> set[str]:
    text = rdflib.compare.to_canonical_graph(graph).serialize(format="nt")
    return set(text.splitlines())


def test_the_three_syntaxes_say_the_same() -> None:
    datasets = [made.a_dataset("mask"), made.a_dataset("pharmacy", "藥局 <b>&\"'\\ \n第二行")]
    graphs = [canonical(read(syntax, a_page(syntax, *datasets))) for syntax in FORMATS]
    assert len(graphs[0]) > 150
    assert graphs[0] == graphs[1] == graphs[2]


@settings(max_examples=40, deadline=None)
@given(text=st.text(min_size=1, max_size=80), link=st.text(max_size=30))
def test_any_text_survives_every_syntax(text: str, link: str) -> None:
    base = made.a_dataset("x", text, keyword=text)
    one = made.a_distribution("x")
    dataset = dcat.Dataset(
        **{
            **{field: getattr(base, field) for field in base.__struct_fields__},
            "distributions": (
                dcat.Distribution(
                    iri=one.iri, title={"en": text}, access_url=one.access_url, download_url="https://e.tw/" + link
                ),
            ),
        }
    )
    graphs = [read(syntax, dcat.dataset_bytes(syntax, made.CATALOG, dataset)) for syntax in FORMATS]
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    for graph in graphs:
        (title,) = [found for found in graph.objects(rdflib.URIRef(base.iri), DCT.title) if found.language == "zh-Hant"]
        assert len(str(title)) == len(expected)
    assert canonical(graphs[0]) == canonical(graphs[1]) == canonical(graphs[2])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("無", None),
        ("", None),
        ("javascript:alert(1)", None),
        ("https://data.example.tw/口罩 庫存.csv", "https://data.example.tw/口罩%20庫存.csv"),
        ('https://e.tw/a"b<c>', "https://e.tw/a%22b%3Cc%3E"),
        ("mailto:a@b.tw", "mailto:a@b.tw"),
    ],
)
def test_an_address_is_safe_or_absent(text: str, expected: str | None) -> None:
    found = iri(text)
    assert (found.iri if found else None) == expected


def test_pages_lead_to_each_other() -> None:
    paging = made.a_paging(250, page=2)
    body = b"".join(made.a_page("jsonld", [made.a_dataset()], paging))
    view = json.loads(body)["@graph"][0]
    assert view["hydra:next"] == {"@id": "https://data.example.tw/catalog.ttl?page=3"}
    assert view["hydra:previous"] == {"@id": "https://data.example.tw/catalog.ttl?page=1"}
    assert view["hydra:totalItems"]["@value"] == "250"
    last = b"".join(made.a_page("jsonld", [], made.a_paging(250, page=3)))
    assert "hydra:next" not in json.loads(last)["@graph"][0]


def test_a_geometry_states_its_reference_system() -> None:
    body = dcat.dataset_bytes("ttl", made.CATALOG, made.a_dataset()).decode()
    assert "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> POLYGON((120.0 22.0,121.5 22.0" in body


def test_shared_nodes_are_described_once() -> None:
    body = a_page("ttl", *[made.a_dataset(f"d{number}") for number in range(20)]).decode()
    assert body.count("a dct:LicenseDocument") == 1
