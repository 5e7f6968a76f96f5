"""The pod that a step runs in, and whether it has the GPU that it asked for."""

from collections.abc import Callable, Mapping

import dagster as dg


class Pod(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The pod that the step runs in.

    Attributes:
        kubernetes: Whether there is a pod at all. Without one, no GPU is required.
    """

    kubernetes: bool = False

    def require_gpu(self, devices: Mapping[str, str], sees_gpu: Callable[[], bool]) -> None:
        """Check that PyTorch sees a GPU where the pod asked for a device.

        Args:
            devices: How many of each device the pod asked for, such as `{"nvidia.com/gpu": "1"}`.
            sees_gpu: Asks PyTorch. Only called where it matters, since it imports PyTorch.

        Raises:
            dagster.Failure: It sees none. The step is not tried again: the next pod would have the same image and
                driver. Without this error the training would take days on CPUs.
        """
        if self.kubernetes and devices and not sees_gpu():
            request = " and ".join(f"{count} {name}" for name, count in devices.items())
            raise dg.Failure(
                f"the pod asked for {request} and PyTorch sees no GPU: check that the node's driver and the image's "
                "PyTorch fit (python -c 'import torch; print(torch.version.cuda, torch.cuda.is_available())' in the "
                "pod), or set LEGOSIGNS_GPU_COUNT to 0 to train on CPUs",
                allow_retries=False,
            )
