"""`legosigns release`: make a release, look which there are and what is in one, and go back to an earlier one."""

import argparse

from legosigns_dagster.commands.release_run import EndedRun, run_job
from legosigns_dagster.commands.subcommand import WHICH_STORE, StoreOpener, Subcommands
from legosigns_dagster.core.release.layout import (
    CURRENT,
    MIRRORS,
    OVMS_MANIFEST,
    RELEASES,
    TRITON_MANIFEST,
    release_key,
)
from legosigns_dagster.core.release.release import Release
from legosigns_dagster.resources.releases.current import current_number, repair_mirrors, roll_back
from legosigns_dagster.resources.releases.listing import list_releases, require_release
from legosigns_dagster.resources.releases.publish import require_intact
from legosigns_dagster.resources.storage.object_store import ObjectStore

HOW = (
    "A release is made by `legosigns release`, or in Dagster's UI: materialize release_candidate and released_model "
    "together."
)
ACCEPTABLE = ("accept_inconclusive", "accept_contract_change")
NOTHING = "nothing was released"
COLUMNS = ("", "release", "when (UTC)", "run", "checks", "accepted by")


def add_release(commands: Subcommands) -> None:
    """Add the subcommand, with its own subcommands, to the command line."""
    text = "release the newest weights, or with an action list, show and roll back releases"
    parser = commands.add_parser("release", help=text, description=text, epilog=WHICH_STORE)
    parser.add_argument(
        "--accept-inconclusive", action="store_true", help="although there are too few images to decide"
    )
    parser.add_argument("--accept-contract-change", action="store_true", help="although clients must be changed")
    parser.add_argument("--accepted-by", default="", help="who accepts it; kept with the release")
    parser.add_argument("--reason", default="", help="why; kept with the release")
    parser.set_defaults(run=run_release)
    actions = parser.add_subparsers(metavar="ACTION")
    text = "all releases, the current one marked with *"
    actions.add_parser("list", help=text, description=text, epilog=WHICH_STORE).set_defaults(run=run_list)
    text = "what a release was made from, what its checks found, and its files"
    show = actions.add_parser("show", help=text, description=text, epilog=WHICH_STORE)
    show.add_argument("number", type=int, help="the number of the release")
    show.add_argument("--check", action="store_true", help="read all its files, and compare their SHA-256")
    show.set_defaults(run=run_show)
    text = "make a release the current one; the files of all releases stay as they are"
    back = actions.add_parser("rollback", help=text, description=text, epilog=WHICH_STORE)
    back.add_argument("number", type=int, help="the number of the release")
    back.set_defaults(run=run_rollback)


def run_release(options: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the job `release`, and say what was released and what is next.

    Raises:
        RuntimeError: Nothing was released, or the run failed after that. The message says why, and what to do.
    """
    gate = {name: True for name in ACCEPTABLE if getattr(options, name)}
    gate |= {name: getattr(options, name) for name in ("accepted_by", "reason") if getattr(options, name)}
    with open_store() as store:
        before = current_number(store.objects())
    run = run_job(gate)
    with open_store() as store:
        return tell_outcome(run, before, store.objects())


def tell_outcome(run: EndedRun, before: int | None, objects: ObjectStore) -> str:
    """Say what a run has released, and what is next.

    Args:
        run: It has ended.
        before: The number of the release that was the current one; None for none.
        objects: The store.

    Raises:
        RuntimeError: It released nothing, or failed after that.
    """
    release = next((one for one in list_releases(objects) if run.run_id and one.origin.run_id == run.run_id), None)
    now = current_number(objects)
    is_now = f"release {now} is the current one" if now else "there is no release yet"
    if run.failure or release is None:
        begun = f"release {release.number} was published, and then its run failed" if release else NOTHING
        raise RuntimeError(f"{begun}: {run.failure or f'run {run.run_id} has no release in this store'}\n{is_now}")
    if release.number != now:
        return f"release {release.number} is published; {is_now}, and stays it"
    return "\n".join([*current_lines(release, objects), *next_lines(before)])


def next_lines(before: int | None) -> list[str]:
    """What a person can do with a release that was just made, in lines.

    Args:
        before: The number of the release that was the current one; None for none.
    """
    lines = [
        "Ask it on this machine: legosigns query IMAGE",
        "Where a server has it, set SERVING_URL: the check endpoint_answers says whether it answers as it did here",
    ]
    return [*lines, f"To go back: legosigns release rollback {before}"] if before else lines


def run_list(_: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the action `list`."""
    with open_store() as store:
        objects = store.objects()
        lines = repair_lines(objects)
        current = current_number(objects)
        rows = [cells(release, current) for release in list_releases(objects)]
        if not rows:
            return f"there is no release in {objects.address(RELEASES)} yet. {HOW}"
        widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
        table = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (COLUMNS, *rows)]
        return "\n".join([*lines, *table])


def cells(release: Release, current: int | None) -> tuple[str, ...]:
    """Write the row of a release in the table."""
    origin = release.origin
    accepted = {one.check: one for one in origin.accepted}
    checks = ", ".join(f"{name} (accepted)" if name in accepted else name for name in origin.verdicts)
    who = "; ".join(f"{one.who}: {one.why}" for one in origin.accepted)
    mark = "*" if release.number == current else ""
    return mark, str(release.number), release.released_at, origin.run_id, checks or "none", who or "-"


def run_show(options: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the action `show`."""
    with open_store() as store:
        objects = store.objects()
        release = require_release(objects, options.number)
        if options.check:
            require_intact(objects, release.number, release.files)
        return "\n".join(
            [*repair_lines(objects), *describe(release, objects), *(["all files are intact"] if options.check else [])]
        )


def describe(release: Release, objects: ObjectStore) -> list[str]:
    """Describe a release, in lines."""
    origin = release.origin
    is_current = " (current)" if current_number(objects) == release.number else ""
    lines = [f"release {release.number}{is_current}, {release.released_at}, run {origin.run_id}"]
    lines += [f"compared with: {origin.compared_with}", "made from:"]
    lines += [f"  {asset} {digest}" for asset, digest in origin.made_from.items()]
    lines += ["checks:", *(f"  {name}: {text}" for name, text in origin.verdicts.items())]
    lines += [f"  {one.check} was accepted by {one.who}: {one.why}" for one in origin.accepted]
    lines += ["files:"]
    for path, entry in release.files.items():
        lines += [f"  {objects.address(release_key(release.number, path))}  {entry.size} bytes  {entry.sha256}"]
    return lines


def run_rollback(options: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the action `rollback`."""
    with open_store() as store:
        objects = store.objects()
        return "\n".join(current_lines(roll_back(objects, options.number), objects))


def current_lines(release: Release, objects: ObjectStore) -> list[str]:
    """What is a release's own now that it is the current one, and how it is rolled out, in lines."""
    manifests = [objects.address(release_key(release.number, name)) for name in (OVMS_MANIFEST, TRITON_MANIFEST)]
    return [
        f"release {release.number} is the current one. These are its now:",
        *(f"  {objects.address(key)}" for key in (CURRENT, *MIRRORS)),
        "A cluster serves what it served until you apply a manifest (kubectl apply -f), of OpenVINO Model Server "
        f"{manifests[0]}, of Triton {manifests[1]}",
    ]


def repair_lines(objects: ObjectStore) -> list[str]:
    """Repair what a command that was killed has left behind, and say so."""
    return [f"{objects.address(key)} was not the current release's: corrected" for key in repair_mirrors(objects)]
