import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from genfoundry.data.download import Download
from genfoundry.datasets import celeba, cifar_10
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


def test_a_kept_file_that_is_not_the_pinned_one_is_fetched_anew_or_refused_and_said(root, address, caplog):
    (root / ".genfoundry" / "downloads").mkdir(parents=True, exist_ok=True)
    path = root / ".genfoundry" / "downloads" / "file.bin"
    path.write_bytes(b"tampered")
    with pytest.raises(UserError, match=r"has md5"):
        pinned(address, by_hand=True).fetch()
    assert pinned(address).fetch().read_bytes() == CONTENT
    assert f"{path} is damaged" in caplog.text


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


def placed(root, of: Download, content: bytes) -> Download:
    """A small archive of ours in the place of the authors', pinned by its own checksum."""
    folder = root / ".genfoundry" / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / of.name).write_bytes(content)
    return of.model_copy(update={"md5": hashlib.md5(content).hexdigest()})


def test_cifar_is_read_from_its_archive_in_the_authors_split(root, monkeypatch):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number, name in enumerate((*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = cifar_10.SIZE
            archive.addfile(member, io.BytesIO(bytes([number]) * cifar_10.SIZE))
    monkeypatch.setattr(cifar_10, "ARCHIVE", placed(root, cifar_10.ARCHIVE, buffer.getvalue()))
    found = [(example.split, example.label, int(example.pixels.max())) for example in cifar_10.examples()]
    assert found == [*(("train", n, n) for n in range(5)), ("test", 5, 5)]


def test_celeba_is_read_from_its_archive_without_the_validation_identities(root, monkeypatch):
    buffer, face = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (178, 218), (9, 99, 199)).save(face, "PNG")
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(1, 4):
            archive.writestr(f"img_align_celeba/00000{number}.jpg", face.getvalue())
    listed = b"000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n"
    monkeypatch.setattr(celeba, "IMAGES", placed(root, celeba.IMAGES, buffer.getvalue()))
    monkeypatch.setattr(celeba, "PARTITION", placed(root, celeba.PARTITION, listed))
    found = [(example.split, example.label, example.source) for example in celeba.examples()]
    assert found == [("train", -1, "000001.jpg"), ("test", -1, "000003.jpg")]
