"""Routes of pages and of what they send."""

from trackback.entities import Permission
from trackback.server.raw import Raw
from trackback.server.routing import Route
from trackback.server.ui.frame.rendering import Page


def shows(path: str, page: Page, permission: Permission = Permission.READ) -> Route:
    """A page, a part of one, or data for one."""
    return Route("GET", path, permission, Raw(page), is_page=True)


def acts(path: str, action: Page, permission: Permission) -> Route:
    """What a form is sent to: see ``forms.action``."""
    return Route("POST", path, permission, Raw(action), is_page=True)
