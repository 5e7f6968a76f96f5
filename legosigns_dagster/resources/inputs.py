"""What people give the pipeline: places for each source, named by the deployment's variables."""

from pathlib import Path

import dagster as dg
from dagster_aws.s3 import S3Resource

from legosigns_dagster.core.ingestion import Fetch
from legosigns_dagster.resources.label_studio import AnnotationSource, Export, Sink, image_fetcher
from legosigns_dagster.resources.locations import Location


class Inputs(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A path or an `s3://` URI for each source. Exactly one of `sink` and `export` is set."""

    s3: dg.ResourceDependency[S3Resource]
    base_weights: str
    classical_signs: str
    sign_cutouts: str
    backgrounds: str
    sink: str = ""
    export: str = ""
    images: str = ""
    label_studio_url: str = ""

    def bring(self, source: str, into: Path) -> Path:
        """The file or folder of `base_weights`, `classical_signs`, `sign_cutouts` or `backgrounds`."""
        return self._location(getattr(self, source), source.upper()).bring(into)

    def annotations(self) -> AnnotationSource:
        """Where the annotations are; ValueError unless exactly one place is named."""
        if bool(self.sink) == bool(self.export):
            raise ValueError(
                f"LABEL_STUDIO_SINK is {self.sink or 'not set'!r} and LABEL_STUDIO_EXPORT is "
                f"{self.export or 'not set'!r}: set one of them"
            )
        if self.sink:
            return Sink(self._location(self.sink, "LABEL_STUDIO_SINK"))
        return Export(self._location(self.export, "LABEL_STUDIO_EXPORT"))

    def image_fetcher(self) -> Fetch:
        """The function that puts a task's image into a folder."""
        folder = self._location(self.images, "LABEL_STUDIO_IMAGES") if self.images else None
        return image_fetcher(folder, self.s3.get_client)

    def _location(self, uri: str, variable: str) -> Location:
        return Location(uri, variable, self.s3.get_client)
