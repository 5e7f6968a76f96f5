"""From the form in Dagster's Launchpad to the settings that core works with."""

from typing import TypeVar

from pydantic import BaseModel

S = TypeVar("S", bound=BaseModel)


def plain_settings(config: S, model: type[S]) -> S:
    """Copy a Dagster config into the settings model that it inherits from.

    Fields that only the config has, such as `reconcile_sink`, are left out.

    Example:
        >>> import dagster as dg
        >>> class Blur(BaseModel, frozen=True):
        ...     radius_px: int = 1
        >>> class BlurConfig(dg.Config, Blur):
        ...     dry_run: bool = False
        >>> plain_settings(BlurConfig(radius_px=3), Blur)
        Blur(radius_px=3)
    """
    return model(**{name: getattr(config, name) for name in model.model_fields})
