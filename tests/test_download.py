import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from genfoundry.datasets import celeba, cifar_10
from genfoundry.download import Download
from genfoundry.errors import UserError

CONTENT = b"some pinned bytes"


@pytest.fixture
def address(tmp_path) -> Iterator[str]:
    """A real server of one file."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "file.bin").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/file.bin"
    server.shutdown()


def pinned(address: str, content: bytes = CONTENT, by_hand: bool = False) -> Download:
    return Download(name="file.bin", address=address, md5=hashlib.md5(content).hexdigest(), by_hand=by_hand)


def test_a_file_is_fetched_once(root, address):
    path = pinned(address).fetch()
    assert path.read_bytes() == CONTENT
    assert pinned("http://127.0.0.1:9/nobody").fetch() == path


def test_another_file_than_the_pinned_one_is_refused(root, address):
    with pytest.raises(UserError, match=r"can't be had from here"):
        pinned(address, b"other bytes").fetch()
    (root / ".genfoundry" / "downloads").mkdir(parents=True, exist_ok=True)
    (root / ".genfoundry" / "downloads" / "file.bin").write_bytes(b"tampered")
    with pytest.raises(UserError, match=r"has md5"):
        pinned(address).fetch()


def test_without_internet_it_says_what_to_do(root):
    with pytest.raises(UserError, match=r"(?s)can't be had from here.*put it at .*file\.bin"):
        pinned("http://127.0.0.1:9/nobody").fetch()


def test_what_no_program_may_fetch_is_asked_for(root):
    with pytest.raises(UserError, match=r"(?s)is missing.*put it at"):
        pinned("http://127.0.0.1:9/page", by_hand=True).fetch()


def test_records_of_cifar_are_planes_behind_a_class():
    rows = np.arange(2 * cifar_10.SIZE, dtype=np.int64).astype(np.uint8).reshape(2, -1)
    rows[:, 0] = (3, 9)
    found = [*cifar_10.records(rows.tobytes(), "test_batch.bin")]
    assert [(e.split, e.label, e.source) for e in found] == [
        ("test", 3, "test_batch.bin[0]"),
        ("test", 9, "test_batch.bin[1]"),
    ]
    np.testing.assert_array_equal(found[1].pixels[2, 31], rows[1, -32:])


def test_a_face_is_cut_from_the_middle():
    face = Image.new("RGB", (178, 218))
    face.paste((255, 0, 0), (15, 35, 163, 183))
    made = celeba.reduced(face)
    assert made.shape == (3, 64, 64)
    assert made[0].min() > 200
    assert made[1].max() == 0
