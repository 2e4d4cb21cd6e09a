"""Whatever is done to the files of a training that was cut off: it ends with the weights of an undisturbed one."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.trained import digits, order

from genfoundry.training import journal, snapshot, trainer
from genfoundry.training.job import ORDER, RESULT, read_result

STEPS = 30  # snapshots lie at 20 and 30


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The trainer takes over three signals of this process."""
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A training that nothing happened to."""
    root = tmp_path_factory.mktemp("whole")
    digits(root)
    order(
        root,
        root / "job",
        family="gan",
        max_steps=STEPS,
        snapshot_every=10,
        sample_every=10,
        ema_decay=0.9,
        precision="fp32",
    )
    assert trainer.main(root / "job") == 0
    return root / "job"


@pytest.fixture
def cut_off(whole: Path, tmp_path: Path) -> Path:
    """The same training, ended by a kill after its last snapshot."""
    folder = shutil.copytree(whole, tmp_path / "job")
    shutil.rmtree(folder / "model")
    (folder / RESULT).unlink()
    return folder


def manifest(folder: Path, step: int = STEPS) -> Path:
    return folder / f"snapshot-{step:08d}.json"


def tensors(folder: Path, step: int = STEPS) -> Path:
    return manifest(folder, step).with_suffix(".safetensors")


def flip(path: Path, at: int, count: int = 1) -> None:
    content = bytearray(path.read_bytes())
    for place in range(at % len(content), at % len(content) + count):
        content[place] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path, to: int) -> None:
    path.write_bytes(path.read_bytes()[:to])


def edit(path: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def rates(document: dict) -> None:
    for group in (group for groups in document["groups"].values() for group in groups):
        group.update(lr=group["lr"] * 10, weight_decay=0.5)


def random_bit(document: dict) -> None:
    document["python"][1][3] ^= 1


DAMAGES = {
    "tensors flipped": lambda d: flip(tensors(d), -1000, 64),
    "tensors cut": lambda d: cut(tensors(d), 5000),
    "tensors empty": lambda d: cut(tensors(d), 0),
    "tensors gone": lambda d: tensors(d).unlink(),
    "tensors of another step": lambda d: shutil.copyfile(tensors(d, 20), tensors(d)),
    "manifest zeroed": lambda d: manifest(d).write_bytes(bytes(4000)),
    "manifest cut": lambda d: cut(manifest(d), 300),
    "manifest empty": lambda d: cut(manifest(d), 0),
    "manifest gone": lambda d: manifest(d).unlink(),
    "manifest of another kind": lambda d: manifest(d).write_text("[1, 2]"),
    "bytes of the manifest flipped": lambda d: flip(manifest(d), 40, 8),
    "manifest without the tensors' digest": lambda d: edit(manifest(d), lambda m: m.pop("sha256")),
    "manifest without its seal": lambda d: edit(manifest(d), lambda m: m.pop("seal")),
    "groups renamed": lambda d: edit(manifest(d), lambda m: m.update(groups={"x": 1})),
    "an earlier step": lambda d: edit(manifest(d), lambda m: m.update(step=20)),
    "a later step": lambda d: edit(manifest(d), lambda m: m.update(step=60)),
    "higher rates": lambda d: edit(manifest(d), rates),
    "a bit of the random generator": lambda d: edit(manifest(d), random_bit),
    "whole files of another step": lambda d: [shutil.copyfile(f(d, 20), f(d)) for f in (manifest, tensors)],
}


def left_out(folder: Path) -> list[str]:
    return [e["sentence"] for e in journal.events(folder / journal.FILE) if e["event"] == journal.LEFT_OUT]


def resumed(folder: Path) -> list[int]:
    return [e["step"] for e in journal.events(folder / journal.FILE) if e["event"] == "resumed"]


def ends_as(folder: Path, whole: Path) -> bool:
    assert trainer.main(folder) == 0
    weights = "model/weights.safetensors"
    return (folder / weights).read_bytes() == (whole / weights).read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_is_left_out_and_the_one_before_taken(damage, cut_off, whole):
    DAMAGES[damage](cut_off)
    assert ends_as(cut_off, whole)
    assert resumed(cut_off) == [20]
    (said,) = left_out(cut_off)
    assert f"snapshot-{STEPS:08d}" in said
    assert "is left out" in said


def test_an_undamaged_one_is_taken_without_a_word(cut_off, whole):
    assert ends_as(cut_off, whole)
    assert (resumed(cut_off), left_out(cut_off)) == ([STEPS], [])


def test_without_any_whole_one_it_begins_anew(cut_off, whole):
    flip(tensors(cut_off), -1000, 64)
    cut(manifest(cut_off, 20), 100)
    assert ends_as(cut_off, whole)
    assert resumed(cut_off) == []
    assert len(left_out(cut_off)) == 2
    assert sorted(path.name for path in cut_off.glob("snapshot-*.json")) == [
        manifest(cut_off, 20).name, manifest(cut_off).name,
    ]  # fmt: skip


def test_any_byte_of_a_snapshot_changed_or_cut_and_it_is_left_out(cut_off, tmp_path):
    """Positions all over both files, by a seed."""
    draw = random.Random(0)
    for path in (manifest(cut_off), tensors(cut_off)):
        content, harmless = path.read_bytes(), 0
        for at in [0, 1, len(content) - 1, *(draw.randrange(len(content)) for _ in range(25))]:
            for damaged in (
                content[:at],
                content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :],
            ):
                path.write_bytes(damaged)
                said: list[str] = []
                found = snapshot.latest(cut_off, said.append)
                same = path.suffix == ".json" and _parses_alike(damaged, content)
                harmless += same
                assert found is not None
                assert found[0] == (STEPS if same else 20), (path.name, at)
                assert bool(said) != same
        path.write_bytes(content)
        assert harmless <= 3  # a line's end turned into another space


def _parses_alike(damaged: bytes, content: bytes) -> bool:
    try:
        return json.loads(damaged) == json.loads(content)
    except ValueError:
        return False


def test_a_snapshot_of_the_release_before_is_read_once_said_and_sealed(cut_off, whole):
    """That release wrote no seal, neither into the manifest nor beside the tensors."""
    from safetensors.torch import load_file, save_file

    for step in (20, STEPS):
        save_file(load_file(tensors(cut_off, step)), tensors(cut_off, step))
        edit(manifest(cut_off, step), lambda m, s=step: (m.pop("seal"), m.update(sha256=_sha256(tensors(cut_off, s)))))
    assert ends_as(cut_off, whole)
    assert resumed(cut_off) == [STEPS]
    (said,) = left_out(cut_off)
    assert "sealed nothing" in said
    assert "seal" in json.loads(manifest(cut_off).read_text())
    again: list[str] = []
    assert snapshot.latest(cut_off, again.append)
    assert again == []


def _sha256(path: Path) -> str:
    from genfoundry.files import file_digest

    return file_digest(path)


@pytest.mark.parametrize("damage", ["torn", "gone", "not UTF-8", "another order than was given"])
def test_a_damaged_order_ends_with_a_sentence_and_a_result(damage, cut_off):
    path = cut_off / ORDER
    seal = _sha256(path)
    if damage == "torn":
        cut(path, 50)
    elif damage == "gone":
        path.unlink()
    elif damage == "not UTF-8":
        flip(path, 40, 8)
    else:
        edit(path, lambda o: o["training"].update(max_steps=60))
    assert trainer.main(cut_off, seal) == 1
    result = read_result(cut_off)
    assert result is not None
    assert (result.run_key, result.outcome, result.weights_digest) == ("", "FAILED", "")
    assert str(path) in result.sentence
    assert result.remedy
    assert "traceback" not in [event["event"] for event in journal.events(cut_off / journal.FILE)]


def test_a_person_may_write_an_order_and_start_it(cut_off, whole):
    """Without a sha256 on the command line the order is taken as it is."""
    edit(cut_off / ORDER, lambda o: o.update(threads=1))
    assert ends_as(cut_off, whole)
