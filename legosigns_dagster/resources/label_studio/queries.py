"""How lists are asked of Label Studio: page by page, and filtered."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, TypeVar

Item = TypeVar("Item")


def read_pages(get_page: Callable[[int], tuple[list[Item], bool]]) -> Iterator[list[Item]]:
    """Yield the items of page 1, page 2 and so on, up to the last page.

    Args:
        get_page: Returns the items of the page with this number, and whether it is the last one.

    Example:
        >>> pages = {1: ["a", "b"], 2: ["c"]}
        >>> list(read_pages(lambda number: (pages[number], number == 2)))
        [['a', 'b'], ['c']]
    """
    for number in count(1):
        items, is_last = get_page(number)
        yield items
        if is_last:
            return


def later_than(moment: str) -> dict[str, Any]:
    """Make the query for tasks that changed after a time, which is written as Label Studio does: with microseconds."""
    item = {"filter": "filter:tasks:updated_at", "operator": "greater", "type": "Datetime", "value": moment}
    return {"filters": {"conjunction": "and", "items": [item]}}
