"""Numbers of a user's file: the double nearest to what is written, whichever pandas is installed."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genfoundry.data.columns import nearest
from genfoundry.data.versions import dvc
from genfoundry.kinds.series import storage
from genfoundry.stages.ingest import add, build

LONG = ["511.27472136860854", "908.1128851953351", "504.68685581739027", "0.1", "-3", "1e-3"]


def test_the_parsers_of_pandas_are_off_by_the_last_bit() -> None:
    """What follows would show nothing, were it not so of the installed one."""
    drawn = random.Random(0)
    texts = [repr(drawn.uniform(0, 1000)) for _ in range(2000)]
    exact = np.array([float(text) for text in texts])
    frame = pd.read_csv(io.StringIO("x\n" + "\n".join(texts)), float_precision="high")
    if pd.__version__ < "3":
        assert (frame["x"].to_numpy() != exact).any()
    assert (nearest(pd.Series(texts)).to_numpy() == exact).all()


def test_text_is_its_nearest_double_and_the_rest_is_as_pandas_reads_it() -> None:
    assert nearest(pd.Series(LONG)).tolist() == [float(text) for text in LONG]
    found = nearest(pd.Series(["1.5", "none", None, " 2 ", "1_000"], dtype=object))
    assert found.isna().tolist() == [False, True, True, False, True]
    assert nearest(pd.Series(["1", "2"])).dtype == "int64"
    assert nearest(pd.Series([1.5, 2.5])).tolist() == [1.5, 2.5]


def test_a_series_keeps_every_bit_of_a_long_decimal(root: Path) -> None:
    values = [repr(random.Random(year).uniform(0, 1)) for year in range(1800, 2000)]
    rows = "".join(f"a,{year}-01-01,{value}\n" for year, value in zip(range(1800, 2000), values, strict=True))
    (root / "own.csv").write_text("unique_id,ds,y\n" + rows)
    taken = add(root / "own.csv", "own", licence="own", consent="own", freq="YS", season=1, horizon=4, context=8)
    assert taken.version.digest == "01828b7cfa1c8877065603869090764b.dir"
    table = pd.read_parquet(root / "data" / "own" / storage.FILE)
    assert table["y"].tolist() == [float(value) for value in values]


@pytest.mark.parametrize("name", ["sunspots", "stocks", "nyc-weather"])
def test_a_shipped_set_is_the_recorded_one(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(Path(__file__).parents[2]))
        wanted = dvc.recorded()[name]
    assert build(name).digest == wanted
