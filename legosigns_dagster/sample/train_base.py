"""Train the sample's base weights from scratch, on its classical signs alone.

`python -m legosigns_dagster.sample.train_base` takes about ten minutes on two cores. Its result is committed: it
differs a little from machine to machine.
"""

import shutil
import tempfile
from pathlib import Path

from legosigns_dagster.core.dataset.data_yaml import read_classes
from legosigns_dagster.core.dataset.yolo_format import write_data_yaml
from legosigns_dagster.detectors.ultralytics.detector import library
from legosigns_dagster.sample import FOLDER

EPOCHS = 70


def train(classical_signs: Path, target: Path) -> None:
    """Train on a YOLO folder and write the weights with the best mAP on its val images to `target`."""
    with library() as ultralytics, tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "data"
        shutil.copytree(classical_signs, folder)
        data = write_data_yaml(folder, "images/train", "images/val", read_classes(classical_signs))
        model = ultralytics.YOLO("yolov5n.yaml", task="detect")
        model.add_callback("on_fit_epoch_end", lambda trainer: print(trainer.epoch + 1, trainer.metrics, flush=True))
        model.train(
            data=str(data),
            epochs=EPOCHS,
            imgsz=256,
            batch=8,
            nbs=8,
            optimizer="AdamW",
            lr0=0.002,
            lrf=0.02,
            cos_lr=True,
            warmup_bias_lr=0.0,
            close_mosaic=15,
            fliplr=0.0,
            seed=0,
            amp=False,
            plots=False,
            verbose=False,
            workers=0,
            project=work,
            name="base",
        )
        shutil.copyfile(Path(model.trainer.save_dir) / "weights" / "best.pt", target)


if __name__ == "__main__":
    train(FOLDER / "classical-signs", FOLDER / "base.pt")
