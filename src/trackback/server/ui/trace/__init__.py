"""Where something came from, and what it went into."""

from trackback.server.ui.trace import pages

ROUTES = pages.ROUTES
