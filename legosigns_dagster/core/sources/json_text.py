"""JSON that any program wrote: one document that Python cannot hold does not affect the others."""

import json
import re
from json import JSONDecodeError
from typing import Any

MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[][{},]', re.DOTALL)


def parse_documents(text: str) -> Any:
    """Parse a JSON text. In a list, a document that Python cannot hold becomes the error itself.

    That is one with a number of more than 4,300 digits, or one that is nested too deeply.

    Raises:
        ValueError: It is not JSON, or it is no list and has such a number.
        RecursionError: It is no list, and is nested too deeply.
    """
    try:
        return json.loads(text)
    except JSONDecodeError:
        raise
    except (ValueError, RecursionError):
        documents = split_documents(text)
        if not documents:
            raise
    parsed: list[Any] = []
    for document in documents:
        try:
            parsed.append(json.loads(document))
        except (ValueError, RecursionError) as error:
            parsed.append(error)
    return parsed


def split_documents(text: str) -> list[str]:
    """Split the text of a JSON list into the texts of its items, none where it is no list or is cut off.

    Example:
        >>> split_documents('[{"a": "1, 2]"}, [3, 4], 5]')
        ['{"a": "1, 2]"}', ' [3, 4]', ' 5']
    """
    depth, start, items = 0, 0, []
    for found in MARKS.finditer(text):
        mark = found[0]
        if mark in "]}" or (mark == "," and depth == 1):
            if depth == 1:
                items.append(text[start : found.start()])
                start = found.end()
            depth -= mark != ","
        elif mark in "[{":
            depth += 1
            start = found.end() if depth == 1 else start
    return items if depth == 0 and text.lstrip().startswith("[") else []
