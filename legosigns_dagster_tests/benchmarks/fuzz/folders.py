"""Damaged YOLO folders and archives, read as `classical_signs` reads them."""

import io
import os
import random
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.sources.archives import unpack
from legosigns_dagster_tests.benchmarks.fuzz.damage import NAMES, damage_bytes, damage_text
from legosigns_dagster_tests.benchmarks.fuzz.outcome import Outcome, find_broken, judge, judge_error, place_oddity
from legosigns_dagster_tests.benchmarks.fuzz.pictures import damage_picture
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.yolo_folder import BOTH_CLASSES, write_files, yolo_files

GOOD = ("train-i0-", "train-i1-", "val-i100-", "val-i101-")
DATA = """path: .
train: images/train
val: images/val
nc: 2
names:
  0: SpeedLimit
  1: DangerAhead
"""
YAML_LINES = ("names: &a [*a]", "path: *none", "names: !!python/object/apply:os.system ['true']", "train: [[x]]",
              "names: {0: SpeedLimit, 0: DangerAhead}", "nc: 1e308", f"path: {'[' * 3000}", "path: {a: b}", "? {}",
              f"nc: {'9' * 5000}", "train: /dev", "val: ../../../../etc", "names: 2026-01-01", "train: \"\\0\"",
              "%YAML 9.9", "names: {.nan: a, .inf: b}", "test: ~/x", "path: 0", "train: images/val",
              "val: nothing")  # fmt: skip

ODD_NAMES = ("../out", "/abs", "a/../../out", "images/TRAIN/i0.jpg", "data.yaml", "images/train", "data.yaml/x",
             "C:\\x", "..\\out", "a" * 300)  # fmt: skip


def yaml_bomb() -> str:
    """Write a YAML text whose aliases stand for 10^9 words."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(rows)


def list_lost(dataset: Dataset) -> list[str]:
    """List the good images that are not there with both their boxes."""
    there = [Path(one.file).name for one in dataset if len(one.boxes) == 2]
    return [name for name in GOOD if not any(file.startswith(name) for file in there)]


def judge_set(dataset: Dataset, bad: str) -> Outcome:
    """Judge a dataset. `bad` is how the name of the damaged item begins."""
    named = [f"{row.reason}: {row.detail}" for row in dataset.quarantine.itertuples() if bad in row.image + row.detail]
    return judge([*list_lost(dataset), *find_broken(dataset)], len(dataset.images) > len(GOOD), named)


def try_yolo(chance: random.Random, folder: Path, shared: Path) -> Outcome:
    """A damaged label file or image in a YOLO folder, or a damaged `data.yaml`: then the folder may be refused."""
    way = chance.random()
    given = write_files(folder / "given", yolo_files(data=DATA))
    if way < 0.25:
        (given / "data.yaml").write_bytes(damage_yaml(chance))
    else:
        add_damaged_item(given, chance, is_odd=way < 0.32)
    (folder / "into").mkdir()
    try:
        dataset = read_yolo(given, CLASSES, folder / "into", "classical", SILENT)
    except Exception as error:
        if way >= 0.25:
            raise
        return judge_error(error, str(given))
    if way < 0.25:
        return judge(find_broken(dataset), len(dataset.images) > 0, ())
    return judge_set(dataset, "bad")


def add_damaged_item(given: Path, chance: random.Random, is_odd: bool) -> None:
    """Add an image of which the bytes, the name, the kind of file or the label file is damaged."""
    stem = f"bad{chance.choice(NAMES)}" if chance.random() < 0.3 else "bad"
    stem = stem.encode("utf-8", "surrogateescape")[:230].decode("utf-8", "surrogateescape")
    image, label = given / f"images/train/{stem}.jpg", given / f"labels/train/{stem}.txt"
    write_files(given, {"images/train/new.jpg": 50})
    os.rename(given / "images/train/new.jpg", image)
    if is_odd:
        odd = chance.choice((image, label))
        image.unlink() if odd == image else label.write_text(BOTH_CLASSES)
        odd.unlink(missing_ok=True)
        place_oddity(odd, chance)
    elif chance.random() < 0.5:
        label.write_bytes(damage_text(BOTH_CLASSES * chance.choice((1, 20)), chance))
    else:
        label.write_text(BOTH_CLASSES)
        image.write_bytes(damage_picture(chance)[1])


def damage_yaml(chance: random.Random) -> bytes:
    """Damage the text of a `data.yaml`."""
    if chance.random() < 0.3:
        line = chance.choice(
            (*YAML_LINES, yaml_bomb() + chance.choice(("\npath: *a8", "\nnames: [*a8]", "\ntrain: *a8")))
        )
        return f"{DATA}{line}\n".encode() if chance.random() < 0.5 else f"{line}\n{DATA}".encode()
    return damage_text(DATA, chance)


def try_archive(chance: random.Random, folder: Path, shared: Path) -> Outcome:
    """An archive with good images whose bytes are damaged, or that has a member that must not be written."""
    files = write_files(folder / "good", yolo_files(data=DATA))
    members = {file.relative_to(files).as_posix(): file.read_bytes() for file in files.rglob("*") if file.is_file()}
    is_zip, has_oddity = chance.random() < 0.5, chance.random() < 0.5
    file = folder / ("set.zip" if is_zip else "set.tar.gz")
    (write_zip if is_zip else write_tar)(file, members, chance if has_oddity else None)
    if not has_oddity:
        file.write_bytes(damage_bytes(file.read_bytes(), chance))
    try:
        unpacked = unpack(file, folder / "unpacked")
    except Exception as error:
        return judge_error(error, str(file))
    (folder / "into").mkdir()
    try:
        dataset = read_yolo(unpacked, CLASSES, folder / "into", "classical", SILENT)
    except Exception as error:
        return judge_error(error, str(unpacked))
    lost = list_lost(dataset) if has_oddity else []
    return judge([*lost, *find_broken(dataset)], True, ())


def write_zip(file: Path, members: Mapping[str, bytes], chance: random.Random | None) -> None:
    """Write a zip; with a `chance` it has one member more that is odd."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if chance:
            odd = zipfile.ZipInfo(chance.choice((*NAMES, *ODD_NAMES)))
            odd.filename = odd.filename.replace("\udcff\udcfe", "x")
            kinds = (0, stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFDIR)
            odd.external_attr = chance.choice(kinds) << 16
            odd.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(odd, chance.choice((b"x", b"/dev/zero", b"../..", b"data.yaml", b".", bytes(30_000_000))))
    if chance and chance.random() < 0.3:
        whole = bytearray(file.read_bytes())
        entry = whole.rindex(b"PK\x01\x02")
        field = chance.choice((6, 8, 10, 20, 24, 28, 42))  # version, flags, method, sizes, name's length, offset
        whole[entry + field : entry + field + 2] = chance.choice((b"\1\0", b"\xff\xff", b"\0\0"))
        file.write_bytes(whole)


def write_tar(file: Path, members: Mapping[str, bytes], chance: random.Random | None) -> None:
    """Write a `.tar.gz`; with a `chance` it has one member more that is odd, or an odd header."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if chance:
            info = tarfile.TarInfo(chance.choice((*NAMES, *ODD_NAMES)))
            info.type = chance.choice((tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE,
                                       tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME,
                                       tarfile.GNUTYPE_SPARSE))  # fmt: skip
            info.linkname = chance.choice(("/dev/zero", "../..", "data.yaml", ".", "nothing", info.name))
            sized = info.type not in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE)
            info.size = chance.choice((0, 1, 600, 30_000_000)) if sized else 0
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    packer = zlib.compressobj(1, wbits=31)
    file.write_bytes(packer.compress(whole.getvalue()) + packer.flush())
