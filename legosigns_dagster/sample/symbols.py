"""The black symbols on the sample's warning signs, and the scale at which its signs are drawn."""

from PIL import ImageDraw

FACE_PX = 160  # side of the square in which a face lies
SCALE = 3  # drawn three times as large and averaged, for smooth edges
Pen = ImageDraw.ImageDraw


def draw_symbol(pen: Pen, symbol: str) -> None:
    """Draw a black symbol in the middle of a face: `!`, `bend`, `walk`, `works`, `bump` or `cross`."""
    unit = FACE_PX * SCALE / 20
    x, y, ink = FACE_PX * SCALE / 2, FACE_PX * SCALE * 0.62, "#111111"
    if symbol == "!":
        pen.polygon(
            [
                (x - unit, y - 4.5 * unit),
                (x + unit, y - 4.5 * unit),
                (x + 0.5 * unit, y + unit),
                (x - 0.5 * unit, y + unit),
            ],
            fill=ink,
        )
        pen.ellipse((x - unit * 0.9, y + 1.8 * unit, x + unit * 0.9, y + 3.6 * unit), fill=ink)
    elif symbol == "bend":
        pen.line(
            [(x - 2 * unit, y + 3.5 * unit), (x - 2 * unit, y), (x + 1.5 * unit, y - 3 * unit)],
            fill=ink,
            width=round(1.6 * unit),
        )
    elif symbol == "bump":
        pen.chord((x - 4 * unit, y - unit, x + 4 * unit, y + 6 * unit), 180, 360, fill=ink)
    elif symbol == "cross":
        for start, end in ((-1, 1), (1, -1)):
            pen.line(
                [(x + start * 2.6 * unit, y - 2.6 * unit), (x + end * 2.6 * unit, y + 2.6 * unit)],
                fill=ink,
                width=round(1.5 * unit),
            )
    else:
        people = (0.0,) if symbol == "works" else (-1.8, 1.8)
        for shift in people:
            draw_person(pen, x + shift * unit, y, unit, ink)
        if symbol == "works":
            pen.polygon(
                [(x + unit, y + 3.6 * unit), (x + 3 * unit, y + unit), (x + 5 * unit, y + 3.6 * unit)], fill=ink
            )


def draw_person(pen: Pen, x: float, y: float, unit: float, ink: str) -> None:
    """Draw a walking figure around the point x, y; `unit` is a twentieth of the face."""
    pen.ellipse((x - 0.8 * unit, y - 4.4 * unit, x + 0.8 * unit, y - 2.8 * unit), fill=ink)
    pen.line([(x, y - 2.6 * unit), (x, y + 0.6 * unit)], fill=ink, width=round(1.5 * unit))
    for end in (-1.3, 1.3):
        pen.line([(x, y + 0.3 * unit), (x + end * unit, y + 3.6 * unit)], fill=ink, width=round(unit))
        pen.line([(x, y - 2 * unit), (x + end * 1.3 * unit, y - 0.4 * unit)], fill=ink, width=round(0.8 * unit))
