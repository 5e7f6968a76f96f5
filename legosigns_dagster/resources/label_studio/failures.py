"""What went wrong when an image was fetched: is the image missing, or does a server not answer?"""

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from legosigns_dagster.core.ingestion.image_urls import readable, shown_url
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError, without_secrets


def is_own(url: str, client: LabelStudioClient) -> bool:
    """Tell whether a URL is Label Studio's own. A URL whose host is none, such as [REDACTED], is not."""
    try:
        return client.is_same_origin(url)
    except ValueError:
        return False


def is_down(error: Exception) -> bool:
    """Tell whether a server itself failed to answer, so that nothing is known about the image."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    is_unanswered = isinstance(error, LabelStudioError) and not error.status
    return is_unanswered or isinstance(error, HTTPClientError | ConnectionError)


def is_missing_key(error: Exception) -> bool:
    """Tell whether S3 said that there is no such object, and not that we may not read it."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "NoSuchKey"


def shown_text(text: str, url: str) -> str:
    """Write an error's text about a URL: without queries and passwords, whichever URL they stand in."""
    others = text.split(url) if url else [text]
    return readable(shown_url(url).join(map(without_secrets, others)))
