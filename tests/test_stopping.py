"""A signal: nothing new begins."""

import pytest

from genfoundry.outcomes import Interrupted
from genfoundry.stopping import interrupted, raise_if_interrupted, until_interrupted


@pytest.fixture
def signalled():
    """A signal that comes when the test says so, and is forgotten after it."""
    yield interrupted.set
    interrupted.clear()


def test_all_items_pass_where_no_signal_comes():
    raise_if_interrupted()
    assert list(until_interrupted(range(3))) == [0, 1, 2]


def test_the_item_after_a_signal_is_not_begun(signalled):
    items = until_interrupted(range(3))
    assert next(items) == 0
    signalled()
    with pytest.raises(Interrupted, match=r"(?s)Stopped by a signal.*run it again"):
        next(items)
