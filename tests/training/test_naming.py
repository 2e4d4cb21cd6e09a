"""Names before numbers: what a class that is asked for means, and what a dataset calls its classes and series."""

from __future__ import annotations

import pandas as pd
import pytest
from support import cards
from support.trained import digits

from genfoundry import kind
from genfoundry.dataset import Card, seal
from genfoundry.errors import UserError
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.series import storage
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.training.naming import choose_class

PADDED = ("01", "02", "10")


@pytest.mark.parametrize(
    ("asked", "names", "said"),
    [
        ("cat", ("bird", "cat", "dog"), "class 'cat' (number 1)"),
        ("2", ("bird", "cat", "dog"), "class 'dog' (number 2)"),
        (2, ("bird", "cat", "dog"), "class 'dog' (number 2)"),
        ("2", ("1", "10", "2"), "class '2' (number 2)"),
        (1, ("10", "2", "1"), "class '1' (number 2)"),
        ("0", ("10", "2", "1"), "class '10' (number 0)"),
        ("2", PADDED, "class '02' (number 1)"),
        (2, PADDED, "class '02' (number 1)"),
        ("10", PADDED, "class '10' (number 2)"),
        ("2", (), "class 2"),
        (" cat ", ("bird", "cat", "dog"), "class 'cat' (number 1)"),
    ],
)
def test_a_name_wins_then_a_name_that_is_the_number_then_a_place(asked, names, said):
    assert str(choose_class(asked, names, 3)) == said


@pytest.mark.parametrize("asked", ["cow", "3", 3, "-1", "1.0", "", "٢"])
def test_what_is_no_class_is_refused_with_all_names(asked):
    with pytest.raises(UserError, match=r"There is no class '.*'\.\nExpected: .* from 0 to 2: 'bird', 'cat', 'dog'"):
        choose_class(asked, ("bird", "cat", "dog"), 3)


def test_a_number_of_two_names_is_refused():
    with pytest.raises(UserError, match="'1' is the number of '01' and '001'"):
        choose_class("1", ("01", "001", "x"), 3)
    assert choose_class("01", ("01", "001", "x"), 3).number == 0


def test_a_datasets_names_are_its_classes_or_its_series_in_order(root):
    version = digits(root)
    folder = root / "data" / "digits"
    assert kind.of(version).storage.names(folder, version.spec) == tuple("0123456789")
    assert (
        kind.of("image").storage.names(folder, ImageSpec(channels=1, height=8, width=8)) == ()
    )  # a model of no classes
    days = pd.date_range("2020-01-01", periods=20, freq="D")
    frames = [pd.DataFrame({"unique_id": name, "ds": days, "y": 1.0}) for name in ("b", "10", "a", "9")]
    spec, _ = storage.write(
        root / "days", frames, cards.series(SeriesSpec(freq="D", season=1, context=4, horizon=2), SPLITS)
    )
    card = Card(name="days", kind="series", title="", licence="", source="", consent="", splits=SPLITS, spec=spec)
    seal(root / "days", card)
    assert storage.names(root / "days", spec) == storage.read(root / "days").ids == ("10", "9", "a", "b")


SPLITS = {"val": "2020-01-12", "test": "2020-01-16"}
