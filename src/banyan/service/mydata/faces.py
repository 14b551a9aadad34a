"""Downloads: the receipt of a use of one's own data, as the file that `./banyan verify` takes."""

from __future__ import annotations

from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.service.mydata.service import SERVICE

PRIVATE = (("Cache-Control", "no-store"),)


@SERVICE.face("GET", path="/mydata/receipt/{index}", channel="web")
async def receipt(request: FaceRequest) -> FaceAnswer:
    """Only the subject's own: the operation looks at who asks, and knows nobody else's."""
    found = await request.call("mydata.receipt", {"index": number_of(request.params["index"])})
    name = f'attachment; filename="use-{found.index}.tlog-proof"'
    headers = (("Content-Disposition", name), *PRIVATE)
    return FaceAnswer(found.receipt.encode(), media_type="text/plain; charset=utf-8", headers=headers)


@SERVICE.face("GET", path="/mydata/history", channel="web")
async def history(request: FaceRequest) -> FaceAnswer:
    """The whole list with the proof that it is whole."""
    found = await request.call("mydata.history", {})
    headers = (("Content-Disposition", 'attachment; filename="my-uses.json"'), *PRIVATE)
    return FaceAnswer(found.file.encode(), media_type="application/json", headers=headers)


def number_of(text: str) -> int:
    """An index in an address; one that is none names no entry."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 2**53
