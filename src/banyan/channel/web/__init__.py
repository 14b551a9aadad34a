"""The web channel: the portal's pages, forms and front-end files."""

from banyan.channel.web.build import build_portal
from banyan.channel.web.portal import Notice, Portal, Site

__all__ = ["Notice", "Portal", "Site", "build_portal"]
