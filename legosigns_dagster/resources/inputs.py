"""What people give the pipeline: places for each source, named by the deployment's variables."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import dagster as dg

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.progress import Log
from legosigns_dagster.resources.label_studio.api import Api
from legosigns_dagster.resources.label_studio.client import RETRY_AFTER_S, LabelStudioServer
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.project import find_project
from legosigns_dagster.resources.label_studio.sources import AnnotationSource, Export, Sink
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster.resources.storage.s3_client import S3

READ_BY = {
    "base_weights": {"base_weights": "BASE_WEIGHTS"},
    "classical_signs": {"classical_signs": "CLASSICAL_SIGNS"},
    "sign_cutouts": {"sign_cutouts": "SIGN_CUTOUTS"},
    "backgrounds": {"backgrounds": "BACKGROUNDS"},
    "raw_annotations": {
        "sink": "LABEL_STUDIO_SINK", "export": "LABEL_STUDIO_EXPORT", "images": "LABEL_STUDIO_IMAGES"},
}  # fmt: skip


class Inputs(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A path or an `s3://` URI for each source, an empty one where there are no classical signs.

    Annotations are in a sink, in an export, or in a project's API.
    """

    s3: dg.ResourceDependency[S3]
    base_weights: str
    classical_signs: str
    sign_cutouts: str
    backgrounds: str
    sink: str = ""
    export: str = ""
    images: str = ""
    label_studio_url: str = ""
    label_studio_key: str = ""
    label_studio_project: str = ""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Before a run's first step does any work: an error that names the variable where a source cannot be read.

        Looked at are the sources of the assets that the run makes.
        """
        if context.run is None or context.instance is None or not context.run.execution_plan_snapshot_id:
            return  # a sensor's
        client = cache(self.s3.impatient)  # making one takes as long as a request
        plan = context.instance.get_execution_plan_snapshot(context.run.execution_plan_snapshot_id)
        for asset, fields in READ_BY.items():
            if asset not in plan.step_keys_to_execute:
                continue
            for field, variable in fields.items():
                if uri := getattr(self, field):
                    Location(uri, variable, client).require()

    def bring(self, source: str, into: Path) -> Path:
        """The file or folder of `base_weights`, `classical_signs`, `sign_cutouts` or `backgrounds`."""
        return self._location(getattr(self, source), source.upper()).bring(into)

    def annotations(self, classes: SignClasses, log: Log, reconcile_sink: bool = False) -> AnnotationSource:
        """Where the annotations are; ValueError where two places are named, or none."""
        if self.sink and self.export:
            raise ValueError(
                f"LABEL_STUDIO_SINK is {self.sink!r} and LABEL_STUDIO_EXPORT is {self.export!r}: set one of them"
            )
        if self.sink:
            if reconcile_sink:
                self._require_server("reconcile_sink is on")
            location = self._location(self.sink, "LABEL_STUDIO_SINK")
            return Sink(location, self.label_studio_project, self.server if reconcile_sink else None)
        if self.export:
            return Export(self._location(self.export, "LABEL_STUDIO_EXPORT"))
        if self.label_studio_project:
            return Api(self.server, self.label_studio_project, classes, log)
        raise ValueError("no annotations: set LABEL_STUDIO_SINK, LABEL_STUDIO_EXPORT or LABEL_STUDIO_PROJECT")

    def server(self, retry_after_s: Sequence[float] = RETRY_AFTER_S) -> LabelStudioServer:
        """The Label Studio that the variables name."""
        return LabelStudioServer(self.label_studio_url, self.label_studio_key, retry_after_s=retry_after_s)

    def image_fetcher(self) -> ImageFetcher:
        """What puts a task's image into a folder."""
        folder = self._location(self.images, "LABEL_STUDIO_IMAGES") if self.images else None
        server = self.server() if self.label_studio_url and self.label_studio_key else None
        wanted = self.label_studio_project
        project = (lambda: find_project(server, wanted).id) if server and wanted else None
        return ImageFetcher(folder, self.s3.get_client, server, project)

    def _require_server(self, because: str) -> None:
        given = {"LABEL_STUDIO_URL": self.label_studio_url, "LABEL_STUDIO_API_KEY": self.label_studio_key,
                 "LABEL_STUDIO_PROJECT": self.label_studio_project}  # fmt: skip
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise ValueError(f"{because}, {' and '.join(missing)} not set: Label Studio has to be asked")

    def _location(self, uri: str, variable: str) -> Location:
        return Location(uri, variable, self.s3.get_client)
