"""The portal: turns a service's `View` into a whole page in the reader's language.

It knows no service by name: the menu, the site map and the forms come from what services declare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from markupsafe import Markup

from banyan.channel.web.assets import Assets
from banyan.channel.web.kiosk import IDLE_S, WARNING_S, is_kiosk, kiosk_headers
from banyan.channel.web.links import bare, in_language, query_of, with_query
from banyan.channel.web.templates import HTML_LANG, build_environment, gather_messages
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, Service, Text, View
from banyan.limits_identity import KIOSK_S

STYLES = ("base.css", "parts.css", "data.css")
SCRIPTS = ("htmx", "portal.js")


class Site(Protocol):
    """What the composition root says of this portal; `settings.Site` is one."""

    @property
    def title(self) -> str: ...
    @property
    def title_en(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def description_en(self) -> str: ...
    @property
    def publisher(self) -> str: ...
    @property
    def publisher_en(self) -> str: ...
    @property
    def contact_name(self) -> str: ...
    @property
    def contact_name_en(self) -> str: ...
    @property
    def contact_email(self) -> str: ...
    @property
    def contact_phone(self) -> str: ...


PEOPLE_SIGN_IN: Final = "/openid/login"
"""Where people sign in, when a service of this node has such a page; the administrator's token has `/session`."""


PUBLIC_SCREEN_END: Final = "/kiosk/end"
"""Where a person's session at a public screen ends, and with it what the screen shows."""


def _clearing(request: FaceRequest) -> tuple[tuple[str, str], ...]:
    """A public screen clears itself when the session on it is over (the server ends it then anyway): what was one
    person's must not stand there for the next. Essential, so without an extension (WCAG 2.2 s2.2.1)."""
    assisted = request.caller.assisted
    if assisted is None or assisted.place != "kiosk":
        return ()
    return (("Refresh", f"{KIOSK_S:.0f};url={in_language(PUBLIC_SCREEN_END, request.lang)}"),)


class Brand(msgspec.Struct, frozen=True):
    """What stands on the top and the foot of every page, in both languages."""

    title: Text
    description: Text
    publisher: Text
    contact_name: Text
    contact_email: str
    contact_phone: str


def brand_of(site: Site) -> Brand:
    """The portal's own words, paired by language."""
    return Brand(
        title={"zh-Hant": site.title, "en": site.title_en},
        description={"zh-Hant": site.description, "en": site.description_en},
        publisher={"zh-Hant": site.publisher, "en": site.publisher_en},
        contact_name={"zh-Hant": site.contact_name, "en": site.contact_name_en or site.contact_name},
        contact_email=site.contact_email,
        contact_phone=site.contact_phone,
    )


class Place(msgspec.Struct, frozen=True):
    """An entry of a menu or of the breadcrumbs."""

    title: Text
    path: str
    here: bool = False


class Notice(msgspec.Struct, frozen=True):
    """A line on top of every page until `until` (epoch seconds): what degree it is of, what happens, what to do."""

    degree: Text
    title: Text
    words: Text
    path: str
    until: float

    def is_shown(self, here: str, now: float) -> bool:
        """Not on the pages of its own service, which tell it better."""
        return now < self.until and not _under(here, self.path.rpartition("/")[0])


class Group(msgspec.Struct, frozen=True):
    """A service's pages that have a name. `path` is where it begins: its shortest address."""

    title: Text
    about: Text
    front: int
    path: str
    places: tuple[Place, ...]


def groups_of(services: Sequence[Service]) -> tuple[Group, ...]:
    """Of the services that have pages, in their order."""
    found = []
    for service in services:
        places = tuple(
            Place(page.title, page.path)
            for page in service.pages
            if page.title and "{" not in page.path and "GET" in page.methods
        )
        if places:
            first = min(places, key=lambda place: place.path.count("/") if place.path != "/" else 0)
            found.append(Group(service.title, service.about, service.front, first.path, places))
    return tuple(found)


class Portal:
    """Renders views of `services` with the layout. Its own `services` hold the channel's pages: for the door."""

    def __init__(self, services: Sequence[Service], *, own: Service, brand: Brand, assets: Assets) -> None:
        self.services = (own,)
        self.assets = assets
        self.notices: tuple[Notice, ...] = ()
        self.messages = gather_messages(services)
        self._brand = brand
        self._templates = build_environment(services, self.messages)
        pages = [page for service in (*services, own) for page in service.pages]
        self._signs_people_in = any(page.path == PEOPLE_SIGN_IN for page in pages)
        self._menu = sorted((page for page in pages if page.menu), key=lambda page: page.menu)
        self.groups = groups_of((*services, own))
        self._front = sorted((one for one in self.groups if one.front), key=lambda one: one.front)
        self._foot = (*(Place(one.title, one.path) for one in groups_of(services)), *groups_of((own,))[0].places)

    def render(self, request: FaceRequest, view: View) -> FaceAnswer:
        """The answer of a page. Views named `problem.html` are error pages; a redirect has no body."""
        if view.redirect:
            headers = (("Location", in_language(view.redirect, request.lang)), *view.headers)
            return FaceAnswer(b"", media_type="text/html; charset=utf-8", status=view.status or 303, headers=headers)
        html = self._templates.get_template(view.template).render(self._values(request, view))
        return FaceAnswer(
            html.encode(),
            media_type="text/html; charset=utf-8",
            status=view.status,
            headers=(*view.headers, *kiosk_headers(request), *_clearing(request)),
        )

    def _values(self, request: FaceRequest, view: View) -> dict[str, Any]:
        lang, path = request.lang, bare(request.path)
        other = "zh-Hant" if lang == "en" else "en"
        values, kiosk = dict(view.values), is_kiosk(request)
        return {
            "crumbs": (),
            "page_lead": "",
            "is_signed_in": False,
            "kiosk_home": PUBLIC_SCREEN_END if request.caller.assisted is not None else "/",
            "foot": self._foot,
            "notices": [one for one in self.notices if one.is_shown(path, request.now)],
            "front": self._front,
            "page_title": view.title,
            "status": view.status,
            "styles": (*STYLES, *values.pop("styles", ())),
            "scripts": (*SCRIPTS, *(("kiosk.js",) if kiosk else ()), *values.pop("scripts", ())),
            **values,
            **self._speech(lang),
            "lang": lang,
            "zh": Markup(' lang="zh-Hant-TW"') if lang == "en" else "",
            "html_lang": HTML_LANG[lang],
            "now": request.now,
            "visitor": request.caller,
            "people_sign_in": PEOPLE_SIGN_IN if self._signs_people_in else "",
            "sign_in_here": with_query(
                in_language(PEOPLE_SIGN_IN, lang), [("next", with_query(path, query_of(request)))]
            ),
            "csrf": request.csrf,
            "brand": self._brand,
            "here": path,
            "path_now": with_query(path, query_of(request)),
            "menu": [Place(page.title, page.path, here=_under(path, page.path)) for page in self._menu],
            "other_lang": HTML_LANG[other],
            "other_language": with_query(in_language(path, other), query_of(request)),
            "canonical": request.base_url + in_language(path, lang),
            "in_lang": lambda wanted: request.base_url + in_language(path, wanted),
            "kiosk": {"idle_s": IDLE_S, "warning_s": WARNING_S} if kiosk else None,
        }

    def _speech(self, lang: str) -> Mapping[str, Callable[..., str | bool]]:
        """The functions templates speak with, bound to the page's language."""

        def t(key: str, **values: object) -> str:
            return self.messages.text(key, lang, **values)

        def say(text: Text | str) -> str:
            return text if isinstance(text, str) else text.get(lang) or text.get("zh-Hant", "")

        return {
            "t": t,
            "say": say,
            "knows": self.messages.__contains__,
            "url": lambda path: in_language(path, lang),
            "asset": self.assets.url,
            "integrity": self.assets.integrity,
        }


def _under(path: str, place: str) -> bool:
    return path == place or (place != "/" and path.startswith(place + "/"))
