"""The facts of a release, as `release.json` has them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from legosigns_dagster.core.files import FileEntry

VERSION = 1
# Between what a check of a release found and the settings by which a person accepts it.
TO_RELEASE_SO = ". To release it so, set "


@dataclass(frozen=True)
class AcceptedFinding:
    """Something that the checks of a release found, and that a person accepted.

    Attributes:
        check: The check's name.
        who: Who accepted it.
        why: Their reason.
    """

    check: str
    who: str
    why: str


@dataclass(frozen=True)
class Origin:
    """Where a release comes from, and why it was let through.

    Attributes:
        run_id: The run that released it.
        made_from: First digits of the digest of each asset's version that it was made from, by asset.
        verdicts: What each check found, a sentence, by the check's name.
        compared_with: What it was compared with: `release 3`, or `base weights`.
        accepted: What the checks found and a person accepted.
    """

    run_id: str
    made_from: Mapping[str, str]
    verdicts: Mapping[str, str]
    compared_with: str
    accepted: tuple[AcceptedFinding, ...] = ()


@dataclass(frozen=True)
class Release:
    """What was released.

    Attributes:
        number: 1 for the first one.
        released_at: The time in UTC, such as 2026-11-26T03:14:15Z.
        files: The content of each file, by its path below the release's folder; `release.json` itself is not in it.
        origin: Where it comes from.
    """

    number: int
    released_at: str
    files: Mapping[str, FileEntry]
    origin: Origin

    def to_json(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self) | {"version": VERSION}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, source: str) -> "Release":
        """Read what `to_json` wrote.

        Args:
            text: The JSON.
            source: Where it is from, for errors.

        Raises:
            ValueError: It is no release, or one of a newer version.
        """
        try:
            facts: dict[str, Any] = json.loads(text)
            if facts["version"] != VERSION:
                raise ValueError(
                    f"its version is {facts['version']}, expected {VERSION}: use the legosigns that wrote it"
                )
            told = facts["origin"]
            accepted = tuple(AcceptedFinding(**one) for one in told.pop("accepted"))
            files = {path: FileEntry(**entry) for path, entry in facts["files"].items()}
            return cls(facts["number"], facts["released_at"], files, Origin(**told, accepted=accepted))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{source} has no facts of a release ({type(error).__name__}: {error})") from error
