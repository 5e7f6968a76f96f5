"""The API key to a Label Studio: which kind of token it is, and the HTTP header that is made from it.

A personal access token cannot be sent as it is: it is exchanged for an access token, which is valid for five minutes.
A legacy token is sent as it is, where the organization still allows it.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from legosigns_dagster.resources.label_studio.errors import LabelStudioError

EARLY_S = 30.0  # an access token is renewed this long before it ends: a slow export must not outlive it
DEFAULT_LIFETIME_S = 300.0  # of an access token that does not say when it ends


class TokenKind(StrEnum):
    """The kinds of token that a person may find in Label Studio, as they are named in messages."""

    PERSONAL = "personal access token"
    ACCESS = "access token"
    LEGACY = "legacy token"


ADVICE = {
    TokenKind.PERSONAL: "make a new one under Account & Settings > Personal Access Token",
    TokenKind.ACCESS: "it lives five minutes: give the personal access token that it was made from",
    TokenKind.LEGACY: "legacy tokens are off by default: give a personal access token (Account & Settings), or let the "
    "organization's owner switch them on",
}


def token_claims(token: str) -> dict[str, object]:
    """Read what a JSON Web Token says about itself. The signature is not verified.

    Returns:
        The claims by name, empty for a text that is no JSON Web Token.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def token_kind(token: str) -> TokenKind:
    """Tell the kind of a token by its form: all but legacy tokens are JSON Web Tokens.

    Example:
        >>> print(token_kind("0123456789abcdef0123456789abcdef01234567"))
        legacy token
        >>> claims = base64.urlsafe_b64encode(b'{"token_type": "refresh"}').decode()
        >>> print(token_kind(f"header.{claims}.signature"))
        personal access token
    """
    claims = token_claims(token)
    if not claims:
        return TokenKind.LEGACY
    return TokenKind.ACCESS if claims.get("token_type") == "access" else TokenKind.PERSONAL


@dataclass
class ApiKey:
    """An API key as a person gave it. Its secrets are not in its `repr`. Safe for threads.

    Raises:
        LabelStudioError: The key cannot be sent in a header.

    Attributes:
        value: The token itself, a secret. White space around it is removed.
        exchange: Asks the server for an access token in exchange for a personal access token.
        clock: The time now, in seconds since 1970.
    """

    value: str = field(repr=False)
    exchange: Callable[[str], str]
    clock: Callable[[], float] = time.time
    _access_token: str = field(default="", repr=False)
    _ends_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.value = self.value.strip()
        if re.search(r"[^ -~]", self.value):
            raise LabelStudioError(
                "LABEL_STUDIO_API_KEY has a line break or a character that is not ASCII in it: copy it again"
            )

    @property
    def kind(self) -> TokenKind:
        """The kind of token that the key is."""
        return token_kind(self.value)

    def header(self, renew: bool = False) -> dict[str, str]:
        """Make the header that authorizes a request. A personal access token is exchanged first where it has to be.

        Args:
            renew: Exchange it again, even if the current access token should still be valid.
        """
        if self.kind == TokenKind.LEGACY:
            return {"Authorization": f"Token {self.value}"}
        if self.kind == TokenKind.ACCESS:
            return {"Authorization": f"Bearer {self.value}"}
        with self._lock:
            if renew or self.clock() > self._ends_s - EARLY_S:
                self._access_token = self.exchange(self.value)
                ends_s = token_claims(self._access_token).get("exp", self.clock() + DEFAULT_LIFETIME_S)
                self._ends_s = float(str(ends_s))
            return {"Authorization": f"Bearer {self._access_token}"}

    def secrets(self) -> tuple[str, str]:
        """The texts that no error may show."""
        return self.value, self._access_token

    def refusal_message(self, detail: str) -> str:
        """Explain that the server refused this key, and what to do. The key itself is not in the message."""
        return f"the {self.kind} in LABEL_STUDIO_API_KEY was refused ({detail}): {ADVICE[self.kind]}"
