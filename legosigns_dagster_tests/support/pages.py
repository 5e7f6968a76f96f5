"""The documentation's pages and the package's source, read for what a test can compare."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from legosigns_dagster_tests.support.environment import PACKAGE, ROOT

README = ROOT / "README.md"
PAGES = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
    for file in (README, *sorted((ROOT / "docs").glob("*.md")))
}
PREFIXES = ("LEGOSIGNS", "LABEL_STUDIO", "AWS")
VARIABLE = rf"\b(?:{'|'.join(PREFIXES)})_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])"
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def code_blocks(text: str, language: str | None = None) -> list[str]:
    """The code blocks of a page, or only those of one language."""
    return [body for name, body in FENCE.findall(text) if language is None or name == language]


def prose(text: str) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", text)


def headings(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def section(text: str, title: str) -> str:
    """What stands below a heading, down to the next one that is not below it."""
    level, after = re.split(rf"^(#+) {re.escape(title)}$", text, maxsplit=1, flags=re.MULTILINE)[1:]
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def tables(text: str) -> Iterator[list[list[str]]]:
    """The tables of a page: rows of cells, the header first, without the line below it."""
    for lines in re.findall(r"(?:^\|.*\|\n?)+", prose(text), re.MULTILINE):
        rows = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in lines.strip().splitlines()]
        yield [rows[0], *rows[2:]]


def quoted(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", text)


def first_cells(text: str) -> list[str]:
    """What stands in backticks in the first column of a page's tables."""
    return [name for rows in tables(text) for row in rows[1:] for name in quoted(row[0])]


def commands(text: str) -> list[str]:
    """What a reader may type: the lines of code blocks, and what stands in backticks."""
    lines = [line.strip().removeprefix("$ ") for block in code_blocks(text) for line in block.splitlines()]
    return [*lines, *quoted(prose(text))]


def source_files() -> list[Path]:
    """Every source file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def source_trees() -> list[ast.Module]:
    """The package's source, parsed."""
    return [ast.parse(file.read_text(encoding="utf-8")) for file in source_files()]


def text_of(node: ast.AST) -> str | None:
    """A string of the source, with `…` in place of what is put in; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "…" for part in node.values)
    return None


def source_texts() -> list[str]:
    """Every string in the package's source, without docstrings."""
    nodes = [node for tree in source_trees() for node in ast.walk(tree)]
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = (text_of(node) for node in nodes if id(node) not in alone)
    return [text for text in texts if text is not None]


def parameters(node: ast.ClassDef | ast.FunctionDef) -> list[str]:
    """What a function or a class takes, by position: of a class, its `__init__`'s parameters or its fields."""
    if isinstance(node, ast.FunctionDef):
        return [one.arg for one in node.args.args if one.arg != "self"]
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            return parameters(one)
    return [one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]


def takers_of_reasons() -> dict[str, int]:
    """The classes and functions that take a reason of the quarantine, by name, and as which argument."""
    nodes = [node for tree in source_trees() for node in ast.walk(tree) if getattr(node, "name", "") != "__init__"]
    found: dict[str, int] = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and "reason" in parameters(node):
            found[node.name] = parameters(node).index("reason")
    for node in nodes:
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            if isinstance(node, ast.ClassDef) and isinstance(base, ast.Name) and base.id in found:
                found[node.name] = found[base.id]
    return found


def reasons_in_the_code() -> set[str]:
    """Every reason of the quarantine and of the adjustments; `…` for what differs from case to case."""
    takers, found = takers_of_reasons(), set()
    for tree in source_trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                given = node.args[takers[name]] if name in takers and len(node.args) > takers[name] else None
                named = [word.value for word in node.keywords if word.arg == "reason"] if name in takers else []
                found |= {text for text in map(text_of, [given, *named] if given else named) if text}
    return {re.sub("…+", "…", text) for text in found}
