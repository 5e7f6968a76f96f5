"""The sources as assets: what people gave is named in errors, not the copy of it."""

import os
from pathlib import Path

import dagster as dg
import pytest

from legosigns_dagster.assets.sources import base_weights
from legosigns_dagster.deployments import deployment


@pytest.mark.torch
def test_weights_that_are_no_detector_are_refused_with_their_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer = tmp_path / "base.pt"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\n")
    monkeypatch.setenv("BASE_WEIGHTS", str(pointer))
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path / "store"))
    resources = deployment(os.environ).resources
    with pytest.raises(
        ValueError, match=rf"^BASE_WEIGHTS is {pointer}: .* is a pointer of Git LFS, not the file itself"
    ):
        dg.materialize([base_weights], resources=resources, instance=dg.DagsterInstance.ephemeral())
