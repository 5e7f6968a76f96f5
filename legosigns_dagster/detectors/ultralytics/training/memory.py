"""How much memory a training needs, estimated before it starts, and the batch that fits."""

import os
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.machine import MIB, resident_mib, usable_memory_mib
from legosigns_dagster.core.progress import Log

# Beside the activations that it needs, the backward pass holds gradients of the largest: 1.4 times as much in all.
BACKWARD_FACTOR = 1.4
PARAMETER_COPIES = 5  # of each parameter: itself, its gradient, two moments of AdamW, and the average of the weights
USABLE_SHARE = 0.5  # of the memory limit: the rest is for images, validation, and what nobody foresaw


@dataclass(frozen=True)
class MemoryPlan:
    """The parts of a training's peak memory, in MiB.

    Attributes:
        resident_mib: What the process holds already.
        parameters_mib: One copy of all parameters.
        image_mib: Activations of one image of a batch.
        usable_mib: What the process may use.
    """

    resident_mib: float
    parameters_mib: float
    image_mib: float
    usable_mib: float

    def peak_mib(self, batch: int) -> float:
        """Estimate the peak with this batch, in MiB."""
        return self.resident_mib + PARAMETER_COPIES * self.parameters_mib + BACKWARD_FACTOR * self.image_mib * batch

    @property
    def limit_mib(self) -> float:
        """The peak that is accepted: half of what the process may use, in MiB."""
        return USABLE_SHARE * self.usable_mib

    def largest_batch(self, batch: int) -> int:
        """Halve a batch until its peak is within the limit; at least 1.

        Example:
            >>> MemoryPlan(resident_mib=600, parameters_mib=10, image_mib=90, usable_mib=4096).largest_batch(16)
            8
        """
        while batch > 1 and self.peak_mib(batch) > self.limit_mib:
            batch //= 2
        return batch

    def text(self, batch: int) -> str:
        """The estimate in words."""
        return (
            f"memory: expected peak {self.peak_mib(batch):.0f} MiB at batch {batch}; limit {self.limit_mib:.0f} MiB "
            f"(half of {self.usable_mib:.0f} MiB)"
        )


def measure_memory(base: Any, settings: TrainingSettings) -> MemoryPlan:
    """Measure what one image of a batch needs, in a copy of this model on the CPU."""
    import torch

    model = deepcopy(base).float().cpu().train()
    frozen = tuple(f"model.{number}." for number in range(settings.freeze))
    for name, parameter in model.named_parameters():
        parameter.requires_grad = not name.startswith(frozen)

    saved: dict[int, int] = {}

    def record_size(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record_size, lambda tensor: tensor):
        outputs = model(torch.rand(1, 3, settings.image_size, settings.image_size))
    parameters = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.parameters()}
    image = sum(size for pointer, size in saved.items() if pointer not in parameters)
    del outputs
    return MemoryPlan(resident_mib(), sum(parameters.values()) / MIB, image / MIB, usable_memory_mib(os.environ))


def fit_batch(plan: MemoryPlan, wanted: int, log: Log) -> int:
    """Choose the largest batch that fits into memory, log the estimate, and warn where it is less than wanted."""
    batch = plan.largest_batch(wanted)
    log.info(plan.text(wanted))
    if batch < wanted:
        log.warning(f"batch {wanted} would not fit into memory, it is now {batch}: for more, give the pod more memory")
        log.info(plan.text(batch))
    return batch
