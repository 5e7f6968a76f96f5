"""What a terminal shows of a run: the time, the step and the sentence, and of an interruption one sentence."""

import copy
import logging
from typing import Any

import dagster as dg

STOPPED = "stopped. What is in the store stays there: run the same command again to go on"


@dg.logger(
    config_schema={
        "log_level": dg.Field(str, default_value="INFO", description="What is less than this is not shown."),
        "name": dg.Field(str, default_value="legosigns", description="The name of the logger."),
    },
    description="Lines for people: the time, the step, the sentence.",
)
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """Log to stderr, a line for each message. A run config asks for it with `loggers: {console: ...}`."""
    logger = logging.Logger(context.logger_config["name"], context.logger_config["log_level"].upper())
    handler = logging.StreamHandler()
    handler.setFormatter(ConsoleFormatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    return logger


class ConsoleFormatter(logging.Formatter):
    """Leaves out the ids that Dagster puts before each message. The UI has them."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a message of a step, or an event of Dagster's with its error."""
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        if meta:
            record = copy.copy(record)
            record.msg, record.args = sentence(meta, record.levelno), None
        return super().format(record)


def sentence(meta: dict[str, Any], level: int) -> str:
    """Put a message together: the step, how bad it is, the text and the error.

    Args:
        meta: What Dagster knows about it.
        level: Its level, as in `logging`.
    """
    step = f"{meta['step_key']}: " if meta["step_key"] else ""
    warning = f"{logging.getLevelName(level)}: " if level >= logging.WARNING else ""
    data = meta["dagster_event"].event_specific_data if meta["dagster_event"] else None
    error = getattr(data, "error", None)
    if error is None:
        return f"{step}{warning}{meta['orig_message']}"
    if error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
        return f"{step}stopped" if step else STOPPED
    return f"{step}{warning}{meta['orig_message']}\n\n{getattr(data, 'error_display_string', error.to_string())}"
