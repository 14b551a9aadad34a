"""Downloads for everybody: emergency uses a day as CSV, and the receipt of what was destroyed when an order ended."""

from __future__ import annotations

import csv
import io

from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.service.powers.reviewing import Nothing
from banyan.service.powers.service import SERVICE

COLUMNS = ("order", "agency", "day", "uses")


@SERVICE.face("GET", path="/powers/uses.csv", rate="read")
async def uses(request: FaceRequest) -> FaceAnswer:
    """As `powers.emergency_counts` answers: an empty cell is a count too small to be published."""
    found = await request.call("powers.emergency_counts", Nothing())
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\r\n")
    sheet.writerow(COLUMNS)
    sheet.writerows([one.order, one.agency, one.day, "" if one.uses is None else one.uses] for one in found.cells)
    headers = (("Content-Disposition", 'attachment; filename="emergency-uses.csv"'),)
    return FaceAnswer(text.getvalue().encode(), media_type="text/csv; charset=utf-8", headers=headers)


@SERVICE.face("GET", path="/powers/orders/{id}/receipt", channel="web")
async def receipt(request: FaceRequest) -> FaceAnswer:
    """The file that `./banyan verify` takes."""
    found = await request.call("powers.deletion_receipt", {"id": request.params["id"]})
    headers = (("Content-Disposition", f'attachment; filename="{found.order}.tlog-proof"'),)
    return FaceAnswer(found.receipt.encode(), media_type="text/plain; charset=utf-8", headers=headers)
