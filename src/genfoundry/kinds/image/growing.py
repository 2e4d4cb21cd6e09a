"""A `.npy` file that grows image by image, so that a set that is larger than memory can be written."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
from numpy.lib import format as npy


class GrowingArray:
    """The file that `np.save` would write of all appended arrays (each of shape and dtype of `like`), stacked.

    Its header has the same length for every number of rows, since numpy (from 1.23) leaves room for that to grow: it
    is written first for no row, and again with the true number at the end.
    """

    def __init__(self, path: Path, like: np.ndarray) -> None:
        self.rows, self.shape, self.dtype = 0, like.shape, like.dtype
        self.file = path.open("wb")
        self._write_header()
        self.start = self.file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.file:
            self.file.seek(0)
            self._write_header()
            if self.file.tell() != self.start:
                raise RuntimeError(f"the header of {self.file.name} grew over its first row")

    def append(self, array: np.ndarray) -> None:
        """Write one more row."""
        self.file.write(np.ascontiguousarray(array).data)
        self.rows += 1

    def _write_header(self) -> None:
        shape = (self.rows, *self.shape)
        npy.write_array_header_1_0(
            self.file, {"descr": npy.dtype_to_descr(self.dtype), "fortran_order": False, "shape": shape}
        )
