"""The documentation says what is there."""

import re
import shlex

import dagster as dg
import pytest
import yaml

from legosigns_dagster.automation import release, traffic_signs
from legosigns_dagster.cli import command_line
from legosigns_dagster.core.dataset.validation import INTENDED_REASONS
from legosigns_dagster.definitions import defs
from legosigns_dagster_tests.support import configuration_page, pages
from legosigns_dagster_tests.support.environment import PACKAGE, ROOT, VARIABLES
from legosigns_dagster_tests.support.pages import PAGES, VARIABLE

TESTS = ROOT / "legosigns_dagster_tests"
CONFIGURATION, LABEL_STUDIO = PAGES["docs/configuration.md"], PAGES["docs/label-studio.md"]
ARCHITECTURE, OPERATIONS = PAGES["docs/architecture.md"], PAGES["docs/operations.md"]
BENCHMARKS, DECISIONS = PAGES["docs/benchmarks.md"], PAGES["docs/decisions.md"]
ROOMS = sorted(file.parent.relative_to(ROOT).as_posix() for file in PACKAGE.rglob("__init__.py"))
MESSAGES = pages.first_cells(pages.section(OPERATIONS, "Error messages"))
TEXTS = pages.source_texts()
each_page = pytest.mark.parametrize("page", PAGES)


@each_page
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)]+)\)", pages.prose(PAGES[page])):
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        found = file.exists() and (not anchor or anchor in pages.headings(file.read_text(encoding="utf-8")))
        dead += [] if found else [target]
    assert dead == []


@each_page
def test_every_file_and_folder_of_the_project_that_a_page_names_exists(page: str) -> None:
    paths = re.findall(r"\b(?:legosigns_dagster(?:_tests)?|docs|configs)/[\w./-]*[\w/]", PAGES[page])
    at_the_top = re.findall(
        r"(?<![\w./-])(?:[a-z-]+\.yaml|constraints\.txt|[A-Z]+\.md|Dockerfile|Makefile)\b", PAGES[page]
    )
    assert [name for name in (*paths, *at_the_top) if not (ROOT / name).exists() and name != "data.yaml"] == []


def test_the_readme_leads_to_every_page() -> None:
    linked = re.findall(r"\]\((docs/[\w-]+\.md)", PAGES["README.md"])
    assert set(PAGES) - {"README.md"} == set(linked)


def test_a_person_can_read_the_readme_in_five_minutes() -> None:
    lines = PAGES["README.md"].splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 120] == []


@each_page
def test_no_line_is_longer_than_a_screen_is_wide(page: str) -> None:
    assert [line for line in PAGES[page].splitlines() if len(line) > 200] == []


def test_the_pictures_are_small_and_shown() -> None:
    files = sorted((ROOT / "docs" / "pictures").iterdir())
    assert [file.name for file in files if f"docs/pictures/{file.name}" not in PAGES["README.md"]] == []
    assert [file.name for file in files if file.stat().st_size > 150_000] == []


def test_every_variable_that_the_code_reads_has_a_row() -> None:
    rows = pages.first_cells(pages.section(CONFIGURATION, "Environment variables"))
    assert len(rows) == len(set(rows))
    assert set(rows) == set(VARIABLES)


def test_every_variable_that_the_code_reads_is_one_that_the_tests_clear() -> None:
    own = r"(?:BASE_WEIGHTS|CLASSICAL_SIGNS|SIGN_CUTOUTS|BACKGROUNDS)"
    read = {text for text in TEXTS if re.fullmatch(rf"{VARIABLE}|{own}", text)}
    assert len(read) > 20
    assert read <= set(VARIABLES)


@each_page
def test_no_page_names_a_variable_that_nobody_reads(page: str) -> None:
    experiments = "".join(file.read_text(encoding="utf-8") for file in (TESTS / "benchmarks").rglob("*.py"))
    known = {*VARIABLES, *re.findall(VARIABLE, experiments)}
    assert set(re.findall(VARIABLE, PAGES[page])) - known == set()


def test_the_settings_are_those_of_the_launchpad() -> None:
    """Write them with `python -m legosigns_dagster_tests.support.configuration_page`."""
    assert configuration_page.updated(CONFIGURATION) == CONFIGURATION
    assert len(configuration_page.forms()) == 10


@each_page
def test_every_setting_in_a_table_of_settings_exists(page: str) -> None:
    known = {name for form in configuration_page.forms().values() for name in form.model_fields}
    named = set()
    for header, *rows in pages.tables(PAGES[page]):
        columns = [number for number, title in enumerate(header) if title.startswith("setting")]
        named |= {name for row in rows for number in columns for name in pages.quoted(row[number])}
    assert named - known - set(configuration_page.forms()) == set()


@each_page
def test_every_example_of_settings_is_accepted_by_the_job(page: str) -> None:
    for block in pages.code_blocks(PAGES[page], "yaml"):
        config = yaml.safe_load(block)
        if "ops" in config:
            job = release if "release_candidate_checks" in config["ops"] else traffic_signs
            dg.validate_run_config(defs.resolve_job_def(job.name), config)


@each_page
def test_every_target_of_make_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {found[1] for line in pages.commands(PAGES[page]) if (found := re.match(r"make ([a-z0-9-]+)", line))}
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


@each_page
def test_every_module_that_a_command_runs_exists(page: str) -> None:
    own = re.findall(r"-m (legosigns_dagster[\w.]*\w)", "\n".join(pages.commands(PAGES[page])))
    assert [name for name in own if not is_module(name)] == []


@each_page
def test_every_command_of_the_console_is_understood(page: str) -> None:
    for line in pages.commands(PAGES[page]):
        if found := re.match(r"(?:\.venv/bin/)?legosigns ([^#]+)", line):
            command_line().parse_args(shlex.split(found[1]))


@each_page
def test_every_job_and_asset_that_a_command_names_exists(page: str) -> None:
    text = "\n".join(pages.commands(PAGES[page]))
    assert set(re.findall(r" -j (\w+)", text)) <= {traffic_signs.name, release.name}
    assets = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert set(re.findall(r"--select '?\+?(\w+)", text)) <= assets


@each_page
def test_every_test_that_a_command_chooses_exists(page: str) -> None:
    for file, word in re.findall(r"pytest (\S+\.py) -k (\w+)", PAGES[page]):
        assert re.search(rf"def test_\w*{word}", (ROOT / file).read_text(encoding="utf-8"))


def test_every_benchmark_exists_and_every_figure_has_a_date_and_a_commit() -> None:
    (prefix,) = re.findall(r"-m (legosigns_dagster_tests\.[\w.]+)`", BENCHMARKS)
    rows = [row for header, *rows in pages.tables(BENCHMARKS) for row in rows]
    assert len(rows) > 20
    modules = {prefix + pages.quoted(row[2])[0].split()[0] for row in rows if row[2].startswith("`")}
    assert [name for name in modules if not is_module(name)] == []
    assert [row for row in rows if not re.fullmatch(r"20\d\d-\d\d-\d\d, [0-9a-f]{7}", row[3])] == []


def test_every_decision_has_a_date_and_a_reason() -> None:
    entries = re.split(r"^### ", DECISIONS, flags=re.MULTILINE)[1:]
    assert len(entries) > 20
    assert [entry for entry in entries if not re.match(r".+ \(20\d\d-\d\d-\d\d\)\n", entry)] == []
    assert [entry for entry in entries if "- **Why**: " not in entry] == []


def test_every_room_and_every_file_of_the_shell_is_on_the_map() -> None:
    named = pages.first_cells(pages.section(ARCHITECTURE, "Map of the rooms"))
    shell = [file.relative_to(ROOT).as_posix() for file in PACKAGE.glob("*.py") if file.name != "__init__.py"]
    assert sorted(name.rstrip("/") for name in named) == sorted([*ROOMS, *shell])


def test_the_order_of_the_rooms_that_a_page_gives_is_the_code_s() -> None:
    (order,) = re.findall(r"build on each other in this order: ([\w,; \n]+)\.", ARCHITECTURE)
    ranks = [[room.strip() for room in step.split(",")] for step in order.split(";")]
    rank = {room: number for number, rooms in enumerate(ranks) for room in rooms}
    for room in rank:
        files = "".join(file.read_text(encoding="utf-8") for file in (PACKAGE / "core" / room).glob("*.py"))
        used = set(re.findall(r"legosigns_dagster\.core\.(\w+)\.\w+ import", files)) - {room}
        assert all(rank[other] < rank[room] for other in used), room
    assert {f"legosigns_dagster/core/{room}" for room in rank} == {
        r for r in ROOMS if r.count("/") == 2 and "/core/" in r
    }


def test_the_glossary_has_every_reason_of_the_quarantine() -> None:
    glossary = pages.first_cells(pages.section(LABEL_STUDIO, "The quarantine"))
    assert set(glossary) == pages.reasons_in_the_code()


def test_the_glossary_marks_the_reasons_that_lose_no_image() -> None:
    quarantine = next(pages.tables(pages.section(LABEL_STUDIO, "The quarantine")))
    marked = {pages.quoted(row[0])[0] for row in quarantine[1:] if row[3:] == ["yes"]}
    assert marked == set(INTENDED_REASONS)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_index_is_one_of_the_code(message: str) -> None:
    pattern = ".*".join(map(re.escape, message.split("…")))
    assert any(re.search(pattern, text, re.DOTALL) for text in TEXTS)


def test_the_index_has_messages() -> None:
    assert len(MESSAGES) > 50


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()
