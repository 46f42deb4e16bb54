"""The targets of webhooks: a file for each, which ``interface`` says the shape of."""

from trackback.entities import WebhookTarget
from trackback.services.webhook_targets.github import GitHub
from trackback.services.webhook_targets.gitlab import GitLab
from trackback.services.webhook_targets.gocd import GoCD
from trackback.services.webhook_targets.interface import Happening, Message, Options, Target
from trackback.services.webhook_targets.plain import Plain

__all__ = ["TARGETS", "Happening", "Message", "Options", "Target"]

TARGETS: dict[str, Target] = {
    WebhookTarget.PLAIN: Plain(),
    WebhookTarget.GITHUB: GitHub(),
    WebhookTarget.GITLAB: GitLab(),
    WebhookTarget.GOCD: GoCD(),
}
