import pytest
import torch
from trained import digits, order

from genfoundry.batch import ImageRows, Subset, chosen_rows
from genfoundry.device import resolve
from genfoundry.errors import UserError
from genfoundry.schedule import Settings
from genfoundry.trainer import training_split

LABELS = torch.arange(100) % 4


def test_a_fraction_keeps_the_classes_in_balance():
    rows = chosen_rows(LABELS, None, 0.2, seed=0)
    assert LABELS[rows].bincount().tolist() == [5, 5, 5, 5]
    assert len(rows.unique()) == 20
    assert not torch.equal(rows, chosen_rows(LABELS, None, 0.2, seed=1))


def test_the_smallest_fraction_keeps_one_of_each_class():
    assert sorted(LABELS[chosen_rows(LABELS, None, 0.001, seed=0)].tolist()) == [0, 1, 2, 3]


def test_a_class_left_out_is_never_seen(tmp_path):
    digits(tmp_path)
    job = order(tmp_path, tmp_path / "job", leave_out=3)
    split = training_split(job, Settings.model_validate(job.training), resolve("cpu", "fp32"))
    seen = split.batch(torch.arange(len(split))).labels.unique().tolist()
    assert seen == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_a_subset_numbers_its_rows_anew(tmp_path):
    digits(tmp_path)
    whole = ImageRows(tmp_path / "data" / "digits", "train")
    part = Subset(whole, torch.tensor([7, 3, 5]))
    assert len(part) == 3
    torch.testing.assert_close(part.batch(torch.tensor([1])).images, whole.batch(torch.tensor([3])).images)


@pytest.mark.parametrize("settings", [{"leave_out": 10}, {"leave_out": 99}])
def test_a_class_that_is_not_there_is_refused_before_training(tmp_path, settings):
    digits(tmp_path)
    job = order(tmp_path, tmp_path / "job", **settings)
    with pytest.raises(UserError, match=r"(?s)leave_out = \d+.*which has 10 classes.*from 0 to 9"):
        training_split(job, Settings.model_validate(job.training), resolve("cpu", "fp32"))


def test_no_class_can_be_left_out_of_data_without_classes(tmp_path):
    digits(tmp_path)
    job = order(tmp_path, tmp_path / "job", leave_out=0)
    spec = job.dataset.spec.model_copy(update={"num_classes": 0})
    job = job.model_copy(update={"dataset": job.dataset.model_copy(update={"spec": spec})})
    with pytest.raises(UserError, match=r"(?s)leave_out = 0.*which has 0 classes.*a dataset of labelled images"):
        training_split(job, Settings.model_validate(job.training), resolve("cpu", "fp32"))
