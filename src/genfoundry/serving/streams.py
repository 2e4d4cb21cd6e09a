"""Random streams of what is drawn in batches: the first rows stay the same however many follow."""

from __future__ import annotations

import numpy as np
from torch import Generator


def of_batch(seed: int, number: int) -> Generator:
    """The stream of one batch, by the seed that a user gave and the batch's number."""
    stream = np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1, np.uint64)[0]
    return Generator().manual_seed(int(stream) % 2**63)
