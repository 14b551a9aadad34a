"""Quality: the board of all agencies, and the report of one dataset with what to mend first."""

from __future__ import annotations

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.pages.addresses import dataset_path
from banyan.service.opendata.pages.dataset import entry_of
from banyan.service.opendata.pages.saying import Crumb, titled
from banyan.service.opendata.quality.operations import BoardQuery, QualityQuery
from banyan.service.opendata.service import SERVICE

BOARD = {"zh-Hant": "資料品質", "en": "Data quality"}
REPORT = {"zh-Hant": "品質報告", "en": "Quality report"}


@SERVICE.page("GET", path="/quality", title=BOARD, menu=4)
async def board(request: FaceRequest) -> View:
    """How each agency's datasets stand, the commonest problems, and what needs work most."""
    found = await request.call("opendata.quality_board", BoardQuery())
    values = {"board": found, "crumbs": (Crumb(BOARD[request.lang]),)}
    return View("opendata/quality_board.html", values, title=BOARD[request.lang])


@SERVICE.page("GET", path="/dataset/{name}/quality")
async def report(request: FaceRequest) -> View:
    """The seven indicators, the MQA score and the content checks of one dataset, with evidence and advice."""
    entry = await entry_of(request)
    found = await request.call("opendata.quality", QualityQuery(entry.dataset.name))
    lang = request.lang
    values = {
        "report": found,
        "dataset": entry.dataset,
        "path": dataset_path(entry.dataset.name),
        "crumbs": (
            Crumb({"zh-Hant": "資料集", "en": "Datasets"}[lang], "/dataset"),
            Crumb(titled(entry.dataset, lang), dataset_path(entry.dataset.name)),
            Crumb(REPORT[lang]),
        ),
    }
    return View("opendata/quality.html", values, title=f"{REPORT[lang]} – {titled(entry.dataset, lang)}")
