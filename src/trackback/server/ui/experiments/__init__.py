"""Experiments, and the runs of one as a table."""

from trackback.server.ui.experiments import actions, pages

ROUTES = [*pages.ROUTES, *actions.ROUTES]
