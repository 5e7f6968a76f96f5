"""Where a model is: a server's address and the model's name, also in one URL."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from legosigns_dagster.core.release.layout import MODEL_NAME

MODELS = "/v2/models/"


@dataclass(frozen=True)
class ModelAddress:
    """A model behind a server.

    Attributes:
        url: The server's address.
        model: The model's name.
        version: The version to ask; empty for the server's choice.
    """

    url: str
    model: str
    version: str = ""


def split_model_url(url: str, model: str = "") -> ModelAddress:
    """Split the address of a model, as the workshop's clients write it, into that of the server and the name.

    Args:
        url: The server's address, or a model's.
        model: The model's name, where the address does not have it.

    Raises:
        ValueError: The address has one name, and `model` is another.

    Example:
        >>> split_model_url("http://modelmesh-serving:8008/v2/models/new/infer")
        ModelAddress(url='http://modelmesh-serving:8008', model='new', version='')
        >>> split_model_url("http://localhost:8000/v2/models/signs/versions/3")
        ModelAddress(url='http://localhost:8000', model='signs', version='3')
        >>> split_model_url("http://localhost:8000", "base")
        ModelAddress(url='http://localhost:8000', model='base', version='')
    """
    server, found, rest = url.partition(MODELS)
    if not found:
        return ModelAddress(url.rstrip("/").removesuffix("/v2"), model or MODEL_NAME)
    words = rest.strip("/").split("/")
    named = words[0]
    if model and model != named:
        raise ValueError(f"the address names the model {named!r}, and --model is {model!r}: leave one of them out")
    return ModelAddress(server, named, words[2] if len(words) > 2 and words[1] == "versions" else "")


def other_model(text: str, server: str) -> ModelAddress:
    """Find out which model to compare with.

    Args:
        text: A model's name, or the server's address with the name as its last part.
        server: The address of the server where a name alone is.

    Raises:
        ValueError: The address has no name.

    Example:
        >>> other_model("base", "http://localhost:8000")
        ModelAddress(url='http://localhost:8000', model='base', version='')
        >>> other_model("https://models.example.com/base", "http://localhost:8000")
        ModelAddress(url='https://models.example.com', model='base', version='')
    """
    if "://" not in text:
        return ModelAddress(server, text)
    if MODELS in text:
        return split_model_url(text)
    if not urlsplit(text).path.strip("/"):
        raise ValueError("--compare-with names a server and no model, expected URL/MODEL or a model's name")
    url, _, name = text.rstrip("/").rpartition("/")
    return ModelAddress(url, name)
