import pytest
import torch
from support.trained import digits, order

from genfoundry.batch import Subset
from genfoundry.dataset import read_card, seal
from genfoundry.errors import UserError
from genfoundry.kinds.image.rows import ImageRows
from genfoundry.training.device import resolve
from genfoundry.training.rows import chosen_rows
from genfoundry.training.settings import Settings
from genfoundry.training.trainer import training_split

LABELS = torch.arange(100) % 4


def test_a_fraction_keeps_the_classes_in_balance():
    rows = chosen_rows(LABELS, None, 0.2, seed=0)
    assert LABELS[rows].bincount().tolist() == [5, 5, 5, 5]
    assert len(rows.unique()) == 20
    assert not torch.equal(rows, chosen_rows(LABELS, None, 0.2, seed=1))


def test_the_smallest_fraction_keeps_one_of_each_class():
    assert sorted(LABELS[chosen_rows(LABELS, None, 0.001, seed=0)].tolist()) == [0, 1, 2, 3]


def seen_without(root, leave_out, names=tuple("0123456789")):
    """The classes that a training on the digits sees, of which the card tells these names."""
    digits(root)
    folder = root / "data" / "digits"
    seal(folder, read_card(folder).model_copy(update={"class_names": names}))
    job = order(root, root / "job", leave_out=leave_out)
    split = training_split(job, Settings.model_validate(job.training), resolve("cpu", "fp32"))
    return split.batch(torch.arange(len(split))).labels.unique().tolist()


ROMAN = ("1", "10", "11", "12", "2", "3", "4", "5", "6", "shirt")


@pytest.mark.parametrize(
    ("leave_out", "names", "place"),
    [(3, tuple("0123456789"), 3), (2, ROMAN, 4), ("10", ROMAN, 1), ("shirt", ROMAN, 9), (8, ROMAN, 8), (3, (), 3)],
)
def test_a_class_left_out_by_name_or_else_by_place_is_never_seen(tmp_path, leave_out, names, place):
    assert seen_without(tmp_path, leave_out, names) == [label for label in range(10) if label != place]


def test_a_subset_numbers_its_rows_anew(tmp_path):
    digits(tmp_path)
    whole = ImageRows(tmp_path / "data" / "digits", "train")
    part = Subset(whole, torch.tensor([7, 3, 5]))
    assert len(part) == 3
    torch.testing.assert_close(part.batch(torch.tensor([1])).images, whole.batch(torch.tensor([3])).images)


@pytest.mark.parametrize("settings", [{"leave_out": 10}, {"leave_out": 99}, {"leave_out": "shoe"}])
def test_a_class_that_is_not_there_is_refused_before_training(tmp_path, settings):
    digits(tmp_path)
    job = order(tmp_path, tmp_path / "job", **settings)
    with pytest.raises(UserError, match=r"(?s)leave_out = \w+.*which has 10 classes.*from 0 to 9: '0', '1', '2'"):
        training_split(job, Settings.model_validate(job.training), resolve("cpu", "fp32"))


def test_no_class_can_be_left_out_of_data_without_classes(tmp_path):
    digits(tmp_path)
    job = order(tmp_path, tmp_path / "job", leave_out=0)
    spec = job.dataset.spec.model_copy(update={"num_classes": 0})
    job = job.model_copy(update={"dataset": job.dataset.model_copy(update={"spec": spec})})
    with pytest.raises(UserError, match=r"(?s)leave_out = 0.*which has 0 classes.*a dataset of labelled images"):
        training_split(job, Settings.model_validate(job.training), resolve("cpu", "fp32"))
