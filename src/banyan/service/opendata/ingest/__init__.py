"""Read any real file into one typed Parquet table a sheet, member or document, listing every guess."""

from banyan.service.opendata.ingest.explain import explain
from banyan.service.opendata.ingest.options import Cancelled, Options, Progress, Table, Watch
from banyan.service.opendata.ingest.pipeline import ingest
from banyan.service.opendata.ingest.refusal import messages

__all__ = ["Cancelled", "Options", "Progress", "Table", "Watch", "explain", "ingest", "messages"]
