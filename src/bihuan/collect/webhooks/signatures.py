"""Whether a delivery was made by who knows the secret, and lately."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

from bihuan.collect.webhooks.spec import Signature


class Forged(Exception):
    """The delivery is not believed; `code` is short, `str()` says what to check. Never says what would have been right."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def verify(
    signature: Signature,
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    given: str = "",
    delivery: str = "",
) -> None:
    """Raise Forged unless one of `secrets` proves the delivery. `given` is the secret of the address, `now` in seconds,
    `headers` by small names, `delivery` the id of the delivery."""
    if not secrets:
        raise Forged("no_secret", "This webhook has no secret yet: make one on its page.")
    if signature.method == "address":
        _one_of((given.encode(),), [secret.encode() for secret in secrets], "The secret at the end of the address is not right.")
        return
    text = headers.get(signature.header.lower(), "").strip()
    if not text:
        raise Forged("no_signature", f"The header {signature.header} is missing.")
    if signature.method == "token":
        _one_of((_without(signature.prefix, text).encode(),), [secret.encode() for secret in secrets], _wrong(signature))
        return
    timestamp, offered = _parts(signature, text, headers)
    message = _message(signature.signed, timestamp, delivery, body)
    digests = [_digest(signature, secret, message) for secret in secrets]
    _one_of((one.encode() for one in offered), [digest.encode() for digest in digests], _wrong(signature))
    _lately(signature, timestamp, now)


def sign(signature: Signature, secret: str, body: bytes, *, timestamp: str = "", delivery: str = "") -> str:
    """The header's value that the sender would send: for trying out, and for tests."""
    if signature.method == "token":
        return signature.prefix + secret
    digest = _digest(signature, secret, _message(signature.signed, timestamp, delivery, body))
    return f"t={timestamp},v1={digest}" if signature.form == "list" else signature.prefix + digest


def _parts(signature: Signature, text: str, headers: Mapping[str, str]) -> tuple[str, list[str]]:
    """The time and the signatures that the headers hold: several while a sender changes its secret."""
    if signature.form == "list":
        pairs = [part.strip().partition("=") for part in text.split(",")]
        times = [value for name, _, value in pairs if name == "t"]
        return times[0] if times else "", [value for name, _, value in pairs if name == "v1"]
    timestamp = headers.get(signature.timestamp_header.lower(), "").strip() if signature.timestamp_header else ""
    return timestamp, [_without(signature.prefix, one) for one in text.split(" ") if one.startswith(signature.prefix)]


def _message(signed: str, timestamp: str, delivery: str, body: bytes) -> bytes:
    head, _, tail = signed.partition("{body}")
    filled = [part.replace("{timestamp}", timestamp).replace("{id}", delivery).encode(errors="replace") for part in (head, tail)]
    return filled[0] + body + filled[1]


def _digest(signature: Signature, secret: str, message: bytes) -> str:
    key = secret.encode()
    if signature.key == "base64":
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"))
        except (binascii.Error, ValueError):
            raise Forged("bad_secret", "The secret of this webhook is not base64, as its definition says.") from None
    made = hmac.new(key, message, getattr(hashlib, signature.hash))
    return made.hexdigest() if signature.encoding == "hex" else base64.b64encode(made.digest()).decode()


def _one_of(offered: Iterable[bytes], right: Sequence[bytes], otherwise: str) -> None:
    matches = [hmac.compare_digest(one, secret) for one in offered for secret in right]  # all of them, so that time tells nothing
    if True not in matches:
        raise Forged("bad_signature", otherwise)


def _lately(signature: Signature, timestamp: str, now: float) -> None:
    if "{timestamp}" not in signature.signed:
        return
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 14):
        raise Forged("no_timestamp", "The time that is signed must be a number of seconds since 1970.")
    away = abs(now - int(timestamp) / (1 if len(timestamp) < 12 else 1000))
    if away > signature.tolerance:
        raise Forged(
            "too_old", f"The signed time is {away:.0f} seconds away from now; at most {signature.tolerance} are allowed. Check both clocks."
        )


def _without(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


def _wrong(signature: Signature) -> str:
    return (
        f"The header {signature.header} does not fit the secret and the body. Check that both sides have the same secret, and that nothing "
        "between them changes the body."
    )
