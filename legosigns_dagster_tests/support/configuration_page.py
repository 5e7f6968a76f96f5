"""The settings in docs/configuration.md: `python -m legosigns_dagster_tests.support.configuration_page` writes them.

They come from the forms that the Launchpad shows: each step of the jobs whose function takes a `config`. What stands
outside of the two marks in the page is written by hand.
"""

import textwrap
from pathlib import Path
from typing import Any, get_type_hints

import dagster as dg
from pydantic.fields import FieldInfo

from legosigns_dagster.assets.settings import allowed_sentence, allowed_values
from legosigns_dagster.automation import release, traffic_signs
from legosigns_dagster.definitions import defs
from legosigns_dagster_tests.support.environment import ROOT

PAGE = ROOT / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"
WIDTH = 120


def forms() -> dict[str, type[dg.Config]]:
    """The class of the settings of each step that has some, in the order in which the steps run."""
    found = {}
    jobs = [defs.resolve_job_def(job.name) for job in (traffic_signs, release)]
    for node in (node for job in jobs for node in job.nodes_in_topological_order):
        function: Any = node.definition
        config = get_type_hints(function.compute_fn.decorated_fn).get("config")
        if config:
            found[node.name] = config
    return found


def entry(name: str, field: FieldInfo) -> str:
    """A setting as an item of a list: name, default, what may be set, what it does."""
    default = str(field.default).lower() if isinstance(field.default, bool) else field.default
    default = default if default != "" else "empty"
    text = str(field.description).removesuffix(allowed_sentence(field))
    return wrapped(f"- `{name}`: **{default}** ({allowed_values(field)}). {text}", "  ")


def wrapped(text: str, indent: str = "") -> str:
    """The text in lines that fit; the second and later ones are indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def renamed(form: type[dg.Config]) -> str:
    """The settings that are refused with their new name, as a paragraph; empty where there are none."""
    old = {name: field for name, field in form.model_fields.items() if field.deprecated}
    names = [
        f"`{name}` ({str(field.description).rstrip('.').removeprefix('Renamed: ')})" for name, field in old.items()
    ]
    return wrapped(f"Old names, which are refused: {', '.join(names)}.") if names else ""


def settings() -> str:
    """All settings, a heading for each step."""
    parts = []
    for step, form in forms().items():
        fields = {name: field for name, field in form.model_fields.items() if not field.deprecated}
        parts += [f"### {step}", "\n".join(entry(name, field) for name, field in fields.items()), renamed(form)]
    return "\n\n".join(filter(None, parts))


def updated(page: str) -> str:
    """The page with the settings as they are now."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{settings()}\n\n{END}{rest.split(END)[1]}"


def main(page: Path = PAGE) -> None:
    """Write the settings into the page."""
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
