"""Quality of open data: Taiwan's seven indicators, the EU's MQA, content checks; measured, explained, on a board."""

from banyan.service.opendata.quality import operations, schedule
from banyan.service.opendata.quality.before import look_before_publishing
from banyan.service.opendata.quality.explain import Advice, explain, lines
from banyan.service.opendata.quality.measure import measure
from banyan.service.opendata.quality.operations import Board, BoardQuery, QualityQuery, QualityReport

__all__ = [
    "Advice",
    "Board",
    "BoardQuery",
    "QualityQuery",
    "QualityReport",
    "explain",
    "lines",
    "look_before_publishing",
    "measure",
    "operations",
    "schedule",
]
