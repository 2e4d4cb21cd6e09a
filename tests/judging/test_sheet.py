"""A gallery is a picture that says of itself what it shows."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from genfoundry.judging.sheet import BETWEEN, CELL, GAP, grid
from genfoundry.serving.provenance import SOURCE_TYPE


def test_images_stand_row_by_row_enlarged_by_a_whole_factor():
    images = np.arange(3, dtype=np.uint8)[:, None, None, None].repeat(8, 2).repeat(8, 3)
    sheet = np.asarray(Image.open(io.BytesIO(grid(images, 2))))
    assert sheet.shape == (2 * CELL + 3 * GAP,) * 2
    corners = [sheet[GAP, GAP], sheet[GAP, 2 * GAP + CELL], sheet[2 * GAP + CELL, GAP], sheet[-GAP - 1, -GAP - 1]]
    assert corners == [0, 1, 2, BETWEEN]


def test_every_gallery_says_that_it_is_ai_generated():
    picture = Image.open(io.BytesIO(grid(np.zeros((2, 3, 8, 8), np.uint8), 2)))
    text = picture.text  # pyright: ignore[reportAttributeAccessIssue]
    assert (text["AI-generated"], text["DigitalSourceType"]) == ("true", SOURCE_TYPE)
    assert SOURCE_TYPE in text["XML:com.adobe.xmp"]
