"""The state of a Label Studio project, in one line: another state means that something changed."""

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class SourceState:
    """A server's address, a project's id, its newest change, and its numbers of tasks and of annotations.

    `newest` is a time as Label Studio writes it, `2026-01-31T12:00:00.000000Z`; empty for an empty project.
    """

    server: str
    project: str
    newest: str
    tasks: int
    annotations: int

    def __str__(self) -> str:
        return " ".join(map(str, astuple(self)))

    @classmethod
    def parse(cls, text: str) -> "SourceState | None":
        """The state that was written as this text; None where the text is none."""
        words = text.split(" ")
        if len(words) != 5 or not (words[3].isdigit() and words[4].isdigit()):
            return None
        return cls(words[0], words[1], words[2], int(words[3]), int(words[4]))
