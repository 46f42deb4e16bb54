"""Accounts and signing in, the audit log, webhooks, and settings."""

from trackback.server.ui.administration import (
    account_actions,
    account_pages,
    audit_pages,
    login_pages,
    policy_pages,
    settings_pages,
    webhook_actions,
    webhook_pages,
)

ROUTES = [
    *audit_pages.ROUTES,
    *webhook_pages.ROUTES,
    *webhook_actions.ROUTES,
    *account_pages.ROUTES,
    *account_actions.ROUTES,
    *settings_pages.ROUTES,
    *policy_pages.ROUTES,
    *login_pages.ROUTES,
]
