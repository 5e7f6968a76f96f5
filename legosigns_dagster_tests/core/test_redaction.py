"""A secret is found in a text however a library wrote it."""

import base64
import json
import traceback
from urllib.parse import quote, quote_plus

import pytest

from legosigns_dagster.core.redaction import hide_secrets, redact, without_credentials

SECRET = 'pl/anted+se"cret\n Ü='
WRITTEN = {
    "as it is": SECRET,
    "repr of text": repr(SECRET),
    "repr of bytes, as http.client's `Invalid header value`": repr(f"Token {SECRET}".encode()),
    "json": json.dumps({"key": SECRET}),
    "in a path": quote(f"/{SECRET}/"),
    "in a query": quote(SECRET, safe=""),
    "in a form": quote_plus(SECRET),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 behind one character": base64.b64encode(b"." + SECRET.encode()).decode(),
    "base64 of user and password": base64.b64encode(f"me:{SECRET}".encode()).decode(),
    "base64 in a URL": base64.urlsafe_b64encode(f"api:{SECRET}:".encode()).decode(),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_a_secret_is_removed_in_every_form(form: str) -> None:
    shown = redact(f"refused: {WRITTEN[form]}, try again", [SECRET])
    assert "…" in shown
    assert shown.startswith("refused: ")
    assert shown.endswith(", try again")
    middle = WRITTEN[form][len(WRITTEN[form]) // 2 :][:6]
    assert middle not in shown


@pytest.mark.parametrize(
    "text",
    [
        "https://me:planted@host/a.jpg",
        "http://planted@host:9000",
        "https://host/a.jpg?X-Amz-Signature=planted&x=1",
        "https://host/a.jpg?X-Goog-Signature=planted",
        "https://host/a.jpg?sv=2024&sig=planted%3D",
        "X-Amz-Security-Token: planted",
        '{"X-Amz-Security-Token": "planted", "Host": "s3"}',
        "<SignatureProvided>planted</SignatureProvided>",
    ],
)
def test_a_secret_that_is_not_known_is_removed_where_its_name_stands_before_it(text: str) -> None:
    assert "planted" not in without_credentials(text)


def test_a_short_secret_does_not_spoil_every_word() -> None:
    assert redact("a tale", ["a", ""]) == "a tale"


class StubbornError(Exception):
    """Its text does not come from its arguments."""

    def __str__(self) -> str:
        return SECRET


def fail(last: Exception) -> None:
    """Raise an error that three others led to."""
    try:
        try:
            raise ValueError(f"Invalid header value {f'Token {SECRET}'.encode()!r}")
        except ValueError as error:
            raise ConnectionError("aborted", f"with {SECRET}") from error
    except ConnectionError:
        raise last  # noqa: B904


@pytest.mark.parametrize("last", [RuntimeError(f"no: {SECRET}"), StubbornError(), KeyError(SECRET), OSError(5, SECRET)],
                         ids=lambda error: type(error).__name__)  # fmt: skip
def test_no_error_of_a_chain_shows_a_secret(last: Exception) -> None:
    last.add_note(f"it was {SECRET}") if isinstance(last, KeyError) else None
    with pytest.raises(Exception) as raised, hide_secrets(lambda: [SECRET]):  # noqa: PT011
        fail(last)
    told = "".join(traceback.format_exception(raised.value))
    assert redact(told, [SECRET]) == told
    assert "…" in told
