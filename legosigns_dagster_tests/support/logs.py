"""Logs for tests and benchmarks: one that keeps what it is told, one that prints it, one that nobody reads."""

import logging
import sys
from dataclasses import dataclass, field
from typing import TextIO

SILENT = logging.Logger("silent", logging.CRITICAL + 1)


@dataclass
class RecordedLog:
    """Keeps every line with its level."""

    records: list[tuple[str, str]] = field(default_factory=list)

    def info(self, message: str, /) -> None:
        self.records.append(("info", message))

    def warning(self, message: str, /) -> None:
        self.records.append(("warning", message))

    @property
    def lines(self) -> list[str]:
        return [message for _, message in self.records]

    @property
    def warnings(self) -> list[str]:
        return [message for level, message in self.records if level == "warning"]


@dataclass(frozen=True)
class PrintedLog:
    """Prints every line at once."""

    stream: TextIO = sys.stdout
    prefix: str = ""

    def info(self, message: str, /) -> None:
        self.stream.write(f"{self.prefix}{message}\n")
        self.stream.flush()

    def warning(self, message: str, /) -> None:
        self.info(f"warning: {message}")
