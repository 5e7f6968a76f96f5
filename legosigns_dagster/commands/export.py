"""`legosigns export`: a dataset as other programs read it."""

import argparse
from functools import partial
from pathlib import Path

from legosigns_dagster.commands.stored_dataset import DATASETS, TerminalLog, open_dataset
from legosigns_dagster.commands.subcommand import WHICH_STORE, StoreOpener, Subcommands
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.export.coco import write_coco
from legosigns_dagster.core.export.export import Writer, export_dataset, require_empty, write_yolo
from legosigns_dagster.core.export.label_studio import TASKS, write_label_studio

FORMATS = ("yolo", "coco", "label-studio")


def add_export(commands: Subcommands) -> None:
    """Add the subcommand to the command line."""
    text = "write the current version of a dataset into a folder, as other programs read it"
    parser = commands.add_parser("export", help=text, description=text, epilog=WHICH_STORE)
    parser.add_argument("dataset", choices=DATASETS, help="the asset")
    parser.add_argument("folder", type=Path, help="a new or an empty folder")
    parser.add_argument("--format", choices=FORMATS, default="yolo", help="default: %(default)s")
    parser.add_argument(
        "--image-url",
        default="",
        help="for label-studio: the URL of the folder's images as Label Studio reaches them, such as "
        "s3://bucket/dataset/images (default: /data/local-files/?d=FOLDER/images)",
    )
    parser.set_defaults(run=run_export)


def run_export(options: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the subcommand.

    Raises:
        FileExistsError: The folder is not empty.
        ValueError: `--image-url` is given for another format.
    """
    if options.image_url and options.format != "label-studio":
        raise ValueError(f"--image-url is for --format label-studio alone, this is {options.format}: leave it out")
    require_empty(options.folder)  # before anything is fetched
    with open_store() as store, open_dataset(store, options.dataset) as stored:
        stored.fetch(stored.dataset.images["file"])
        export_dataset(stored.dataset, choose_writer(options), options.folder, TerminalLog())
        counts = describe_counts(stored.dataset)
        return f"{options.dataset} of run {stored.version.run_id}: {counts}\n{describe_next(options)}"


def choose_writer(options: argparse.Namespace) -> Writer:
    """Choose the writer of a format."""
    if options.format == "label-studio":
        url = options.image_url or f"/data/local-files/?d={options.folder.resolve().name}/images"
        return partial(write_label_studio, image_url=url)
    return write_coco if options.format == "coco" else write_yolo


def describe_counts(dataset: Dataset) -> str:
    """Count images and boxes, as `64 images (train 48, val 16), 120 boxes`."""
    counts = dataset.counts()
    splits = ", ".join(f"{row.split} {row.images}" for row in counts.itertuples())
    return f"{len(dataset.images)} images ({splits}), {len(dataset.boxes)} boxes"


def describe_next(options: argparse.Namespace) -> str:
    """Say where the files are and how they are read again."""
    folder = options.folder
    if options.format == "coco":
        return f"COCO: {folder}/annotations/, images in {folder}/images/"
    if options.format == "yolo":
        return f"YOLO: {folder}/data.yaml; to read it again: CLASSICAL_SIGNS={folder}"
    again = f"LABEL_STUDIO_EXPORT={folder}/{TASKS} LABEL_STUDIO_IMAGES={folder}/images"
    return f"Label Studio: import {folder}/{TASKS}; to read it again: {again}"
