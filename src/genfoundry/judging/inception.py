"""The canonical Inception network of the Fréchet Inception Distance, for the published weights.

Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception architecture for computer vision", 2015,
https://arxiv.org/abs/1512.00567, as the TensorFlow graph of 2015-12-05 has it: averages leave the padding out, the
last block pools by maximum, images are resized as TensorFlow 1 did. The names of the layers are those of the weights
file `pt_inception-2015-12-05-6726825d.pth`, without which the network is only a shape.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.project.root import state_dir

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
FILE = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
DOWNLOAD = "download"
SIDE = 299  # pixels of the input
DIMENSIONS = 2048

KernelSize = int | tuple[int, int]
Shape = tuple[int, int, KernelSize] | tuple[int, int, KernelSize, int]  # inputs, outputs, kernel, stride
Branch = tuple["str | Branch", ...]  # names of layers; the last may be a tuple: both are fed, and joined


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU. An uneven kernel of stride 1 keeps the size."""

    def __init__(self, inputs: int, outputs: int, kernel: KernelSize, stride: int = 1, same: bool = True) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if same and stride == 1 else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Mixed(nn.Module):
    """Branches side by side, joined along the channels.

    Args:
        units: the shape of each layer, by name.
        branches: each a chain of layer names, in the order in which they are joined.
    """

    def __init__(self, units: Mapping[str, Shape], branches: Branch) -> None:
        super().__init__()
        for name, (inputs, outputs, kernel, *stride) in units.items():
            self.add_module(name, ConvUnit(inputs, outputs, kernel, stride[0] if stride else 1))
        self.branches = branches

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self._follow(branch, x) for branch in self.branches], 1)

    def _follow(self, branch: str | Branch, x: Tensor) -> Tensor:
        for step in (branch,) if isinstance(branch, str) else branch:
            x = self._step(step, x)
        return x

    def _step(self, step: str | Branch, x: Tensor) -> Tensor:
        if isinstance(step, tuple):
            return torch.cat([self._follow(name, x) for name in step], 1)
        return POOLS[step](x) if step in POOLS else getattr(self, step)(x)


POOLS = {
    "average": lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    "maximum": lambda x: F.max_pool2d(x, 3, 1, 1),
    "halve": lambda x: F.max_pool2d(x, 3, 2),
}


def _block_35(inputs: int, pooled: int) -> Mixed:
    units = {
        "branch1x1": (inputs, 64, 1),
        "branch5x5_1": (inputs, 48, 1),
        "branch5x5_2": (48, 64, 5),
        "branch3x3dbl_1": (inputs, 64, 1),
        "branch3x3dbl_2": (64, 96, 3),
        "branch3x3dbl_3": (96, 96, 3),
        "branch_pool": (inputs, pooled, 1),
    }
    return Mixed(units, ("branch1x1", _chain("branch5x5_", 2), _chain("branch3x3dbl_", 3), ("average", "branch_pool")))


def _chain(start: str, length: int) -> Branch:
    return tuple(f"{start}{number}" for number in range(1, length + 1))


def _reduction_35() -> Mixed:
    units = {
        "branch3x3": (288, 384, 3, 2),
        "branch3x3dbl_1": (288, 64, 1),
        "branch3x3dbl_2": (64, 96, 3),
        "branch3x3dbl_3": (96, 96, 3, 2),
    }
    return Mixed(units, ("branch3x3", _chain("branch3x3dbl_", 3), "halve"))


def _block_17(inner: int) -> Mixed:
    units = {
        "branch1x1": (768, 192, 1),
        "branch7x7_1": (768, inner, 1),
        "branch7x7_2": (inner, inner, (1, 7)),
        "branch7x7_3": (inner, 192, (7, 1)),
        "branch7x7dbl_1": (768, inner, 1),
        "branch7x7dbl_2": (inner, inner, (7, 1)),
        "branch7x7dbl_3": (inner, inner, (1, 7)),
        "branch7x7dbl_4": (inner, inner, (7, 1)),
        "branch7x7dbl_5": (inner, 192, (1, 7)),
        "branch_pool": (768, 192, 1),
    }
    return Mixed(units, ("branch1x1", _chain("branch7x7_", 3), _chain("branch7x7dbl_", 5), ("average", "branch_pool")))


def _reduction_17() -> Mixed:
    units = {
        "branch3x3_1": (768, 192, 1),
        "branch3x3_2": (192, 320, 3, 2),
        "branch7x7x3_1": (768, 192, 1),
        "branch7x7x3_2": (192, 192, (1, 7)),
        "branch7x7x3_3": (192, 192, (7, 1)),
        "branch7x7x3_4": (192, 192, 3, 2),
    }
    return Mixed(units, (_chain("branch3x3_", 2), _chain("branch7x7x3_", 4), "halve"))


def _block_8(inputs: int, pool: str) -> Mixed:
    units = {
        "branch1x1": (inputs, 320, 1),
        "branch3x3_1": (inputs, 384, 1),
        "branch3x3_2a": (384, 384, (1, 3)),
        "branch3x3_2b": (384, 384, (3, 1)),
        "branch3x3dbl_1": (inputs, 448, 1),
        "branch3x3dbl_2": (448, 384, 3),
        "branch3x3dbl_3a": (384, 384, (1, 3)),
        "branch3x3dbl_3b": (384, 384, (3, 1)),
        "branch_pool": (inputs, 192, 1),
    }
    wide = ("branch3x3_1", ("branch3x3_2a", "branch3x3_2b"))
    deep = ("branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b"))
    return Mixed(units, ("branch1x1", wide, deep, (pool, "branch_pool")))


class Inception(nn.Module):
    """uint8 images (B, 3, H, W) to pool3 features (B, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvUnit(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = ConvUnit(32, 32, 3, same=False)
        self.Conv2d_2b_3x3 = ConvUnit(32, 64, 3)
        self.Conv2d_3b_1x1 = ConvUnit(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvUnit(80, 192, 3, same=False)
        for letter, inputs, pooled in (("b", 192, 32), ("c", 256, 64), ("d", 288, 64)):
            self.add_module(f"Mixed_5{letter}", _block_35(inputs, pooled))
        self.Mixed_6a = _reduction_35()
        for letter, inner in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
            self.add_module(f"Mixed_6{letter}", _block_17(inner))
        self.Mixed_7a = _reduction_17()
        self.Mixed_7b, self.Mixed_7c = _block_8(1280, "average"), _block_8(2048, "maximum")
        self.fc = nn.Linear(DIMENSIONS, 1008)  # in the weights file; the features lie before it

    def forward(self, pixels: Tensor) -> Tensor:
        x = (resize_like_tensorflow(pixels.float(), SIDE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))  # (B, 64, 147, 147)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(POOLS["halve"](x)))  # (B, 192, 71, 71)
        x = POOLS["halve"](x)  # (B, 192, 35, 35)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = getattr(self, f"Mixed_{name}")(x)
        return x.mean((2, 3))


def resize_like_tensorflow(x: Tensor, side: int) -> Tensor:
    """Bilinear resizing (B, C, H, W) → (B, C, side, side) with pixel i at i · H / side: no half-pixel centres."""
    for axis in (2, 3):
        length = x.shape[axis]
        where = torch.arange(side, dtype=torch.float32, device=x.device) * (length / side)
        low = where.long()
        high = (low + 1).clamp(max=length - 1)
        share = (where - low).reshape((-1, 1) if axis == 2 else (-1,))
        a, b = x.index_select(axis, low), x.index_select(axis, high)
        x = a + (b - a) * share
    return x


def load(weights: str) -> Inception:
    """The network with the published weights: from a path, or `download`ed once into the project's state.

    Raises:
        UserError: no such file, not the published one, or it can't be had.
    """
    path = _download() if weights == DOWNLOAD else Path(weights).expanduser()
    if not path.is_file():
        raise UserError(f"There are no Inception weights at {path}.", expected=FILE, remedy=f"fetch {URL}")
    if (found := file_digest(path)) != SHA256:
        raise UserError(f"{path} has sha256 {found}.", expected=f"{SHA256} ({FILE})", remedy=f"fetch {URL}")
    network = Inception()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.requires_grad_(False).eval()


def _download() -> Path:
    path = state_dir("weights") / FILE
    if path.is_file() and file_digest(path) == SHA256:
        return path
    if path.is_file():
        sealed.say(sealed.damage(path, "it is not the published file", "it is downloaded anew"))
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / FILE
        try:
            torch.hub.download_url_to_file(URL, str(part), hash_prefix=SHA256, progress=False)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"The Inception weights could not be downloaded: {error}",
                remedy=f"fetch {URL} where there is internet, and name the file in evaluation.inception_weights",
            ) from None
        return part.replace(path)
