"""The pages `/mydata` and `/mydata/consents/{id}`: one's own uses and consents, and each word about them as a form that
works without script. Who is not signed in sees where to sign in, and nothing else.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue import FaceRequest, View
from banyan.kernel.exchange.security import PAGE_HEADERS
from banyan.service.mydata.asking import Named
from banyan.service.mydata.consenting import ALIVE, OwnConsent
from banyan.service.mydata.faces import PRIVATE
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import said
from banyan.service.mydata.uses import Nothing

TITLE: Final = {"zh-Hant": "我的資料", "en": "My data"}
WORD: Final = {"zh-Hant": "要求您同意", "en": "You are asked to consent"}
ACTS: Final = ("refuse", "pause", "resume", "extend", "withdraw")
BACK: Final = re.compile(r"/openid/ask/[A-Za-z0-9_-]{43}")
"""The one place besides its own that the page leads on to: the app's request that the person came from."""
POLICY: Final = dict(PAGE_HEADERS)[b"content-security-policy"].decode("latin-1")
Headers = tuple[tuple[str, str], ...]
PEOPLE: Final = ("citizen", "representative")


@SERVICE.page("GET", path="/mydata", title=TITLE)
async def page(request: FaceRequest) -> View:
    """Everything here can be had by the operations too."""
    title = TITLE[request.lang]
    if request.caller.kind not in PEOPLE:
        values = {"is_known": False, "crumbs": ({"title": title, "path": ""},)}
        return View("mydata/page.html", values, title=title, headers=PRIVATE)
    uses, consents = await asyncio.gather(
        request.call("mydata.uses", Nothing()), request.call("mydata.consents", Nothing())
    )
    values = {
        "is_known": True,
        "uses": uses,
        "names": {one.id: one.recipient_name for one in consents},
        "waiting": [one for one in consents if one.state == "requested"],
        "alive": [one for one in consents if one.state in ALIVE and one.state != "requested"],
        "over": [one for one in consents if one.state not in ALIVE],
        "crumbs": ({"title": title, "path": ""},),
    }
    return View("mydata/page.html", values, title=title, headers=PRIVATE)


@SERVICE.page("GET", path="/mydata/consents/{id}")
async def consent(request: FaceRequest) -> View:
    """The request, with the values it is about. It works once: after that the page says how the consent stands."""
    one, wanted = await _own(request), dict(request.query).get("next", "")
    next_ = wanted if BACK.fullmatch(wanted) else ""
    preview = await request.call("mydata.preview", Named(one.id)) if one.state == "requested" else None
    title = WORD[request.lang] if preview else one.recipient_name[request.lang]
    values = {
        "one": one,
        "preview": preview,
        "next": next_,
        "crumbs": ({"title": TITLE[request.lang], "path": "/mydata"}, {"title": title, "path": ""}),
    }
    headers = (*PRIVATE, *await _leading(request, next_)) if preview else PRIVATE
    return View("mydata/consent.html", values, title=title, headers=headers)


@SERVICE.page("POST", path="/mydata/consents/{id}", rate="write")
async def decide(request: FaceRequest) -> View:
    """One word about a consent. Raises what the operation raises; the door says it in the reader's language."""
    form = await request.form()
    act, id = form.get("do"), request.params["id"]
    if act == "give":
        chosen = tuple(value for name, value in form.fields if name == "field")
        await request.call("mydata.give", {"consent": id, "fields": chosen})
    elif act in ACTS:
        await request.call(f"mydata.{act}", {"consent": id})
    else:
        raise Invalid.at("do", f"one of give, {', '.join(ACTS)}")
    next_ = form.get("next")
    return View("", {}, redirect=next_ if BACK.fullmatch(next_) else "/mydata", headers=PRIVATE)


async def _leading(request: FaceRequest, next_: str) -> Headers:
    """The pages' policy, with the app's origin, which the form's answer leads on to (CSP3 `form-action`)."""
    if not next_:
        return ()
    found = await request.call("openid.leads_to", {"name": next_.rpartition("/")[2]})
    policy = POLICY.replace("form-action 'self'", f"form-action 'self' {found.origin}")
    return (("Content-Security-Policy", policy),) if found.origin else ()


async def _own(request: FaceRequest) -> OwnConsent:
    found: tuple[OwnConsent, ...] = await request.call("mydata.consents", Nothing())
    one = next((one for one in found if one.id == request.params["id"]), None)
    if one is None:
        raise NotFound(said("no_consent"), remedy=said("no_consent_remedy"))
    return one
