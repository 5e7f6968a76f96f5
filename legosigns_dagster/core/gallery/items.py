"""One image of a gallery as HTML: its JPEG, its boxes over it, and what the filters ask about it."""

import base64
from dataclasses import dataclass
from html import escape

from legosigns_dagster.core.analysis.sizes import ObjectSize
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import LabeledBox, LabeledImage
from legosigns_dagster.core.palette import color_number

NETWORK_PX = 640  # longer side of an image as the network sees it, by which the sizes of boxes are told
NAME_SHARE = 0.1  # of an image's height, which a name above a box needs on a phone


@dataclass(frozen=True)
class GalleryItem:
    """An image of a gallery.

    Attributes:
        number: Its number on the page, from 0.
        image: The image and its boxes.
        jpeg: Its thumbnail.
    """

    number: int
    image: LabeledImage
    jpeg: bytes


def box_size(box: LabeledBox, image: LabeledImage) -> str:
    """Name the size of a box on its image: small, medium or large."""
    return ObjectSize.from_box(box.box, image.size_wh, NETWORK_PX).name.lower()


def render_item(item: GalleryItem, classes: SignClasses) -> str:
    """Write one image as an entry of the page's list.

    Its boxes are SVG in the image's own pixels, so that they fit at every size. Their names are seen where it is large.
    The filters read the `data-` attributes: `data-boxes` has the class id and the size of each box.
    """
    image = item.image
    signs = classes.describe(box.class_id for box in image.boxes)
    width, height = image.size_wh
    boxes = " ".join(f"{box.class_id}:{box_size(box, image)}" for box in image.boxes)
    source = base64.b64encode(item.jpeg).decode()
    drawn = "".join(map(render_box, image.boxes))
    written = "".join(render_name(box, image, classes.names[box.class_id]) for box in image.boxes)
    return (
        f'<li id="image-{item.number}" data-split="{escape(image.split)}" data-origin="{escape(image.origin)}" '
        f'data-boxes="{boxes}"><figure>\n'
        f'<a href="#image-{item.number}" class="frame" style="--ratio:{width / height:.5g}">'
        f'<img alt="{escape(image.file)}: {escape(signs)}" src="data:image/jpeg;base64,{source}">'
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
        f'<span class="names" aria-hidden="true">{written}</span></a>\n'
        f"<figcaption><span>{escape(signs)}</span> <small>{escape(image.file)}, {escape(image.split)}, "
        f"{escape(image.origin)}, {width} x {height} px</small></figcaption></figure></li>\n"
    )


def render_box(labeled: LabeledBox) -> str:
    """Write one box as SVG, in the colour of its class."""
    box = labeled.box
    return (
        f'<rect class="c{color_number(labeled.class_id)}" x="{box.left:.5g}" y="{box.top:.5g}" '
        f'width="{box.width:.5g}" height="{box.height:.5g}"/>'
    )


def render_name(labeled: LabeledBox, image: LabeledImage, name: str) -> str:
    """Write the name of a box's class: above the box, or below it at the top of the image, where it fits."""
    box, (width, height) = labeled.box, image.size_wh
    is_left = box.left + box.right < width
    side = f"left:{100 * box.left / width:.4g}%" if is_left else f"right:{100 * (1 - box.right / width):.4g}%"
    is_above = box.top > NAME_SHARE * height
    edge = box.top if is_above else min(box.bottom, (1 - NAME_SHARE) * height)
    style = f"{side};top:{100 * edge / height:.4g}%{'' if is_above else ';transform:none'}"
    return f'<b class="c{color_number(labeled.class_id)}" style="{style}">{escape(name)}</b>'
