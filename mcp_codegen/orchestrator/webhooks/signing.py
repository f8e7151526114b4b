"""Signatures by Standard Webhooks 1.0, with secrets that live in the environment and nowhere else.

The database holds the name of a variable. Its value is one secret, or two while the secret is being changed, the new
one first, with a space between them: what is sent is signed with each.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from mcp_codegen.orchestrator.errors import UserError, shown

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, as the standard has it."""
MOST = 2
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

_VARIABLE = re.compile(r"WEBHOOK_SECRET[A-Z0-9_]{0,80}")


def new_secret() -> str:
    """A secret: 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check_variable(name: str) -> str:
    """The name of a variable that may hold a secret. Raises UserError.

    Not any name: whoever may subscribe could have other secrets of the environment used as keys.
    """
    if not _VARIABLE.fullmatch(name):
        raise UserError(
            f"{shown(name)} cannot name a webhook's secret",
            hint="name a variable WEBHOOK_SECRET or WEBHOOK_SECRET_…, in capitals, digits and _",
        )
    return name


def secrets_of(name: str, environ: Mapping[str, str]) -> Sequence[str]:
    """The secrets that a variable holds. Raises UserError, which does not quote them."""
    given = environ.get(name, "").split()
    if not given:
        raise UserError(
            f"the environment variable {name} is not set",
            hint="set it where webhooks are delivered, and start that anew",
        )
    if len(given) > MOST or not all(map(_is_secret, given)):
        raise UserError(
            f"the environment variable {name} holds no secret of a webhook",
            hint=f"{PREFIX} and the base64 of {SHORTEST} to {LONGEST} bytes; two with a space between while it changes",
        )
    return given


def headers(event: str, payload: str, keys: Sequence[str], moment: datetime | None = None) -> dict[str, str]:
    """The headers that say which event it is, when it is sent, and that we sent it."""
    moment = moment or datetime.now(UTC)
    signatures = [Webhook(key).sign(event, moment, payload) for key in keys]
    return dict(zip(HEADERS, (event, str(int(moment.timestamp())), " ".join(signatures)), strict=True))


def _is_secret(text: str) -> bool:
    try:
        return text.startswith(PREFIX) and (
            SHORTEST <= len(base64.b64decode(text.removeprefix(PREFIX), validate=True)) <= LONGEST
        )
    except (binascii.Error, ValueError):
        return False
