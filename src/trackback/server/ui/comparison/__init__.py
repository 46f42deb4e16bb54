"""Runs side by side."""

from trackback.server.ui.comparison import pages

ROUTES = pages.ROUTES
