"""What Dagster's UI shows of each asset after the job: it lists metadata in the order in which they were stored."""

import base64
import io
import re
from typing import Any
from xml.etree import ElementTree

import dagster as dg
import pytest
from PIL import Image

from legosigns_dagster_tests.support.workplace import Workplace

ASSETS = ("base_weights", "classical_signs", "sign_cutouts", "backgrounds", "raw_annotations", "synthetic_set",
          "model_weights", "comparison_report")  # fmt: skip
PICTURE = re.compile(r"!\[[^]]+\]\(data:image/(jpeg|svg\+xml);base64,([A-Za-z0-9+/=]+)\)")
INLINE = 1000  # letters: the UI hides a longer text behind a button


@pytest.fixture(scope="module")
def pages(laptop: Workplace, printed: str) -> dict[str, dict[str, Any]]:
    """The metadata of each asset's newest version, in their order."""
    found = {}
    with laptop.instance() as instance:
        for asset in ASSETS:
            event = instance.get_latest_materialization_event(dg.AssetKey(asset))
            assert event
            assert event.asset_materialization
            found[asset] = dict(event.asset_materialization.metadata)
    return found


def kind(name: str, value: dg.MetadataValue[Any]) -> str:
    """What part of a page an entry belongs to."""
    if name in ("downloads", "picture", "settings"):
        return name
    return "table" if isinstance(value, dg.TableMetadataValue) else "fact"


@pytest.mark.parametrize("asset", ASSETS)
def test_a_page_begins_with_the_files_and_a_picture_then_come_facts_tables_and_settings(
    asset: str, pages: dict[str, dict[str, Any]]
) -> None:
    kinds = [kind(name, value) for name, value in pages[asset].items()]
    until_settings = kinds[: kinds.index("settings") + 1] if "settings" in kinds else kinds[: kinds.index("table") + 1]
    once = [one for number, one in enumerate(until_settings) if one not in until_settings[:number]]
    tables = ["table"] if "table" in kinds else []
    assert once == ["downloads", "picture", "fact", *tables, *(["settings"] if "settings" in kinds else [])]
    assert until_settings == sorted(until_settings, key=once.index)


@pytest.mark.parametrize("asset", ASSETS)
def test_every_picture_can_be_seen(asset: str, pages: dict[str, dict[str, Any]]) -> None:
    found = PICTURE.fullmatch(pages[asset]["picture"].value)
    assert found
    content = base64.b64decode(found[2], validate=True)
    if found[1] == "jpeg":
        with Image.open(io.BytesIO(content)) as image:
            assert image.width >= 320
            assert len(image.convert("L").getcolors() or []) > 20
    else:
        drawn = ElementTree.fromstring(content)
        assert len(list(drawn.iter())) > 20
        text = content.decode()
        assert set(re.findall(r"var\((--\w+)\)", text)) <= set(re.findall(r"(--\w+):", text))


def test_the_settings_of_every_step_that_has_some_can_be_read_without_a_click(
    pages: dict[str, dict[str, Any]],
) -> None:
    settings = {asset: str(page["settings"].value) for asset, page in pages.items() if "settings" in page}
    assert set(settings) == set(ASSETS) - {"comparison_report"}
    assert max(map(len, settings.values())) < INLINE
    assert re.search(r"'epochs': \d+, 'freeze'", settings["model_weights"])


def test_no_table_has_more_than_five_columns(pages: dict[str, dict[str, Any]]) -> None:
    tables = [v for page in pages.values() for v in page.values() if isinstance(v, dg.TableMetadataValue)]
    assert len(tables) > 8
    assert max(len(one.schema.columns) for one in tables) <= 5


def test_the_report_is_the_first_thing_on_its_page_and_the_verdict_the_first_fact(
    pages: dict[str, dict[str, Any]],
) -> None:
    page = pages["comparison_report"]
    assert page["downloads"].value.splitlines()[0].endswith("/comparison.html`")
    assert list(page)[2] == "verdict"
    assert len(page["downloads"].value) < INLINE
