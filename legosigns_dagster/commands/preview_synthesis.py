"""`legosigns preview-synthesis`: examples of synthetic images with given settings, without making the set."""

import argparse
import tempfile
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from legosigns_dagster.commands.picture_files import add_picture_options, require_picture_options, save_picture
from legosigns_dagster.commands.stored_dataset import TerminalLog, scratch_parent
from legosigns_dagster.commands.subcommand import WHICH_STORE, StoreOpener, Subcommands
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.files import SavedAsFolder
from legosigns_dagster.core.pictures.random_images import draw_images, list_dataset
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet
from legosigns_dagster.core.synthesis.generate import make_synthetic_set
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.versions.judgement import find_usable

Value = TypeVar("Value", bound=SavedAsFolder)
COUNT = "images"  # the setting that --count takes the place of
SETTINGS = {name: field for name, field in SynthesisSettings.model_fields.items() if name != COUNT}


def add_preview_synthesis(commands: Subcommands) -> None:
    """Add the subcommand to the command line, with an option for each setting of the synthesis."""
    text = (
        "draw the first images that synthetic_set would have with these settings, from the stored cut-outs, "
        "backgrounds and annotated images; the set itself stays as it is"
    )
    parser = commands.add_parser("preview-synthesis", help=text, description=text, epilog=WHICH_STORE)
    add_picture_options(parser, count=12)
    group = parser.add_argument_group("settings of the synthesis, as in the Launchpad")
    for name, field in SETTINGS.items():
        group.add_argument(option(name), metavar="NUMBER", dest=name, help=describe(field))
    parser.set_defaults(run=run_preview_synthesis)


def option(name: str) -> str:
    """Make the option of a setting.

    Example:
        >>> option("max_signs")
        '--max-signs'
    """
    return f"--{name.replace('_', '-')}"


def describe(field: FieldInfo) -> str:
    """Describe a setting in a line of help, where argparse reads a `%` as the start of a placeholder."""
    return f"{field.description} Default: {field.default}.".replace("%", "%%")


def run_preview_synthesis(options: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the subcommand.

    Raises:
        FileNotFoundError: An asset that the images are made of is not in the store.
        ValueError: An option is out of range, or nothing can be made of these assets.
    """
    require_picture_options(options)
    settings, log = read_settings(options), TerminalLog()
    with open_store() as store, tempfile.TemporaryDirectory(dir=scratch_parent(store)) as name:
        folder, snapshots = Path(name), store.snapshots()
        cutouts = load_value(snapshots, "sign_cutouts", CutoutSet, folder)
        backgrounds = load_value(snapshots, "backgrounds", Backgrounds, folder)
        annotated = load_value(snapshots, "raw_annotations", Dataset, folder)
        made = make_synthetic_set(settings, cutouts, backgrounds, annotated, folder / "made", log)
        images = list_dataset(made)
        picture = draw_images(images, made.folder, made.classes)
    file = save_picture(picture, options, f"preview-{settings.seed}")
    lines = [image.text(made.classes) for image in images]
    return "\n".join([*lines, f"picture: {file}", describe_next(settings)])


def read_settings(options: argparse.Namespace) -> SynthesisSettings:
    """Read the settings from the options; those that are not given have their defaults.

    Raises:
        ValueError: Some are out of range. The message names each with its value.
    """
    given = {name: value for name in SETTINGS if (value := getattr(options, name)) is not None}
    try:
        return SynthesisSettings(images=options.count, **given)
    except ValidationError as error:
        raise ValueError("; ".join(fault(dict(one)) for one in error.errors())) from None


def fault(error: dict[str, object]) -> str:
    """Say in words what pydantic found, such as `--blur is 2: input should be less than or equal to 1`."""
    message, place = str(error["msg"]).removeprefix("Value error, "), error["loc"]
    if not isinstance(place, tuple) or not place:
        return message
    return f"{option(str(place[0]))} is {error['input']}: {message[0].lower()}{message[1:]}"


def load_value(snapshots: SnapshotStore, asset: str, kind: type[Value], into: Path) -> Value:
    """Load the current version of an asset into a folder below `into`.

    Raises:
        FileNotFoundError: There is none. The message says what to materialize.
        ValueError: Its checks failed.
    """
    snapshots.load(find_usable(snapshots, asset, TerminalLog()), into / asset)
    return kind.load(into / asset)


def describe_next(settings: SynthesisSettings) -> str:
    """Say how a run makes the set with these settings: those that differ from the defaults."""
    changed = [
        f"{name}: {getattr(settings, name)}"
        for name, field in SETTINGS.items()
        if getattr(settings, name) != field.default
    ]
    if not changed:
        return "these are the default settings of synthetic_set"
    return f"for the whole set, in the Launchpad: ops: {{synthetic_set: {{config: {{{', '.join(changed)}}}}}}}"
