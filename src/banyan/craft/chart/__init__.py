"""Charts as SVG made on the server: they print, need no script, and read aloud."""

from banyan.craft.chart.drawing import Chart, ChartKind, Series, alone, draw
from banyan.craft.chart.scale import bins_of, spoken, ticks_of

__all__ = ["Chart", "ChartKind", "Series", "alone", "bins_of", "draw", "spoken", "ticks_of"]
