"""GoCD: a promotion has it look at the material at once, and not at its next poll; after failures that may be an hour.

It answers 201, or 409 while it is looking anyhow. That look may have begun before the promotion, so that it is asked
again after 409, as after any answer that is no success. GoCD calls this API internal: its other calls don't reach
packages. https://api.gocd.org/current/
"""

import re

import msgspec

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.services.webhook_targets.interface import Happening, Message, Options, Target, no_url

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class GoCD(Target):
    required = ("api", "fingerprint")
    needs_credential = True

    def url(self, given: str, options: Options) -> str:
        no_url(given)
        fingerprint = options["fingerprint"]
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise InvalidParameter(
                f"Invalid fingerprint {shown(fingerprint)}: it must be the 64 hex digits that GoCD's API has for the "
                "material, at /go/api/config/materials. `trackback gocd init` finds it out."
            )
        server = options["api"].rstrip("/").removesuffix("/go")
        return f"{server}/go/api/internal/materials/{fingerprint}/trigger_update"

    def body(self, happening: Happening, options: Options) -> str:
        """For the history alone: GoCD is told which material, and asks what is new there itself."""
        promotion = {name: happening.data.get(name) for name in ("seq", "kind", "stream", "environment")}
        return msgspec.json.encode({"fingerprint": options["fingerprint"], "promotion": promotion}).decode()

    def message(self, body: str, credential: str) -> Message:
        return Message(
            b"",
            {
                "Accept": "application/vnd.go.cd.v1+json",
                "Authorization": f"Bearer {credential}",
                "X-GoCD-Confirm": "true",
            },
        )
