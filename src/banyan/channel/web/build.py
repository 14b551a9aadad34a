"""Put the portal together: its own pages beside those of the node's services."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from banyan.channel.web.assets import Assets
from banyan.channel.web.house import add_house_pages
from banyan.channel.web.operations import add_operation_pages
from banyan.channel.web.portal import Portal, Site, brand_of
from banyan.channel.web.session import add_session_page
from banyan.kernel.catalogue import Catalogue, Service


def build_portal(services: Sequence[Service], *, site: Site, web: Path) -> Portal:
    """The portal over `services`. `web` is the folder of front-end files; pages work without it.

    Give `portal.services` to the catalogue of the door, and `portal.render` to the door.
    """
    own = Service("web", title={"zh-Hant": "入口網站", "en": "Portal"}, package="banyan.channel.web")
    assets = Assets(web)
    own.face("GET", "HEAD", path="/assets/{file*}")(assets.serve)
    add_session_page(own)
    operations = add_operation_pages(own, Catalogue(services))
    house = add_house_pages(own)
    portal = Portal(services, own=own, brand=brand_of(site), assets=assets)
    operations.words = portal.messages
    house.groups = portal.groups
    return portal
