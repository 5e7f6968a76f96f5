"""From the form in Dagster's Launchpad to the settings that core works with.

It uses internals of Dagster: `ConfigType.post_process` and `PostProcessingError`, and that equal schemas are one
object. They were checked with dagster 1.13.27. Where one of them changes, `assets/test_settings.py` fails.
"""

from typing import Any, Literal, TypeVar, get_args, get_origin

import dagster as dg
from dagster._config.errors import PostProcessingError
from dagster._core.errors import DagsterUserCodeProcessError
from dagster._utils.error import SerializableErrorInfo  # type: ignore[attr-defined]
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

S = TypeVar("S", bound=BaseModel)
LIMITS = {
    "ge": "at least {}",
    "gt": "more than {}",
    "le": "at most {}",
    "lt": "less than {}",
    "multiple_of": "a multiple of {}",
}


class ImpossibleSettingsError(PostProcessingError, DagsterUserCodeProcessError):
    """Settings that no step can work with. By the second base class, Dagster prints no traceback of it."""

    def __init__(self, message: str) -> None:
        infos = [SerializableErrorInfo(message, [], None)]
        super().__init__(message, user_code_process_error_infos=infos)  # type: ignore[no-untyped-call]


class SettingsForm(dg.Config):
    """A form in the Launchpad. It shows the range of each setting, and a run with another value is not started.

    Dagster alone checks names and types when somebody asks for a run, and ranges only in the step that is set.
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Add the ranges to the texts of the form, and their check to its schema."""
        super().__pydantic_init_subclass__(**kwargs)
        for field in cls.model_fields.values():
            sentence = allowed_sentence(field)  # is there already where a form inherits from another one
            field.description = f"{(field.description or '').removesuffix(sentence)}{sentence}"
        schema: Any = cls.to_config_schema().as_field().config_type
        # The ranges are in the texts, so that schemas with other ranges are other objects.
        schema.post_process = cls.require_possible

    @classmethod
    def require_possible(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Check all settings of a step at once.

        Args:
            values: The settings by their names, defaults included.

        Raises:
            ImpossibleSettingsError: Some cannot be. The message has each of them, with its value and its range. Dagster
                adds the name of the step, and collects the errors of all steps.
        """
        try:
            cls(**values)
        except ValidationError as error:
            faults = [fault(dict(one), cls.model_fields) for one in error.errors()]
            for name, field in cls.model_fields.items():  # Dagster prints these values before the message
                if name in values and values[name] == field.default:
                    del values[name]
            raise ImpossibleSettingsError("; ".join(faults)) from None
        return values


def fault(error: dict[str, Any], fields: dict[str, FieldInfo]) -> str:
    """Say in words what pydantic found."""
    if error["loc"]:
        name = error["loc"][0]
        return f"{name} is {error['input']!r}, expected {allowed_values(fields[name])}"
    return str(error["msg"]).removeprefix("Value error, ")


def allowed_values(field: FieldInfo) -> str:
    """Say what may be set: the words of a choice, or the range of a number.

    Example:
        >>> from pydantic import Field
        >>> allowed_values(Field(1, ge=0, le=640, multiple_of=32))
        '0 to 640, a multiple of 32'
    """
    if get_origin(field.annotation) is Literal:
        *others, last = (f"`{word}`" for word in get_args(field.annotation))
        return f"{', '.join(others)} or {last}"
    kinds: dict[Any, str] = {bool: "`true` or `false`", list[str]: "names", str: "a text"}
    return range_of(field) or kinds.get(field.annotation, "a whole number")


def range_of(field: FieldInfo) -> str:
    """Say in words within which limits a number must be; empty where there are none."""
    limits = {name: getattr(one, name) for one in field.metadata for name in LIMITS if hasattr(one, name)}
    both = [f"{limits.pop('ge')} to {limits.pop('le')}"] if {"ge", "le"} <= set(limits) else []
    return ", ".join(both + [LIMITS[name].format(limit) for name, limit in limits.items()])


def allowed_sentence(field: FieldInfo) -> str:
    """Write the sentence of the form about the range of a number; empty where it has none."""
    limits = range_of(field)
    return f" Allowed: {limits}." if limits else ""


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
