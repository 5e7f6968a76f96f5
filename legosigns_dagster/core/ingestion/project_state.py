"""The state of a Label Studio project as one line of text: another state means that something changed."""

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class SourceState:
    """What changes whenever anything in a project does.

    Attributes:
        server: The server's address.
        project: The project's id.
        newest: The time of the newest change as Label Studio writes it, `2026-01-31T12:00:00.000000Z`. Empty for an
            empty project.
        tasks: How many tasks there are.
        annotations: How many annotations there are.
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
        """Read a state from its text. None where the text is not a state.

        Example:
            >>> state = SourceState("http://localhost:8080", "1", "2026-01-31T12:00:00.000000Z", 30, 31)
            >>> str(state)
            'http://localhost:8080 1 2026-01-31T12:00:00.000000Z 30 31'
            >>> SourceState.parse(str(state)) == state
            True
        """
        words = text.split(" ")
        if len(words) != 5 or not (words[3].isdigit() and words[4].isdigit()):
            return None
        return cls(words[0], words[1], words[2], int(words[3]), int(words[4]))
