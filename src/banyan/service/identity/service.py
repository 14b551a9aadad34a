"""The identity service: the faces and pages of the OpenID Provider in `kernel/identity/openid`.

Each part registers its operations, faces and pages on SERVICE; `parts.py` imports them all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from banyan.kernel.catalogue.operation import Service, Text

SERVICE = Service(
    "openid", title={"zh-Hant": "身分與登入", "en": "Identity and signing in"}, package="banyan.service.identity"
)
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


def administrative(name: str, *, title: Text, summary: Text) -> Callable[[F], F]:
    """Declare an operation by which an administrator changes who and what is registered here."""
    return SERVICE.operation(
        name,
        title=title,
        summary=summary,
        data=("open",),
        audience="administrator",
        effect="write",
        purpose="administration",
        channels=("web", "api"),
    )
