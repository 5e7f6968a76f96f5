"""The values of environment variables, as people meant them: `echo KEY | base64` adds a line feed to a secret."""

from collections.abc import Mapping
from typing import Any


def strip_value(value: Any) -> Any:
    r"""Remove the white space around a value. What is no plain text, such as Dagster's `EnvVar`, stays as it is.

    Example:
        >>> strip_value(" key\n"), strip_value(None)
        ('key', None)
    """
    return value.strip() if type(value) is str else value


def strip_values(environment: Mapping[str, str]) -> dict[str, str]:
    r"""Remove the white space around every value.

    Example:
        >>> strip_values({"AWS_S3_BUCKET": "signs\n"})
        {'AWS_S3_BUCKET': 'signs'}
    """
    return {name: value.strip() for name, value in environment.items()}
