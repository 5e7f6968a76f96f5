"""The two slices of images by which every detector is judged, and every name that is made from them."""

from enum import Enum


class Slice(Enum):
    """Classical signs, which the base knows, or LEGO signs, which are new.

    The value stands in stored files (results.csv, weights.json) and must stay as it is.
    """

    CLASSICAL = "classical"
    LEGO = "lego"

    @property
    def title(self) -> str:
        """The slice in tables and sentences: `classical signs` or `LEGO signs`."""
        return f"{self.short_title} signs"

    @property
    def short_title(self) -> str:
        """The slice in charts and in the log: `classical` or `LEGO`."""
        return "LEGO" if self is Slice.LEGO else self.value

    @property
    def headline(self) -> str:
        """The metric that a slice is judged by: `map50_95` or `map50`.

        What is forgotten first is where a sign ends, which mAP50 hardly sees; what is learned first is that there is a
        sign at all.
        """
        return "map50" if self is Slice.LEGO else "map50_95"

    @property
    def val_folder(self) -> str:
        """The folder of the slice's val images below `images/` of a training."""
        return f"val-{self.value}"

    def metric(self, name: str) -> str:
        """The name of a slice's metric in scores and stored files.

        Example:
            >>> Slice.CLASSICAL.metric("map50_95")
            'classical_map50_95'
        """
        return f"{self.value}_{name}"
