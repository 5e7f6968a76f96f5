"""The batches of a resumed training, in the order of one that was never interrupted."""

from collections.abc import Iterator
from typing import Any


class ResumedBatchSampler:
    """Batch sampler that draws the epoch's order as if the loader's earlier passes had been drawn here.

    What the loader's generator draws, by whether the training was interrupted after pass 1::

        never interrupted   [seed for workers] [order of pass 1] [end of pass 1] [order of pass 2] …
        resumed             [seed for workers] restore the state saved here ───▲ [end of pass 1] [order of pass 2] …

    A fresh loader first draws a seed for its workers, which a resumed training must not have drawn: the saved state of
    the generator is restored before the first batch. Ultralytics' loader stops a pass as soon as it has all batches. If
    the last batch was full, the sampler had not ended yet, and ends with one more permutation when the next pass
    begins, so that one is drawn and thrown away.
    """

    def __init__(self, loader: Any) -> None:
        self.batches, self.sampler = loader.batch_sampler, loader.batch_sampler.sampler
        self._generator, self._state = loader.generator, loader.generator.get_state()
        self._last_batch_was_full = not len(loader.dataset) % loader.batch_size
        self._size = len(loader.dataset)

    def __iter__(self) -> Iterator[list[int]]:
        """Restore the generator before the first pass, then yield the batches' image numbers."""
        import torch

        if self._state is not None:
            self._generator.set_state(self._state)
            self._state = None
            if self._last_batch_was_full:
                torch.randperm(self._size, generator=self._generator)
        yield from self.batches
