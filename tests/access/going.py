"""Going on to another page by pressing something on this one.

Playwright's `click` and `press` come back as soon as the button is pressed: what a test asks next, it asks of the old
page where the machine is slow. So whatever leads to another page is pressed through here, or within
`page.expect_navigation()`; what a script does on the same page is waited for by its own sign, or by `expect`.
"""

from __future__ import annotations

from typing import Any


def pressed(page: Any, what: Any) -> None:
    """Press a button or link, by its selector or as a locator; the page that it leads to is there and loaded."""
    with page.expect_navigation():
        if isinstance(what, str):
            page.click(what)
        else:
            what.click()


def entered(page: Any) -> None:
    """Press Enter where the focus is; the page that it leads to is there and loaded."""
    with page.expect_navigation():
        page.keyboard.press("Enter")
