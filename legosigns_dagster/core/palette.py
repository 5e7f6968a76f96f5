"""The colours of pages and pictures. Each means one thing, wherever it is seen.

On pages and charts, a name has a colour for light and one for dark paper. Pictures are photographs, where lines need
colours that stand out: `PICTURE` has those of the same names.
"""

# Name of the colour: on white, on black. `one` and `two` are the lines of a chart about one thing; the
# colours of `PICTURE` are named on `behind`.
PAGE = {
    "page": ("#ffffff", "#14171c"),
    "card": ("#f4f6f9", "#1e232b"),
    "ink": ("#1d2129", "#e8eaf0"),
    "soft": ("#535a67", "#a8afbd"),
    "line": ("#c9ced6", "#414855"),
    "good": ("#146c2e", "#6fd58c"),
    "bad": ("#b3261e", "#ff8a80"),
    "open": ("#6b5200", "#f2c94c"),
    "link": ("#3d4a63", "#c3cbe0"),
    "base": ("#b3460b", "#ffb07c"),
    "new": ("#0b57d0", "#8ab4f8"),
    "one": ("#6a2c91", "#d6a6f0"),
    "two": ("#00696b", "#6fd0d2"),
    "behind": ("#222222", "#222222"),
}
PICTURE = {"annotation": "#ffffff", "base": "#ff9100", "new": "#40c4ff"}
# By class id, then from the start: none of them is a colour of base, new, good or bad.
CLASSES = ("#d500f9", "#1de9b6", "#ffea00", "#ff80ab", "#b388ff", "#c6ff00")
DISTRACTOR = "#757575"
MISSING = "#e0e0e0"  # fills the side of a pair on which there is no image


def color_number(class_id: int) -> int:
    """The position of a class's colour in `CLASSES`: from the start again where there are more classes than colours."""
    return class_id % len(CLASSES)


def class_color(class_id: int) -> str:
    """The colour of a class in every picture, as `#rrggbb`."""
    return CLASSES[color_number(class_id)]


def page_colors(dark: bool = False) -> str:
    """Write the colours as variables of CSS, for white or black paper.

    Example:
        >>> page_colors().split("; ")[0]
        '--page: #ffffff'
    """
    return "; ".join(f"--{name}: {colors[dark]}" for name, colors in PAGE.items())
