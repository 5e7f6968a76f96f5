"""The page around the images of a gallery: one file for a browser, no network. Without script it is a grid."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from legosigns_dagster.core.analysis.sizes import ObjectSize
from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.gallery.items import NETWORK_PX, box_size
from legosigns_dagster.core.gallery.script import SCRIPT
from legosigns_dagster.core.gallery.style import GALLERY_STYLE
from legosigns_dagster.core.palette import color_number
from legosigns_dagster.core.report.page import BASE_STYLE

NO_SIGN = "none"  # the value of the filter by class for images without a box


def render_gallery_page(
    title: str, choice: str, images: Sequence[LabeledImage], names: Sequence[str], items: Sequence[str]
) -> str:
    """Write the page.

    Args:
        title: Its heading.
        choice: A sentence that says which images these are.
        images: The images.
        names: The names of their classes, by id.
        items: Each image as an entry of a list.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{BASE_STYLE}{GALLERY_STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p>{escape(choice)}</p>
<p class="key">{render_key(names)}</p>
<p class="note">{escape(describe_sizes())} A click shows an image large.
<span class="without">Filters and keys need a browser with JavaScript.</span>
<span class="keys" hidden>Keys: <kbd>←</kbd> <kbd>→</kbd> the image before and after, <kbd>R</kbd> another one at
random, <kbd>Esc</kbd> closes.</span></p>
</header>
<main>
<form hidden>{render_filters(images, names)}
<button type="button" id="another">Another one</button> <output>{len(images)} images</output></form>
<h2 class="unseen">Images</h2>
<ul class="grid">
{"".join(items)}</ul>
</main>
<dialog aria-label="One image, large"><div class="large"></div><div class="buttons">
<button type="button" id="before">Before</button> <button type="button" id="after">After</button>
<button type="button" id="random">Another one</button> <button type="button" id="close">Close</button></div></dialog>
<script>{SCRIPT}</script>
</body>
</html>
"""


def render_key(names: Sequence[str]) -> str:
    """Write which colour each class has."""
    return " ".join(f'<b class="c{color_number(number)}">{escape(name)}</b>' for number, name in enumerate(names))


def describe_sizes() -> str:
    """Say what small, medium and large mean."""
    small, medium = ObjectSize.SMALL.value[1], ObjectSize.MEDIUM.value[1]
    return (
        f"Boxes are small below {small:.0f} x {small:.0f} px, large from {medium:.0f} x {medium:.0f} px, where the "
        f"longer side of their image has {NETWORK_PX} px."
    )


def render_filters(images: Sequence[LabeledImage], names: Sequence[str]) -> str:
    """Write the four filters, each value with the number of its images."""
    classes = Counter(class_id for image in images for class_id in {box.class_id for box in image.boxes})
    sizes = Counter(size for image in images for size in {box_size(box, image) for box in image.boxes})
    splits, origins = Counter(image.split for image in images), Counter(image.origin for image in images)
    without = sum(not image.boxes for image in images)
    by_class = {str(number): (name, classes[number]) for number, name in enumerate(names)}
    return "\n".join(
        [
            render_filter("class", "Class", by_class | {NO_SIGN: ("no sign", without)}),
            render_filter("split", "Split", {split: (split, splits[split]) for split in sorted(splits)}),
            render_filter("size", "Size of a box", {s: (s, sizes[s]) for s in map(str.lower, ObjectSize.__members__)}),
            render_filter("origin", "Origin", {origin: (origin, origins[origin]) for origin in sorted(origins)}),
        ]
    )


def render_filter(name: str, label: str, values: Mapping[str, tuple[str, int]]) -> str:
    """Write one filter: its values, each with its text and the number of its images."""
    options = "".join(
        f'<option value="{escape(value)}">{escape(text)} ({count})</option>' for value, (text, count) in values.items()
    )
    return f'<label>{label} <select name="{name}"><option value="">all</option>{options}</select></label>'
