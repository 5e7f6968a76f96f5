"""Settings out of their range, on the command line."""

from pathlib import Path

import yaml

from legosigns_dagster_tests.support.workplace import MODULE, Workplace

FAULTY = {"model_weights": {"epochs": 0, "image_size": 100}, "synthetic_set": {"blur": 2.0}}
RANGES = (
    "epochs is 0, expected 1 to 1000; image_size is 100, expected 0 to 2048, a multiple of 32",
    "blur is 2.0, expected 0 to 1",
)


def test_dagster_job_execute_refuses_them_all_and_starts_no_run(tmp_path: Path) -> None:
    place = Workplace(tmp_path, {"LEGOSIGNS_STORE": str(tmp_path / "store")})
    config = {"ops": {step: {"config": settings} for step, settings in FAULTY.items()}}
    (tmp_path / "faulty.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    printed = place.run(
        "job", "execute", *MODULE, "-j", "traffic_signs", "-c", str(tmp_path / "faulty.yaml"), fails=True
    )
    assert [text for text in RANGES if text not in printed.splitlines()] == []
    with place.instance() as instance:
        assert list(instance.get_runs()) == []
    assert not (tmp_path / "store").exists()
