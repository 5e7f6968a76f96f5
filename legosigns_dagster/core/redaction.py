"""Removes secrets from texts and errors: known ones in every form that a library writes, and those of URLs."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

HIDDEN = "…"
SHORTEST = 4  # characters of a secret; a shorter one would be found in ordinary words
NAMED = re.compile(
    r"((?:(?:signature\w*|credential|security-token|accesskeyid|stringtosign)['\"]?(?:=|:\s*|>)|\b(?:sig|token|password)=)"
    r"['\"]?)[^\s&<'\"…]+",
    re.IGNORECASE,
)


def without_userinfo(text: str) -> str:
    """Remove the user and the password from each URL in a text.

    Example:
        >>> without_userinfo("cannot open https://me:secret@host/a.jpg")
        'cannot open https://host/a.jpg'
    """
    return re.sub(r"//[^/\s'\"]*@", "//", text)


def without_credentials(text: str) -> str:
    """Remove passwords and signatures of URLs, and the keys that a server repeats in its error pages.

    Example:
        >>> without_credentials("403 for https://me:secret@host/a.jpg: <AWSAccessKeyId>AKIA1</AWSAccessKeyId>")
        '403 for https://host/a.jpg: <AWSAccessKeyId>…</AWSAccessKeyId>'
    """
    return NAMED.sub(rf"\1{HIDDEN}", without_userinfo(text))


def base64_forms(content: bytes) -> Iterator[str]:
    """Yield what the Base64 form of any text has in it that contains these bytes, such as `user:password`."""
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            first, end = -(-8 * before // 6), 8 * (before + len(content)) // 6
            yield encode(bytes(before) + content).decode()[first:end]


def written_forms(secret: str) -> list[str]:
    """List how libraries write a secret: as it is, in JSON, in Python, in a URL and in Base64, the longest first."""
    content = secret.encode()
    forms = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], repr(content)[2:-1], *base64_forms(content)}
    forms |= {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return sorted(forms, key=len, reverse=True)


def redact(text: str, secrets: Iterable[str]) -> str:
    r"""Remove secrets from a text, in every form.

    Example:
        >>> redact(r"Invalid header value b'Token ab\ncd'", ["ab\ncd"])
        "Invalid header value b'Token …'"
    """
    for secret in secrets:
        for form in written_forms(secret) if len(secret) >= SHORTEST else ():
            text = text.replace(form, HIDDEN)
    return text


@contextmanager
def hide_secrets(secrets: Callable[[], Iterable[str]]) -> Iterator[None]:
    """Remove secrets from an error that leaves a `with` block, and from the errors that led to it.

    Args:
        secrets: Lists the known ones, once there is an error. Those that `without_credentials` finds are removed too.
    """

    def clean(text: str) -> str:
        return without_credentials(redact(text, secrets()))

    try:
        yield
        return
    except Exception as error:
        if clean_error(error, clean):
            raise
        text = clean(f"{type(error).__name__}: {error}")
    raise RuntimeError(text) from None


def clean_error(error: BaseException, clean: Callable[[str], str]) -> bool:
    """Clean the texts of an error, and cut off those of the errors that led to it that cannot be cleaned.

    Returns:
        Whether nothing is left in the error's own text that should have been removed.
    """
    error.args = tuple(clean(part) if isinstance(part, str) else part for part in error.args)
    if error.__cause__ and not clean_error(error.__cause__, clean):
        error.__cause__ = None
    if error.__context__ and not clean_error(error.__context__, clean):
        error.__context__ = None
    shown = "\n".join([repr(error), str(error), *getattr(error, "__notes__", [])])
    return clean(shown) == shown
