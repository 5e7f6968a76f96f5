"""A small server that answers what a Label Studio answers to the lists and exports of one project."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from legosigns_dagster_tests.support.builders import annotation, region, task
from legosigns_dagster_tests.support.served_models import Reply, SmallServer, json_reply, small_server


class SmallLabelStudio:
    """Project 1 and its tasks, each with one annotation.

    Attributes:
        changed: When each task was last changed, by its id.
        listed: For each list that was asked for: since when; empty for one of all tasks.
        exported: The ids in each export.
    """

    def __init__(self, changed: dict[int, str]) -> None:
        self.changed = changed
        self.listed: list[str] = []
        self.exported: list[list[str]] = []

    @contextlib.contextmanager
    def run(self) -> Iterator[SmallServer]:
        """Run it."""
        with small_server(self.respond) as server:
            yield server

    def respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a request."""
        parts = urlsplit(path)
        pairs = parse_qsl(parts.query)
        if parts.path == "/api/projects/1/export":
            self.exported.append([value for name, value in pairs if name == "ids[]"])
            return json_reply([self.describe(int(key)) for key in self.exported[-1]])
        return self.list_tasks(dict(pairs)) if parts.path == "/api/tasks/" else json_reply({"detail": "none"}, 404)

    def list_tasks(self, wanted: Mapping[str, str]) -> Reply:
        """Answer one page of a list. The page after the last one is a 404."""
        query = json.loads(wanted.get("query", "{}"))
        since = query["filters"]["items"][0]["value"] if "filters" in query else ""
        chosen = sorted(key for key, at in self.changed.items() if at > since)
        if "ordering" in query:
            chosen.sort(key=lambda key: self.changed[key], reverse=True)
        else:
            self.listed.append(since)
        size, number = int(wanted["page_size"]), int(wanted["page"])
        page = chosen[size * (number - 1) : size * number]
        if number > 1 and not page:
            return json_reply({"detail": "invalid page"}, 404)
        tasks = [{"id": key, "updated_at": self.changed[key]} for key in page]
        return json_reply({"tasks": tasks, "total": len(chosen), "total_annotations": len(chosen)})

    def describe(self, key: int) -> dict[str, Any]:
        """A task as it is exported."""
        return task(f"{key}.jpg", annotation(region(), id=key), id=key) | {"updated_at": self.changed[key]}
