"""The page `/mydata/secondary`: kinds of secondary use with the count of who stopped each, for everybody; and for the
person concerned a plain form to stop it or let it go on.
"""

from __future__ import annotations

from typing import Final

from banyan.errors import Invalid
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, View
from banyan.service.mydata.faces import PRIVATE, number_of
from banyan.service.mydata.pages import PEOPLE
from banyan.service.mydata.pages import TITLE as MINE
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.uses import Nothing

TITLE: Final = {"zh-Hant": "停止目的外利用", "en": "Stop secondary use of my data"}
PAGE: Final = "/mydata/secondary"
ACTS: Final = {"stop": "mydata.stop_secondary", "allow": "mydata.allow_secondary"}


@SERVICE.page("GET", path=PAGE, title=TITLE)
async def page(request: FaceRequest) -> View:
    title = TITLE[request.lang]
    is_known = request.caller.kind in PEOPLE
    counts = await request.call("mydata.opt_outs", Nothing())
    values = {
        "is_known": is_known,
        "counts": counts,
        "kinds": await request.call("mydata.secondary_uses", Nothing()) if is_known else (),
        "crumbs": ({"title": MINE[request.lang], "path": "/mydata"}, {"title": title, "path": ""}),
    }
    return View("mydata/secondary.html", values, title=title, headers=PRIVATE)


@SERVICE.page("POST", path=PAGE, rate="write")
async def decide(request: FaceRequest) -> View:
    """One word on one kind. Raises what the operation raises."""
    form = await request.form()
    operation = ACTS.get(form.get("do"))
    if operation is None:
        raise Invalid.at("do", f"one of {', '.join(ACTS)}")
    await request.call(operation, {"kind": form.get("kind")})
    return View("", {}, redirect=PAGE, headers=PRIVATE)


@SERVICE.face("GET", path=f"{PAGE}/{{index}}", channel="web")
async def receipt(request: FaceRequest) -> FaceAnswer:
    """The proof of one's own word, as the file that `./banyan verify` takes."""
    found = await request.call("mydata.opt_out_receipt", {"index": number_of(request.params["index"])})
    name = f'attachment; filename="word-{found.index}.tlog-proof"'
    headers = (("Content-Disposition", name), *PRIVATE)
    return FaceAnswer(found.receipt.encode(), media_type="text/plain; charset=utf-8", headers=headers)
