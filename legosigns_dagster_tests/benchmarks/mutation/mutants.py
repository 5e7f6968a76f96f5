"""Mutants: the package's files, each changed in one place by an operator of mutmut.

Left out is what no test should have to tell apart: annotations and decorators (mypy holds most of them), the wording of
errors, log lines and other texts for people (two words with a space between), `encoding` (without effect where UTF-8 is
the default) and the `strict` of `zip` (without effect while the code is right).
"""

import ast
import difflib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst
import libcst.matchers as m
from mutmut.mutation.mutators import mutation_operators

PACKAGE = "legosigns_dagster"
ROOMS = ("core", "resources")
LOGGED = m.Attribute(attr=m.Name("info") | m.Name("warning") | m.Name("error") | m.Name("exception"))
GENERIC = m.Name("dict") | m.Name("tuple") | m.Name("Mapping") | m.Name("Sequence") | m.Name("Callable")
LEFT_OUT = (
    m.Annotation()
    | m.Decorator()
    | m.Raise()
    | m.Call(func=LOGGED)
    | m.Subscript(value=m.Name("Literal"))
    | m.Call(func=m.Name("TypeVar") | m.Name("cast"))
    | m.Arg(keyword=m.Name("encoding") | m.Name("strict"))
    | m.Assign(value=m.Subscript(value=GENERIC | m.Attribute(attr=m.Name("NDArray"))))
    | m.If(test=m.Name("TYPE_CHECKING"))
    | m.SimpleString(value=m.MatchRegex(r"(?s).*\w[,:]? \w.*"))
)
# Only nodes of these kinds are compared with the patterns, which is slow.
KINDS = tuple(getattr(libcst, type(one).__name__) for one in LEFT_OUT.options)


@dataclass(frozen=True)
class Place:
    """Where an operator can change a file.

    Attributes:
        file: The file, relative to the repository.
        node: What it changes.
        changes: What it can put there instead.
    """

    file: Path
    node: libcst.CSTNode
    changes: list[libcst.CSTNode]


@dataclass(frozen=True)
class Mutant:
    """A file with one change.

    Attributes:
        file: The file, relative to the repository.
        line: The first line that differs, from 1.
        code: The whole file with the change.
        diff: The lines that differ.
    """

    file: Path
    line: int
    code: str
    diff: str


def draw_mutants(root: Path, count: int, seed: int) -> tuple[list[Mutant], int]:
    """Draw so many places of all with the same chance, and one change in each.

    Returns:
        The mutants, and how many places there are.
    """
    modules = {file: libcst.parse_module((root / file).read_text(encoding="utf-8")) for file in list_files(root)}
    places = [place for file, module in modules.items() for place in find_places(file, module)]
    draw = random.Random(seed)
    draw.shuffle(places)
    mutants: list[Mutant] = []
    for place in places:
        if len(mutants) == count:
            break
        module = modules[place.file]
        code = changed_code(module, place.node, draw.choice(place.changes))
        mutant = Mutant(place.file, *difference(module.code, code))
        if is_another_program(module.code, code) and mutant not in mutants:
            mutants.append(mutant)
    return mutants, len(places)


def list_files(root: Path) -> list[Path]:
    """List the files that may be changed."""
    return sorted(file.relative_to(root) for room in ROOMS for file in (root / PACKAGE / room).rglob("*.py"))


def find_places(file: Path, module: libcst.Module) -> Iterator[Place]:
    """Find all places in a file that are not left out."""
    for node in walk(module):
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                changes = [change for change in operator(node) if not drops_what_is_left_out(node, change)]
                if changes:
                    yield Place(file, node, changes)


def walk(node: libcst.CSTNode) -> Iterator[libcst.CSTNode]:
    """Yield a node and all below it that are not left out."""
    if not is_left_out(node):
        yield node
        for child in node.children:
            yield from walk(child)


def is_left_out(node: libcst.CSTNode) -> bool:
    """Tell whether nothing in a node is changed."""
    return isinstance(node, KINDS) and m.matches(node, LEFT_OUT)


def drops_what_is_left_out(node: libcst.CSTNode, change: libcst.CSTNode) -> bool:
    """Tell whether a change takes away or replaces a child that is left out."""
    kept = {id(child) for child in change.children}
    return any(id(child) not in kept and is_left_out(child) for child in node.children)


def changed_code(module: libcst.Module, node: libcst.CSTNode, change: libcst.CSTNode) -> str:
    """Write a module with one node replaced."""
    changed = module.deep_replace(node, change)
    assert isinstance(changed, libcst.Module)
    return changed.code


def is_another_program(before: str, after: str) -> bool:
    """Tell whether a change can be run, and may do something else."""
    try:
        return ast.dump(ast.parse(before)) != ast.dump(ast.parse(after))
    except SyntaxError:
        return False


def difference(before: str, after: str) -> tuple[int, str, str]:
    """Find the first line that differs. Returned with the new code and the lines that differ."""
    old, new = before.splitlines(), after.splitlines()
    pairs = enumerate(zip(old, new, strict=False), 1)
    line = next((number for number, (one, other) in pairs if one != other), min(len(old), len(new)))
    lines = list(difflib.unified_diff(old, new, lineterm="", n=0))[2:]
    return line, after, "\n".join(text for text in lines if not text.startswith("@@"))
