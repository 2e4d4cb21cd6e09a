from pathlib import Path

import pytest

from genfoundry.dataset import seal
from genfoundry.datasets import mnist_5k
from genfoundry.kinds import image


@pytest.fixture(scope="session")
def mnist_folder(tmp_path_factory) -> Path:
    """The real digits of mnist-5k, sealed."""
    folder = tmp_path_factory.mktemp("data") / "mnist-5k"
    spec, counts = image.write(folder, mnist_5k.examples(), 10)
    seal(folder, mnist_5k.CARD.model_copy(update={"spec": spec, "counts": counts}))
    return folder
