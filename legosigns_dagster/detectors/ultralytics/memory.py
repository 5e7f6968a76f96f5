"""What a training will take of the memory, told before it starts; and the batch that fits."""

from dataclasses import dataclass

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
