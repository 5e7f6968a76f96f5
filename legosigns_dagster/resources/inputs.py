"""Where the pipeline's input data is: a place for each source, named by the deployment's variables."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import dagster as dg
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.redaction import without_userinfo
from legosigns_dagster.core.sources.archives import unpack
from legosigns_dagster.core.variables import strip_value
from legosigns_dagster.resources.label_studio.api import ApiSource
from legosigns_dagster.resources.label_studio.client import RETRY_AFTER_S, TIMEOUT_S, LabelStudioClient
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.project import ProjectConnection
from legosigns_dagster.resources.label_studio.session import hide_queries_in_warnings
from legosigns_dagster.resources.label_studio.sources import AnnotationSource, ExportSource, SinkSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster.resources.storage.s3_client import S3

# What each asset reads: the field of `Inputs`, and the variable that sets it.
READ_BY = {
    "base_weights": {"base_weights": "BASE_WEIGHTS"},
    "classical_signs": {"classical_signs": "CLASSICAL_SIGNS"},
    "sign_cutouts": {"sign_cutouts": "SIGN_CUTOUTS"},
    "backgrounds": {"backgrounds": "BACKGROUNDS"},
    "raw_annotations": {
        "sink": "LABEL_STUDIO_SINK", "export": "LABEL_STUDIO_EXPORT", "images": "LABEL_STUDIO_IMAGES"},
}  # fmt: skip


class Inputs(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The places of all sources. A place is a path or an `s3://` URI.

    Annotations are in a sink, in an export, or in a Label Studio project that is read by its API. In a run all parts
    share one client of Label Studio, and the project is looked up once.

    Attributes:
        s3: How `s3://` URIs are reached.
        base_weights: The weights file to start from.
        classical_signs: The set of classical signs, empty where there is none.
        sign_cutouts: The folder of cut-outs.
        backgrounds: The folder of backgrounds.
        sink: Label Studio's target storage, empty where annotations come from elsewhere.
        export: Label Studio's JSON export, empty where annotations come from elsewhere.
        images: The folder of the annotated images, empty where they are fetched from their URLs.
        label_studio_url: The address of Label Studio, such as `https://labels.example.com`.
        label_studio_key: The API key to it, a secret that is not in the `repr`.
        label_studio_project: The project's id or title.
    """

    model_config = ConfigDict(hide_input_in_errors=True)
    strip_values = field_validator("*", mode="before")(strip_value)

    s3: dg.ResourceDependency[S3]
    base_weights: str
    classical_signs: str
    sign_cutouts: str
    backgrounds: str
    sink: str = ""
    export: str = ""
    images: str = ""
    label_studio_url: str = ""
    label_studio_key: str = Field("", repr=False)
    label_studio_project: str = ""
    _connection: ProjectConnection | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Check before the first step that each source of the run's assets can be read.

        Raises:
            OSError: One cannot. Its variable is in the message.
        """
        if context.run is None or context.instance is None or not context.run.execution_plan_snapshot_id:
            return  # for a sensor
        client = cache(self.s3.preflight_client)  # making one takes as long as a request
        plan = context.instance.get_execution_plan_snapshot(context.run.execution_plan_snapshot_id)
        for asset, fields in READ_BY.items():
            if asset not in plan.step_keys_to_execute:
                continue
            for field, variable in fields.items():
                if uri := getattr(self, field):
                    Location(uri, variable, client).require_readable()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the connections to Label Studio."""
        if self._connection:
            self._connection.client.close()
            self._connection = None

    def fetch_file(self, source: str, into: Path) -> Path:
        """Fetch the file of a source. A path is used as it is, an `s3://` URI is downloaded.

        Args:
            source: `base_weights`.
            into: An empty folder for downloads.

        Raises:
            IsADirectoryError: It is a folder. The message names the variable.
        """
        fetched = self._location(getattr(self, source), source.upper()).fetch(into)
        if fetched.is_dir():
            raise IsADirectoryError(
                f"{source.upper()} is {getattr(self, source)}, a folder: expected a file in it, such as best.pt"
            )
        return fetched

    def fetch_folder(self, source: str, into: Path) -> Path:
        """Fetch the folder of a source, or unpack the archive that it is.

        Args:
            source: `classical_signs`, `sign_cutouts` or `backgrounds`.
            into: An empty folder for downloads, and for what is in an archive.

        Raises:
            ValueError: It is a file that cannot be unpacked. The message names the variable.
        """
        fetched = self._location(getattr(self, source), source.upper()).fetch(into)
        try:
            return unpack(fetched, into / "unpacked")
        except ValueError as error:
            raise ValueError(f"{source.upper()} is {getattr(self, source)}: {error}") from error

    def annotations(self, classes: SignClasses, log: Log, reconcile_sink: bool = False) -> AnnotationSource:
        """Choose the source of annotations by the variables that are set.

        Raises:
            ValueError: Two sources are set, or none. Or `reconcile_sink` is on without the variables of Label Studio.
        """
        if self.sink and self.export:
            raise ValueError(
                f"LABEL_STUDIO_SINK is {self.sink!r} and LABEL_STUDIO_EXPORT is {self.export!r}: set one of them"
            )
        if self.sink:
            if reconcile_sink:
                self._require_label_studio()
            location = self._location(self.sink, "LABEL_STUDIO_SINK")
            connection = self.connect() if reconcile_sink else None
            return SinkSource(location, self.label_studio_project, connection, log)
        if self.export:
            return ExportSource(self._location(self.export, "LABEL_STUDIO_EXPORT"))
        if self.label_studio_project:
            return ApiSource(self.connect(), classes, log)
        raise ValueError("no annotations: set LABEL_STUDIO_SINK, LABEL_STUDIO_EXPORT or LABEL_STUDIO_PROJECT")

    def image_fetcher(self, urls: Iterable[str] = ()) -> ImageFetcher:
        """Make the function that puts the image of a task into a folder. `urls` are those that will be fetched."""
        folder = self._location(self.images, "LABEL_STUDIO_IMAGES") if self.images else None
        connection = self.connect() if self.label_studio_url and self.label_studio_key else None
        hide_queries_in_warnings()
        return ImageFetcher(folder, self.s3.get_client, connection, urls)

    @property
    def link_url(self) -> str:
        """The address of Label Studio for links that people see: without a password."""
        return without_userinfo(self.label_studio_url)

    def connect(self) -> ProjectConnection:
        """Get the run's connection to Label Studio. It is made on the first call and closed when the run ends."""
        if self._connection is None:
            self._connection = ProjectConnection(self.new_client(), self.label_studio_project)
        return self._connection

    def new_client(
        self, retry_after_s: Sequence[float] = RETRY_AFTER_S, timeout_s: tuple[float, float] = TIMEOUT_S
    ) -> LabelStudioClient:
        """Make a client of Label Studio, which the caller closes.

        Args:
            retry_after_s: The waits before each retry, in seconds. Empty for no retry.
            timeout_s: How long to wait for a connection, and for an answer, in seconds.
        """
        url, key = self.label_studio_url, self.label_studio_key
        return LabelStudioClient(url, key, retry_after_s=retry_after_s, timeout_s=timeout_s)

    def _require_label_studio(self) -> None:
        variables = {"LABEL_STUDIO_URL": self.label_studio_url, "LABEL_STUDIO_API_KEY": self.label_studio_key,
                     "LABEL_STUDIO_PROJECT": self.label_studio_project}  # fmt: skip
        missing = [name for name, value in variables.items() if not value]
        if missing:
            raise ValueError(
                f"reconcile_sink is on, but not set: {', '.join(missing)}. "
                "Set what is missing, so that Label Studio can be asked, or switch reconcile_sink off"
            )

    def _location(self, uri: str, variable: str) -> Location:
        return Location(uri, variable, self.s3.get_client)
