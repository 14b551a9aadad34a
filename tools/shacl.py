"""Validate a DCAT file with the DCAT-AP 3.0.1 shapes: `.venv-peers/bin/python tools/shacl.py FILE --shapes DIR`.

Prints each result on its own line, then one JSON object: violations of shapes.ttl and range.ttl, warnings of
shapes_recommended.ttl. Exit status 1 when there is a violation. Runs in the peers' environment.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pyshacl
import rdflib

FORMATS = {".ttl": "turtle", ".jsonld": "json-ld", ".rdf": "xml"}
FILES = {"shapes": "shapes.ttl", "range": "range.ttl", "recommended": "shapes_recommended.ttl"}
SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")


def shapes(path: Path) -> rdflib.Graph:
    """The shapes without `owl:imports`, which would be fetched."""
    graph = rdflib.Graph().parse(path, format="turtle")
    graph.remove((None, rdflib.OWL.imports, None))
    return graph


def results(data: rdflib.Graph, path: Path) -> list[str]:
    _, report, _ = pyshacl.validate(data, shacl_graph=shapes(path), advanced=True, allow_warnings=False)
    found = []
    for one in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        parts = [report.value(one, name) for name in (SH.resultSeverity, SH.focusNode, SH.resultPath, SH.resultMessage)]
        found.append(" ".join(str(part) for part in parts)[:300])
    return sorted(found)


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--shapes", type=Path, required=True)
    options = parser.parse_args()
    data = rdflib.Graph().parse(options.file, format=FORMATS[options.file.suffix])
    counts = {}
    for name, filename in FILES.items():
        found = results(data, options.shapes / filename)
        print(*(f"{name}: {line}" for line in found), sep="\n", end="\n" if found else "")
        counts[name] = len(found)
    print(json.dumps(counts))
    return 1 if counts["shapes"] or counts["range"] else 0


sys.exit(run())
