"""The classes a detector tells apart, and the contract that their ids never change on the way."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SignClasses:
    """Class names in the order of their ids; they come from the base weights and from nowhere else."""

    names: tuple[str, ...]

    @classmethod
    def from_ids(cls, names: Mapping[int, str]) -> "SignClasses":
        """The classes of an id-to-name mapping; ValueError unless its ids are 0, 1, 2, …"""
        if sorted(names) != list(range(len(names))) or not names:
            raise ValueError(f"class ids are {sorted(names)}, expected 0 to {len(names) - 1} without a gap")
        return cls(tuple(names[index] for index in range(len(names))))

    def class_id(self, name: str) -> int:
        """The class id; ValueError that names what is known."""
        if name not in self.names:
            raise ValueError(f"class {name!r} is not one of {', '.join(self.names)}")
        return self.names.index(name)

    def by_id(self) -> dict[int, str]:
        """Id to name, as Ultralytics' data.yaml wants it."""
        return dict(enumerate(self.names))

    def require(self, other: "SignClasses", whose: str) -> None:
        """ValueError unless `other` has the same names with the same ids."""
        if other != self:
            raise ValueError(
                f"{whose} has the classes {list(other.names)}, the base weights have {list(self.names)}: ids would be "
                "swapped or lost; use weights and data of the same classes in the same order"
            )
