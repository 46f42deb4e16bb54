"""Models: those that were logged, and those that are registered, with their versions."""

from trackback.server.ui.models import logged_model_pages, registry_actions, registry_pages, version_pages

ROUTES = [*logged_model_pages.ROUTES, *registry_actions.ROUTES, *registry_pages.ROUTES, *version_pages.ROUTES]
