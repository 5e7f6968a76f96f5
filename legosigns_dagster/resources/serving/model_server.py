"""The server that answers for the current release, as a Dagster resource."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import dagster as dg
from pydantic import field_validator

from legosigns_dagster.core.variables import strip_value
from legosigns_dagster.resources.serving.addresses import split_model_url
from legosigns_dagster.resources.serving.endpoint import Endpoint
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster.resources.serving.rest import RestEndpoint


class ModelServer(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A server of the Open Inference Protocol (KServe v2), asked over REST.

    Attributes:
        url: Its address, or the model's; empty where nothing is served.
        token: A bearer token; empty where it wants none.
    """

    url: str = ""
    token: str = ""
    strip_values = field_validator("*", mode="before")(strip_value)

    @contextmanager
    def open(self) -> Iterator[Endpoint]:
        """Connect to it.

        Raises:
            ValueError: Its address is none.
        """
        endpoint = RestEndpoint(split_model_url(self.url), Access(self.token))
        with closing(endpoint):
            yield endpoint
