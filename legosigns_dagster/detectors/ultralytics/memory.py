"""What a training will take of the memory, told before it starts; and the batch that fits."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.machine import MIB, resident_mib, usable_memory_mib
from legosigns_dagster.core.progress import Log

# Beside the activations that it needs, the backward pass holds gradients of the largest: 1.4 times as much in all.
BACKWARD = 1.4
COPIES = 5  # of each parameter: itself, its gradient, two moments of AdamW, and the running average of the weights
SHARE = 0.5  # of what the pod may use: the rest is for images, validation, and what nobody foresaw


@dataclass(frozen=True)
class MemoryPlan:
    """MiB: what the process holds already, what each parameter set and each image of a batch add, what is allowed."""

    resident_mib: float
    parameters_mib: float
    image_mib: float
    usable_mib: float

    def peak_mib(self, batch: int) -> float:
        """The peak with this batch."""
        return self.resident_mib + COPIES * self.parameters_mib + BACKWARD * self.image_mib * batch

    def fitting(self, batch: int) -> int:
        """The batch, halved until its peak is within half of what may be used; 1 at least."""
        while batch > 1 and self.peak_mib(batch) > SHARE * self.usable_mib:
            batch //= 2
        return batch

    def text(self, batch: int) -> str:
        """What is expected, in words."""
        return (
            f"memory: about {self.peak_mib(batch):.0f} MiB at the peak with batch {batch}; half of the "
            f"{self.usable_mib:.0f} MiB that this process may use is wanted at most"
        )


def memory_plan(base: Any, settings: TrainingSettings) -> MemoryPlan:
    """What one image of a batch takes in a copy of this model, measured by one of them on the CPU."""
    import torch

    model = deepcopy(base).float().cpu().train()
    frozen = tuple(f"model.{number}." for number in range(settings.freeze))
    for name, parameter in model.named_parameters():
        parameter.requires_grad = not name.startswith(frozen)

    saved: dict[int, int] = {}

    def note(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        answers = model(torch.rand(1, 3, settings.image_size, settings.image_size))
    parameters = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.parameters()}
    image = sum(size for pointer, size in saved.items() if pointer not in parameters)
    del answers
    return MemoryPlan(resident_mib(), sum(parameters.values()) / MIB, image / MIB, usable_memory_mib())


def fitting_batch(plan: MemoryPlan, wanted: int, log: Log) -> int:
    """The batch that fits into memory; what is expected, and that it is less than wanted, is said."""
    batch = plan.fitting(wanted)
    log.info(plan.text(wanted))
    if batch < wanted:
        log.warning(f"batch {wanted} would not fit, it is {batch} now; for more give the pod more memory")
        log.info(plan.text(batch))
    return batch
