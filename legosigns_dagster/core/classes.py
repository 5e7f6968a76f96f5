"""The classes that a detector tells apart. Their ids never change on the way from the base weights to new ones."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SignClasses:
    """Class names in the order of their ids. They come from the base weights and from nowhere else.

    Attributes:
        names: The name of class 0, of class 1, and so on.
    """

    names: tuple[str, ...]

    @classmethod
    def from_ids(cls, names: Mapping[int, str]) -> "SignClasses":
        """Make the classes from a mapping of id to name.

        Raises:
            ValueError: The ids are not 0, 1, 2, … without a gap.
        """
        if sorted(names) != list(range(len(names))) or not names:
            raise ValueError(f"class ids are {sorted(names)}, expected 0 to {len(names) - 1} without a gap")
        return cls(tuple(names[index] for index in range(len(names))))

    def class_id(self, name: str) -> int:
        """Look up the id of a class.

        Raises:
            ValueError: There is no such class. The message lists those that there are.

        Example:
            >>> classes = SignClasses(("SpeedLimit", "DangerAhead"))
            >>> classes.class_id("DangerAhead")
            1
            >>> classes.class_id("Stop")
            Traceback (most recent call last):
            ValueError: class 'Stop' is not one of SpeedLimit, DangerAhead
        """
        if name not in self.names:
            raise ValueError(f"class {name!r} is not one of {', '.join(self.names)}")
        return self.names.index(name)

    def describe(self, class_ids: Iterable[int]) -> str:
        """Count signs by class, in words.

        Example:
            >>> classes = SignClasses(("SpeedLimit", "DangerAhead"))
            >>> classes.describe([0, 1, 0]), classes.describe([])
            ('2 SpeedLimit, 1 DangerAhead', 'no sign')
        """
        counts = Counter(self.names[class_id] for class_id in class_ids)
        return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no sign"

    def by_id(self) -> dict[int, str]:
        """Id to name, as in the `names` of a YOLO `data.yaml`."""
        return dict(enumerate(self.names))

    def require(self, other: "SignClasses", whose: str) -> None:
        """Check that other classes are the same names with the same ids.

        Raises:
            ValueError: They differ. The message begins with `whose` classes they are.
        """
        if other != self:
            raise ValueError(
                f"{whose} has the classes {list(other.names)}, the base weights have {list(self.names)}: ids would be "
                "swapped or lost; use weights and data of the same classes in the same order"
            )
