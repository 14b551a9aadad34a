"""The identity service: the faces and pages of the OpenID Provider in `kernel/identity/openid`.

Each part registers its operations, faces and pages on SERVICE; `parts.py` imports them all.
"""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "openid", title={"zh-Hant": "身分與登入", "en": "Identity and signing in"}, package="banyan.service.identity"
)
