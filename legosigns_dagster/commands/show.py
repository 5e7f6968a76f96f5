"""`legosigns show`: a random image of a dataset with its boxes, another one each time."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from legosigns_dagster.commands.picture_files import add_picture_options, require_picture_options, save_picture
from legosigns_dagster.commands.stored_dataset import DATASETS, open_dataset
from legosigns_dagster.commands.subcommand import WHICH_STORE, StoreOpener, Subcommands
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL
from legosigns_dagster.core.pictures.random_images import (
    ListedImage,
    choose_images,
    draw_images,
    list_dataset,
    list_yolo_folder,
)

SEEDS = 1_000_000  # how many seeds are drawn from


def add_show(commands: Subcommands) -> None:
    """Add the subcommand to the command line."""
    text = "draw a random image of a dataset with its boxes, another one each time"
    parser = commands.add_parser("show", help=text, description=text, epilog=WHICH_STORE)
    parser.add_argument("dataset", help=f"{', '.join(DATASETS)}, or a YOLO folder with a data.yaml")
    add_picture_options(parser, count=1)
    parser.add_argument("--class", dest="class_name", default="", metavar="NAME", help="only images with this class")
    parser.add_argument("--split", choices=(TRAIN, VAL, TEST), default="", help="only images of this split")
    parser.add_argument("--seed", type=int, help="the same images again, as printed (default: drawn at random)")
    parser.set_defaults(run=run_show)


def run_show(options: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the subcommand.

    Raises:
        FileNotFoundError: There is no such dataset.
        ValueError: An option is out of range, or no image fits. The message names what there is.
    """
    require_options(options)
    reasons: list[str] = []
    seed = int(np.random.default_rng().integers(SEEDS)) if options.seed is None else options.seed
    if options.dataset in DATASETS:
        with open_store() as store, open_dataset(store, options.dataset) as stored:
            dataset = stored.dataset
            chosen = choose(options, list_dataset(dataset), dataset.classes, seed)
            stored.fetch(image.file for image in chosen)
            file = draw(options, chosen, dataset.folder, dataset.classes, seed)
        classes = dataset.classes
    else:
        classes, images, reasons = list_yolo_folder(require_folder(options.dataset))
        chosen = choose(options, images, classes, seed)
        file = draw(options, chosen, Path(options.dataset), classes, seed)
    lines = [image.text(classes) for image in chosen]
    lines += [f"{len(reasons)} images are left out; the first is {reasons[0]}"] if reasons else []
    return "\n".join([*lines, f"picture: {file}", f"the same again: --seed {seed}"])


def require_options(options: argparse.Namespace) -> None:
    """Check the numbers and the name of the picture.

    Raises:
        ValueError: One cannot be used.
    """
    require_picture_options(options)
    if options.seed is not None and options.seed < 0:
        raise ValueError(f"--seed is {options.seed}, expected 0 or more")


def require_folder(name: str) -> Path:
    """Return the folder of this name.

    Raises:
        FileNotFoundError: There is none.
    """
    if not Path(name).is_dir():
        raise FileNotFoundError(f"{name} is neither a folder nor one of {', '.join(DATASETS)}: give one of them")
    return Path(name)


def choose(
    options: argparse.Namespace, images: Sequence[ListedImage], classes: SignClasses, seed: int
) -> list[ListedImage]:
    """Choose the images that the options ask for. The message of an error begins with the dataset."""
    try:
        return choose_images(images, classes, seed, options.count, options.class_name, options.split)
    except ValueError as error:
        raise ValueError(f"{options.dataset}: {error}") from error


def draw(
    options: argparse.Namespace, images: Sequence[ListedImage], folder: Path, classes: SignClasses, seed: int
) -> Path:
    """Draw the images into a file, open it, and give its name."""
    stem = Path(options.dataset).resolve().name
    return save_picture(draw_images(images, folder, classes), options, f"{stem}-{seed}")
