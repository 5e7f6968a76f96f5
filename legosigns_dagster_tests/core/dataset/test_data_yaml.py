from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.data_yaml import find_data_yaml, read_classes, read_data_yaml
from legosigns_dagster.core.sources.source_files import list_source_files
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.yolo_folder import NAMES, write_files


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("names: [SpeedLimit, DangerAhead]", id="a list"),
        pytest.param("names:\n- SpeedLimit\n- DangerAhead\n", id="a list of lines"),
        pytest.param("names: {1: DangerAhead, 0: SpeedLimit}", id="a mapping in another order"),
        pytest.param('names: {0: SpeedLimit, "1": DangerAhead}', id="one id in quotes"),  # yolov5 issue 9194
        pytest.param('{"names": {"0": "SpeedLimit", "1": "DangerAhead"}}', id="JSON"),  # ultralytics issue 639
        pytest.param("\ufeffnames: [SpeedLimit, DangerAhead]", id="a byte order mark"),
        pytest.param("nc: 2\r\nnames: ['SpeedLimit', 'DangerAhead']\r\n", id="Windows"),
        pytest.param("date: 2026-01-01\nnames: [SpeedLimit, DangerAhead]", id="other keys"),
    ],
)
def test_names_are_read_as_ultralytics_does(content: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"data.yaml": content})
    assert read_classes(tmp_path) == CLASSES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("names:\n\t- SpeedLimit\n", "spaces, not with tabs", id="a tab"),
        pytest.param("names: [a\x07b]\n", "not readable YAML", id="a control character"),
        # nine lines of aliases stand for 10^9 words, which no message and no memory holds
        pytest.param(
            f"a0: &a0 [{'x, ' * 9}x]\n"
            + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 10}]\n" for n in range(1, 9))
            + "names: [*a8]\n",
            r"not readable YAML \(\*a0 repeats a value",
            id="aliases of aliases",
        ),
        pytest.param("a: &a {x: 1}\nnames:\n  <<: [*a, *a]\n", r"\*a repeats a value", id="merged aliases"),
        pytest.param("names: &a [*a]\n", r"\*a repeats a value", id="an alias of itself"),
        pytest.param("#" * 1_000_001, r"has 1\.0 MB, expected at most 1 MB: is it another file", id="a large file"),
        pytest.param("names: [a, b", "not readable YAML", id="cut off"),
        pytest.param("date: 2026-02-31\nnames: [a]", "not readable YAML", id="a day that is none"),
        pytest.param("names: [Geschwindigkeit, Fußgänger]".encode("latin-1"), "save it as UTF-8", id="Latin-1"),
        pytest.param("names: [a]".encode("utf-16"), "save it as UTF-8", id="UTF-16"),
        pytest.param("- SpeedLimit\n- DangerAhead\n", "is a list, expected keys", id="a list alone"),
        pytest.param("SpeedLimit", "is a str, expected keys", id="a word"),
        pytest.param("", "is empty", id="empty"),
        pytest.param("train: images/train", "no 'names'", id="no names"),
        pytest.param("names:", "no 'names'", id="names without a value"),
        pytest.param("names:\n  0:SpeedLimit\n  1:DangerAhead\n", "space after the colon", id="no space"),
        pytest.param("names: classes.txt", "is the str 'classes.txt'", id="a file of names"),
        pytest.param("names:\n- 0: SpeedLimit\n- 1: DangerAhead\n", "write '0: SpeedLimit'", id="a list of mappings"),
        pytest.param("names: {SpeedLimit: 0, DangerAhead: 1}", "id 'SpeedLimit', expected a whole", id="turned round"),
        pytest.param("names: {SpeedLimit, DangerAhead}", "'SpeedLimit': None, expected a name", id="a set"),
        pytest.param("names: {0: a, 2: b}", r"\[0, 2\], expected 0 to 1", id="a gap"),
        pytest.param("names: {1: a, 2: b}", r"\[1, 2\], expected 0 to 1", id="ids from 1"),
        pytest.param("names: {0: a, '0': b}", "id 0 twice, with 'a' and 'b'", id="an id twice"),
        pytest.param("nc: 3\nnames: [a, b]", "'nc' is 3, but 'names' has 2", id="another number of classes"),
        pytest.param("train: 5\nnames: [a]", "'train' is 5, expected a folder", id="a number as folder"),
        pytest.param("kpt_shape: 17\nnames: [a]", "'kpt_shape' is 17, expected the number", id="a shape that is none"),
        pytest.param("kpt_shape: [17, x]\nnames: [a]", "'kpt_shape' is", id="a shape of words"),
        pytest.param("val: {a: b}\nnames: [a]", "'val' is {'a': 'b'}", id="a mapping as folder"),
    ],
)
def test_what_is_wrong_in_a_data_yaml_is_said_with_the_file(content: str | bytes, message: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"deep/data.yaml": content})
    with pytest.raises(ValueError, match=f"deep/data.yaml.*{message}"):
        read_classes(tmp_path)


def test_entries_are_read_by_their_split(tmp_path: Path) -> None:
    text = f"{NAMES}path: ../set\ntrain: [a, b.txt]\nvalid: c\nvalidation:\ntest: ''\n"
    write_files(tmp_path, {"data.yaml": text})
    data = read_data_yaml(tmp_path / "data.yaml")
    assert (data.path, data.entries) == ("../set", {"train": ("a", "b.txt"), "val": ("c",)})


@pytest.mark.parametrize("name", ["data.yaml", "data.yml", "Data.YAML", "deep/er/data.yaml", "signs.yaml"])
def test_the_only_yaml_is_found(name: str, tmp_path: Path) -> None:
    write_files(tmp_path, {name: NAMES, "__MACOSX/._data.yaml": b"\0", "__MACOSX/data.yaml": b"\0"})
    assert find_data_yaml(list_source_files(tmp_path)) == tmp_path / name


def test_several_are_an_error_that_names_them(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/data.yaml": NAMES, "b/data.yml": NAMES, "c.yaml": NAMES})
    with pytest.raises(FileNotFoundError, match=r"2 files data\.yaml \(a/data\.yaml, b/data\.yml\)"):
        find_data_yaml(list_source_files(tmp_path))
