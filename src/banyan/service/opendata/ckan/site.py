"""Actions about the site itself: status, help, licences, and the lists that a site without user accounts has empty."""

from __future__ import annotations

from banyan.kernel.catalogue.messages import load_messages
from banyan.service.opendata.ckan.action import ACTIONS, Ask, action
from banyan.wire.ckan import licences
from banyan.wire.ckan.envelope import VERSION, Json, not_found

MESSAGES = load_messages("banyan.service.opendata.ckan")


@action("status_show", "網站狀態與版本。", "The site's state and version.")
async def status_show(ask: Ask) -> Json:
    lang = ask.request.lang
    return {
        "site_title": MESSAGES.text("site.title", lang),
        "site_description": MESSAGES.text("site.description", lang),
        "site_url": ask.site_url,
        "error_emails_to": "",
        "locale_default": "zh_Hant_TW",
        "extensions": ["datastore"],
        "ckan_version": VERSION,
    }


@action("help_show", "一個動作的說明。", "What an action does.", params="name")
async def help_show(ask: Ask) -> Json:
    reader = ask.reader()
    name = reader.required("name")
    reader.finish()
    found = ACTIONS.get(name)
    if found is None:
        raise not_found("Action not found")
    lines = [found.help["en"], found.help["zh-Hant"]]
    if found.params:
        lines += ["", *(f":param {param}:" for param in found.params.split())]
    return "\n".join(lines)


@action("license_list", "可用的授權條款。", "The licences a dataset may carry.")
async def license_list(ask: Ask) -> Json:
    return [licence.as_dict() for licence in licences.LICENCES.values()]


@action("vocabulary_list", "受控詞彙（本站沒有）。", "Tag vocabularies (this site has none).")
async def vocabulary_list(ask: Ask) -> Json:
    return []


@action("user_list", "使用者（不公開，一律為空）。", "Users (not public here: always empty).", params="q order_by")
async def user_list(ask: Ask) -> Json:
    return []


@action("resource_view_list", "資源檢視（本站沒有）。", "Resource views (this site has none).", params="id")
async def resource_view_list(ask: Ask) -> Json:
    return []
