"""`legosigns query`: what a model sees in images."""

import argparse
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.commands.query_models import open_models
from legosigns_dagster.commands.query_output import PictureFolder, json_line, text_lines
from legosigns_dagster.commands.subcommand import WHICH_STORE, StoreOpener, Subcommands
from legosigns_dagster.resources.serving.ask import Row, ask_all
from legosigns_dagster.resources.serving.frames import read_frames
from legosigns_dagster.resources.serving.served_model import ServedModel


@dataclass
class Tally:
    """How many images were answered.

    Attributes:
        total: All images so far.
        answered: Those that at least one model answered.
        reason: Why the last of the others was not.
    """

    total: int = 0
    answered: int = 0
    reason: str = "there was none"

    def add(self, row: Row) -> None:
        """Count an image."""
        self.total, self.answered = self.total + 1, self.answered + row.is_answered
        if not row.is_answered:
            self.reason = f"{row.name}: {row.error or row.findings[0]}"


def add_query(commands: Subcommands) -> None:
    """Add the subcommand to the command line."""
    text = "ask a model what it sees in images: a served one, or without --url the current release on this machine"
    parser = commands.add_parser("query", help=text, description=text, epilog=WHICH_STORE)
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="a file, a folder, a video, a camera (its number, or the address of its stream), or - for standard input",
    )
    add_model_options(parser.add_argument_group("the model"))
    add_server_options(parser.add_argument_group("the server"))
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each image, and nothing else")
    parser.add_argument("--out", type=Path, default=Path("query"), help="folder of the pictures (default: %(default)s)")
    parser.add_argument("--no-pictures", action="store_true", help="draw nothing")
    parser.add_argument(
        "--confidence", type=share, help="lowest confidence, 0 to 1 (default: what the contract advises, by class)"
    )
    parser.add_argument(
        "--stride", type=count, default=1, help="of a video or camera, take every so manieth frame (default: 1)"
    )
    parser.add_argument("--frames", type=count, help="of each video or camera, take at most so many (default: all)")
    parser.set_defaults(run=run_query)


def add_model_options(group: "argparse._ArgumentGroup") -> None:
    """Add the options that say which model is asked."""
    group.add_argument("--url", default="", help="a KServe v2 server, http://HOST:PORT, or a model's whole address")
    group.add_argument("--model", default="", help="its name on the server (default: traffic-signs)")
    group.add_argument("--run", dest="run_id", default="", help="the run whose model or contract is used")
    group.add_argument("--release", type=count, default=0, help="the number of the release, likewise")
    group.add_argument("--onnx", type=Path, help="a model as an ONNX file, asked on this machine")
    group.add_argument(
        "--compare-with",
        default="",
        metavar="MODEL",
        help="ask a second model too: a name on the server, URL/NAME, an ONNX file, or without --url a run or a "
        "release's number",
    )
    group.add_argument("--contract", type=Path, help="the model's contract.json")
    group.add_argument(
        "--classes", type=names, default=(), help="class names in the order of their ids, where there is no contract"
    )


def add_server_options(group: "argparse._ArgumentGroup") -> None:
    """Add the options that say how a server is reached."""
    group.add_argument("--grpc", action="store_true", help="ask over gRPC; the port is then that of gRPC")
    group.add_argument("--token-file", type=Path, help="a file with the bearer token (default: variable SERVING_TOKEN)")
    group.add_argument("--ca-bundle", type=Path, help="the certificate of the authority that signed the server's")
    group.add_argument("--timeout", type=float, default=30.0, help="seconds for an answer (default: %(default)s)")
    group.add_argument("--retries", type=int, default=3, help="tries after the first (default: %(default)s)")
    group.add_argument("--in-flight", type=count, default=8, help="images asked about at once (default: %(default)s)")


def run_query(options: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the subcommand: print each image's row as soon as it is there.

    Returns:
        A summary; empty with `--json`.

    Raises:
        RuntimeError: Nothing could be answered, or the model cannot be asked.
    """
    tally = Tally()
    with open_models(options, open_store) as models:
        frames = read_frames(options.images, options.stride, options.frames, sys.stdin.buffer)
        # A camera's stream ends by Ctrl-C.
        with (
            closing(ask_all(models, frames, options.confidence, options.in_flight)) as rows,
            suppress(KeyboardInterrupt),
        ):
            report_rows(rows, models, options, tally)
    if not tally.answered:
        raise RuntimeError(f"none of {tally.total} images could be answered; the last one: {tally.reason}")
    return "" if options.json else f"{tally.answered} of {tally.total} images answered"


def report_rows(rows: Iterable[Row], models: list[ServedModel], options: argparse.Namespace, tally: Tally) -> None:
    """Print, draw and count rows as they come."""
    pictures = None if options.no_pictures else PictureFolder(options.out)
    for row in rows:
        picture = pictures.draw(row, models) if pictures else None
        lines = [json_line(row, models, picture)] if options.json else text_lines(row, models, picture)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        tally.add(row)


def share(text: str) -> float:
    """Read a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return value


def count(text: str) -> int:
    """Read a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def names(text: str) -> tuple[str, ...]:
    """Read names with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
