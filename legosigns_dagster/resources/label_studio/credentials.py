"""The key to a Label Studio: which kind it is, and the header that it makes.

A personal access token is no header: it is exchanged for an access token that lives five minutes. A legacy token is
one, where the organization still allows it.
"""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PERSONAL, ACCESS, LEGACY = "personal access token", "access token", "legacy token"
EARLY_S = 30.0  # an access token is renewed this long before it ends: a slow export must not outlive it
WHAT_TO_DO = {
    PERSONAL: "make a new one under Account & Settings > Personal Access Token",
    ACCESS: "it lives five minutes: give the personal access token that it was made from",
    LEGACY: "legacy tokens are off by default: give a personal access token (Account & Settings), or let the "
    "organization's owner switch them on",
}


def claims_of(token: str) -> dict[str, object]:
    """What a JSON Web Token says of itself, unverified; empty for what is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def kind_of(key: str) -> str:
    """`PERSONAL`, `ACCESS` or `LEGACY`."""
    claims = claims_of(key)
    if not claims:
        return LEGACY
    return ACCESS if claims.get("token_type") == "access" else PERSONAL


@dataclass
class Key:
    """A key as it was given; `exchange` turns a personal access token into an access token."""

    given: str
    exchange: Callable[[str], str]
    clock: Callable[[], float] = time.time
    _access: str = field(default="", repr=False)
    _ends_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def kind(self) -> str:
        """Which kind of token it is."""
        return kind_of(self.given)

    def header(self, renew: bool = False) -> dict[str, str]:
        """The header that authorizes a request; `renew` asks for a new access token whatever the clock says."""
        if self.kind == LEGACY:
            return {"Authorization": f"Token {self.given}"}
        if self.kind == ACCESS:
            return {"Authorization": f"Bearer {self.given}"}
        with self._lock:
            if renew or self.clock() > self._ends_s - EARLY_S:
                self._access = self.exchange(self.given)
                self._ends_s = float(str(claims_of(self._access).get("exp", self.clock() + 300)))
            return {"Authorization": f"Bearer {self._access}"}

    def refused(self, detail: str) -> str:
        """What to tell a person whose key was refused."""
        return f"the {self.kind} in LABEL_STUDIO_API_KEY was refused ({detail}): {WHAT_TO_DO[self.kind]}"
