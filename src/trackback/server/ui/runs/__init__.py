"""One run."""

from trackback.server.ui.runs import actions, pages

ROUTES = [*pages.ROUTES, *actions.ROUTES]
