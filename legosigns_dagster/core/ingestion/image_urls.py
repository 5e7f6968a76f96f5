"""What a task says of its image: which paths its URL may mean, and how it is written where people read it."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus, unquote_to_bytes

# As RFC 3986 splits a URL. `urlsplit` raises for a host that is none, such as [REDACTED], and takes C: for a scheme.
URL = re.compile(r"(?:([A-Za-z][\w+.-]+):(?=//))?(?://([^/?#]*))?([^?#]*)(.*)", re.DOTALL)
WEB = ("", "http", "https", "file", "ftp")  # percent-encoded; in any other storage a URI holds the key as it is
IMAGE_ENDING = re.compile(r"\.(jpe?g|jfif|png|bmp|webp|tiff?|gif|avif|heic)\s*$", re.IGNORECASE)
# Links with a path in the query: to local files, and to uploads of old versions of Label Studio.
LOCAL_PATH = re.compile(
    r"[^?#]*/(?:local-files|storage-data)/[^?#]*\?(?:[^#]*?&)?(d|filepath)=(.*?)(&\w+=.*)?", re.DOTALL
)
FILE_URI = re.compile(r"[^?#]*/(?:resolve|presign)/?\?(?:[^#]*?&)?fileuri=([^&#]*)")
DATA_URI = re.compile(r"\s*data:(?!//)([^,]*),?(.*)", re.IGNORECASE | re.DOTALL)
BARE_BASE64 = re.compile(r"(iVBORw0KGgo|/9j/|R0lGOD|UklGR)[\w+/=\s-]{60,}")  # PNG, JPEG, GIF, WEBP
STORED = re.compile(r"[?&]sha256=[0-9a-f]{10}$")
LONGEST_NAME, LONGEST_URL = 255, 1100  # characters: what is longer is no name and no URL
ENDINGS = {"jpeg": "jpg", "tiff": "tif", "svg+xml": "svg"}


@dataclass(frozen=True)
class UrlParts:
    """A URL in its parts, none of them decoded.

    Attributes:
        scheme: In lower case, empty for a path.
        host: The host, or the bucket of a storage. Name and password before an `@` are left out.
        path: The path. Of a storage the whole key.
        query: What follows, from `?` or `#` on. It may hold a signature.
    """

    scheme: str
    host: str
    path: str
    query: str


def split_url(url: str) -> UrlParts:
    """Split a URL of any kind. Unlike `urlsplit` it never fails, and `?` and `#` may be in a name."""
    found = URL.fullmatch(url)
    scheme, host, path, query = (part or "" for part in found.groups()) if found else ("", "", url, "")
    scheme = scheme.lower()
    if scheme in WEB:
        is_name = not IMAGE_ENDING.search(path) and IMAGE_ENDING.search(query) and "=" not in query
    else:
        is_name = not query.startswith("?") or "=" not in query or bool(IMAGE_ENDING.search(query))
    if is_name:
        path, query = path + query, ""
    return UrlParts(scheme, host.rsplit("@", 1)[-1], path, query)


def storage_uri(url: str) -> str:
    """Find what a link to Label Studio's resolver points to: `s3://bucket/a.jpg`. Any other URL is returned as it is.

    Label Studio writes the URI in base64, older versions wrote it percent-encoded.

    Example:
        >>> storage_uri("/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvc2hvdHMvYS5qcGc=")
        's3://bucket/shots/a.jpg'
    """
    found = FILE_URI.match(url)
    if not found:
        return url
    text = unquote(found[1])
    try:
        inner = text if "://" in text else decode_base64(text).decode()
    except ValueError:
        return url
    return storage_uri(inner) if "://" in inner else url


def image_paths(url: str) -> tuple[str, ...]:
    """List the paths that a URL may mean, the likeliest first. The host or the bucket is their first folder.

    Example:
        >>> image_paths("https://host/cam1/a%20b.jpg?X-Amz-Signature=1")
        ('host/cam1/a b.jpg', 'host/cam1/a%20b.jpg')
        >>> image_paths("s3://bucket/50%20kmh.jpg")
        ('bucket/50%20kmh.jpg',)
    """
    if is_inline(url):
        return (inline_name(url),)
    url = storage_uri(url)
    parts = split_url(url)
    if parts.scheme not in WEB:
        return (readable(f"{parts.host}/{parts.path.lstrip('/')}".rstrip("/")),)
    if found := LOCAL_PATH.fullmatch(url):
        paths = [unquote_plus(found[2]), unquote(found[2]), found[2]]  # Label Studio reads a plus as a space
    else:
        whole = f"{parts.host}/{parts.path.lstrip('/')}"
        paths = [f"{parts.host}/{unquote(parts.path).lstrip('/')}", whole]
        if not parts.scheme and not parts.path.startswith("/"):
            paths.reverse()  # a path as it is on a disk
    paths = [readable(path) for path in paths]
    return tuple(dict.fromkeys([*paths, *(path.strip() for path in paths)]))


def shown_url(url: str) -> str:
    """Write a URL for tables, logs and errors: without a signature, without a password, and without an image in it.

    Everybody who reads a signature could open what the URL points to.

    Example:
        >>> shown_url("https://me:secret@host/a.jpg?X-Amz-Signature=5e884898#top")
        'https://host/a.jpg'
        >>> shown_url("/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvc2hvdHMvYS5qcGc=")
        's3://bucket/shots/a.jpg'
    """
    if is_inline(url):
        return f"data://{inline_name(url)}"
    url = storage_uri(url)
    parts, found = split_url(url), LOCAL_PATH.fullmatch(url)
    origin = f"{parts.scheme}://{parts.host}" if parts.scheme else parts.host
    shown = f"{origin}{parts.path}{f'?{found[1]}={found[2]}' if found else ''}"
    return readable(shown if len(shown) <= LONGEST_URL else f"{shown[:100]}…")


def stored_url(url: str) -> str:
    """Write a URL for a table of a version: as it is shown, with a digest of what is not shown.

    So two URLs that differ in their queries alone stay two, and a later run knows an image by its URL. The digest of a
    signature does not tell the signature.

    Example:
        >>> stored_url("https://host/image?id=1")
        'https://host/image?sha256=c7d9d03f95'
        >>> stored_url("https://host/a.jpg")
        'https://host/a.jpg'
    """
    if STORED.search(url):
        return url
    shown = shown_url(url)
    if is_inline(url) or shown == storage_uri(url):
        return shown
    return f"{shown}{'&' if '?' in shown else '?'}sha256={text_digest(url)}"


def is_inline(url: str) -> bool:
    """Tell whether the text is an image itself and no URL: a `data:` URI, or base64 alone."""
    return bool(DATA_URI.fullmatch(url) or BARE_BASE64.fullmatch(url))


def inline_name(url: str) -> str:
    """Name an image that stands in its task: by its digest, and by the kind that it says it is of."""
    found = DATA_URI.fullmatch(url)
    kind = found[1].split(";")[0].rpartition("/")[2].strip().lower() if found else "base64"
    ending = re.sub(r"\W", "", ENDINGS.get(kind, kind))[:8] or "bin"
    return f"image-{text_digest(url)}.{ending}"


def inline_image(url: str) -> bytes:
    """Decode an image that stands in its task.

    Raises:
        ValueError: It cannot be decoded, or there is nothing.
    """
    found = DATA_URI.fullmatch(url)
    if not found:
        return decode_base64(url)
    content = decode_base64(unquote(found[2])) if "base64" in found[1].lower() else unquote_to_bytes(found[2])
    if not content:
        raise ValueError("it is empty")
    return content


def decode_base64(text: str) -> bytes:
    """Decode base64 of both alphabets, with or without its padding and with line breaks.

    Raises:
        ValueError: It is no base64.
    """
    joined = "".join(text.split()).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"its base64 cannot be decoded ({error})") from error


def text_digest(text: str) -> str:
    """Compute the first 10 hex digits of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:10]


def readable(text: str) -> str:
    """Replace what cannot be written as UTF-8, half of a character that takes two, by the sign for that."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)
