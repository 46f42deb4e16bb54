"""Promotions, and what came of them: builds and deployments."""

from trackback.server.ui.delivery import deployment_pages, promotion_actions, promotion_pages

ROUTES = [*promotion_actions.ROUTES, *promotion_pages.ROUTES, *deployment_pages.ROUTES]
