"""Which project is meant, against the real server."""

import pytest

from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.label_studio.project import find_project
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.label_studio_project import LabelStudioProject


def test_a_project_is_found_by_id_and_by_title(project: LabelStudioProject) -> None:
    client = LabelStudioClient(project.labels.url, project.labels.legacy_token)
    by_id = find_project(client, project.id)
    assert by_id == find_project(client, by_id.title)
    assert set(by_id.classes) == set(CLASSES.names)


def test_a_project_that_is_not_there_lists_those_that_are(project: LabelStudioProject) -> None:
    with pytest.raises(LabelStudioError, match=rf"'no such'.*{project.id} signs"):
        find_project(LabelStudioClient(project.labels.url, project.labels.legacy_token), "no such")
