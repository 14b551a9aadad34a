"""Kiosk mode: a public screen that anybody walks up to. `?kiosk=1` on any page begins it, `?kiosk=0` ends it."""

from __future__ import annotations

from banyan.channel.web.links import query_of
from banyan.kernel.catalogue import FaceRequest

COOKIE = "kiosk"
COOKIE_TIME_S = 400 * 86_400
"""The longest a browser keeps one: a screen on a wall is set up once. Source: RFC 6265bis s5.5."""
IDLE_S = 90
"""Seconds without a touch before the screen asks whether anybody is there."""
WARNING_S = 30
"""Seconds to answer before it starts anew; WCAG 2.2 s2.2.1 asks for at least 20."""


def is_kiosk(request: FaceRequest) -> bool:
    """As the address asks, else as this browser was set up."""
    asked = _asked(request)
    return asked == "1" if asked else request.cookie(COOKIE) == "1"


def kiosk_headers(request: FaceRequest) -> tuple[tuple[str, str], ...]:
    """The cookie that keeps what the address asks; nothing when it asks nothing."""
    asked = _asked(request)
    if not asked:
        return ()
    secure = "; Secure" if request.base_url.startswith("https:") else ""
    age_s = COOKIE_TIME_S if asked == "1" else 0
    return (("Set-Cookie", f"{COOKIE}={asked}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"),)


def _asked(request: FaceRequest) -> str:
    return next((value for name, value in query_of(request) if name == COOKIE and value in ("0", "1")), "")
