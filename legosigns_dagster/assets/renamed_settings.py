"""Old names of settings, which are refused with the new name.

Dagster checks a run's settings against a schema before the run starts, in a process that does not have our code. A
schema carries no message of ours, only the names of types. So an old name stays in the schema, with a type that has no
value and whose name is the message. The Launchpad lists it as renamed and never fills it in.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

import dagster as dg
from pydantic import Field, create_model

C = TypeVar("C", bound=dg.Config)


def refuse_old_names(**new_names: str) -> Callable[[type[C]], type[C]]:
    """Make a decorator for a config class that has renamed settings.

    Args:
        new_names: The new name for each old one.

    Raises:
        ValueError: The class has no setting of a new name, or still has one of an old name.

    Example:
        >>> @refuse_old_names(knots="speed")
        ... class Sailing(dg.Config):
        ...     speed: float = 5.0
        >>> Sailing(speed=7.0).speed
        7.0
        >>> Sailing(knots=7.0)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pydantic_core._pydantic_core.ValidationError: 1 validation error for Sailing
        knots
          Input should be an instance of "knots is now called speed" ...
    """

    def add_old_names(config: type[C]) -> type[C]:
        fields = config.model_fields
        for old, new in new_names.items():
            if old in fields or new not in fields:
                raise ValueError(f"{old!r} cannot be the old name of {new!r}: the settings are {', '.join(fields)}")
        added: dict[str, Any] = {old: old_name_field(old, new) for old, new in new_names.items()}
        return create_model(
            config.__name__, __base__=config, __module__=config.__module__, __doc__=config.__doc__, **added
        )

    return add_old_names


def old_name_field(old: str, new: str) -> tuple[Any, Any]:
    """Describe an optional field that accepts no value, in the form that `pydantic.create_model` takes."""
    no_value: Any = Enum(f'"{old} is now called {new}"', {})  # type: ignore[misc]  # mypy wants a literal name
    # With a default, even None, the Launchpad would write the old name into the settings that it fills in.
    return no_value | None, Field(default_factory=lambda: None, description=f"Renamed: use {new}.", deprecated=True)
