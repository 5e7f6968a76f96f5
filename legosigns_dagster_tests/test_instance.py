"""dagster.yaml works as it is, and with its last part uncommented."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster_aws.s3.compute_log_manager import S3ComputeLogManager

from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import S3Server

FILE = ROOT / "dagster.yaml"
TEXT = FILE.read_text(encoding="utf-8")


def uncomment() -> str:
    """Uncomment the last part of dagster.yaml."""
    head, block = TEXT.split("Uncomment from here on:\n")
    return head + "\n" + "".join(line.removeprefix("# ") for line in block.splitlines(keepends=True))


def test_a_laptop_keeps_its_runs_in_files_and_trains_one_model_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(TEXT, encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert "Sqlite" in type(instance.run_storage).__name__
        # For a pool without a limit of its own, as "gpu" is on a new machine.
        assert instance.event_log_storage.get_pool_config().default_pool_limit == 1
        assert instance.run_monitoring_enabled
        assert instance.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] > 0


def test_the_commented_part_is_postgresql_and_logs_in_s3(
    tmp_path: Path, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment(bucket).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(uncomment(), encoding="utf-8")
    loaded = InstanceRef.from_dir(str(tmp_path))  # validates it as Dagster does on every start
    assert loaded.storage_data is not None
    assert loaded.storage_data.class_name == "DagsterPostgresStorage"
    assert "DAGSTER_PG_PASSWORD" in loaded.storage_data.config_yaml
    logs = loaded.compute_log_manager
    assert isinstance(logs, S3ComputeLogManager)
    with logs.open_log_stream(["a-run", "compute_logs", "a-step"], ComputeIOType.STDERR) as stream:
        assert stream is not None
        stream.write("what the step printed")
    (log_object,) = s3_server.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert log_object["Key"] == "compute-logs/storage/a-run/compute_logs/a-step.err"
