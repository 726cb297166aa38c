"""Where a source is and how to log in there: parsed once from an address; its password never stands in what is shown, said or logged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from bihuan.collect.imports.errors import ImportProblem

Kind = Literal["sql", "clickhouse", "s3", "http"]
SCHEMES: dict[str, Kind] = {
    **dict.fromkeys(("postgresql", "postgres", "mysql", "mariadb", "sqlite"), "sql"),
    **dict.fromkeys(("clickhouse", "clickhouses"), "clickhouse"),
    "s3": "s3",
    **dict.fromkeys(("http", "https"), "http"),
}
SECRET_OPTIONS = frozenset({"secret", "password", "passwd", "token", "sslpassword", "session_token"})


@dataclass(frozen=True)
class Address:
    """`place` is the address without a password; `secret` holds `password` (of a log-in, or the secret key of S3) and, of the web,
    `headers` as text, a line for each."""

    place: str
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> Kind:
        """What is there. Raises ImportProblem when the scheme is none of ours."""
        scheme = urlsplit(self.place).scheme.partition("+")[0].lower()
        if scheme not in SCHEMES:
            raise ImportProblem("“{scheme}” is no source: an address begins with one of {known}.", scheme=scheme, known=", ".join(SCHEMES))
        return SCHEMES[scheme]

    @property
    def password(self) -> str:
        return self.secret.get("password", "")

    def url(self) -> str:
        """The whole address, with the password: for a driver, never for people."""
        parts = urlsplit(self.place)
        if not self.password or not parts.hostname:
            return self.place
        log_in = f"{parts.username or ''}:{quote(self.password, safe='')}@"
        return urlunsplit(parts._replace(netloc=log_in + parts.netloc.rpartition("@")[2]))

    def options(self) -> dict[str, str]:
        """What stands behind the question mark."""
        return dict(parse_qsl(urlsplit(self.place).query))

    def without_secret(self, text: str) -> str:
        """A text, such as a driver's error, in which no secret of ours stands."""
        for secret in sorted(filter(None, self._secrets()), key=len, reverse=True):
            for form in {secret, quote(secret, safe=""), quote(secret)}:
                text = text.replace(form, "***")
        return re.sub(r"(//[^/\s:@]*):[^/\s@]+@", r"\1:***@", text)

    def _secrets(self) -> Iterator[str]:
        yield self.password
        for line in self.secret.get("headers", "").splitlines():
            yield line.partition(":")[2].strip()


def parse_address(text: str, password: str = "") -> Address:
    """An address as somebody wrote it; a password in it is taken out. Raises ImportProblem."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        found = unquote(parts.password or "")
        host = parts.netloc.rpartition("@")[2]
        _ = parts.port
    except ValueError as error:
        raise ImportProblem("This is not an address: {why}.", why=error) from error
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    hidden = dict(pair for pair in pairs if pair[0].lower() in SECRET_OPTIONS)
    query = urlencode([pair for pair in pairs if pair[0].lower() not in SECRET_OPTIONS])
    netloc = f"{parts.username}@{host}" if parts.username else host
    place = urlunsplit(parts._replace(netloc=netloc, query=query)) if parts.scheme != "sqlite" else text
    secret = password or found or next(iter(hidden.values()), "")
    address = Address(place, {"password": secret} if secret else {})
    _ = address.kind
    return address


@contextmanager
def explained(address: Address, *expected: type[BaseException]) -> Iterator[None]:
    """Turn the errors of a driver into a problem that says what the source said, without secrets."""
    try:
        yield
    except ImportProblem:
        raise
    except expected as error:
        text = " ".join(address.without_secret(str(getattr(error, "orig", None) or error)).split())[:500]
        raise SourceProblem("The source {place} says: {why}", place=address.place, why=text) from None


class SourceProblem(ImportProblem):
    """The source did not do what it was asked; it may do so later."""
