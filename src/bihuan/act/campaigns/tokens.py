"""The tokens in a message's links: which delivery it is, signed, so that nobody can guess another person's."""

from __future__ import annotations

import base64
import hashlib
import hmac

from bihuan.engine.config import Config

SECRET = "message-links"  # noqa: S105


def sign(config: Config, delivery: int) -> str:
    """The token of a delivery."""
    return f"{delivery}-{_mac(config, str(delivery))}"


def delivery_of(config: Config, token: str) -> int | None:
    """The delivery of a token; None when we did not sign it."""
    number, _, mac = token.partition("-")
    if not number.isascii() or not number.isdecimal() or len(number) > 18:
        return None
    return int(number) if hmac.compare_digest(mac.encode(), _mac(config, number).encode()) else None


def _mac(config: Config, text: str) -> str:
    digest = hmac.new(config.secret(SECRET).encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:15]).decode()
