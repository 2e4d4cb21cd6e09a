"""Where a generated file came from, written into it: that it is synthetic, by which weights, of which data.

An image carries it as PNG text and, for readers that know no more, as the IPTC's digital source type in XMP (IPTC Photo
Metadata Standard 2023.1, §"Digital Source Type"). A table carries a column `ai_generated`, and a file beside it.
No time stamp: the same seed gives the same bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from genfoundry import __version__
from genfoundry.records import Record

SIDECAR = "provenance.json"
COLUMN = "ai_generated"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SYNTHETIC = {"AI-generated": "true", "DigitalSourceType": SOURCE_TYPE}
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


class Provenance(Record):
    """The registered version that made a file, what that was trained on, and what it was asked for.

    `given` is what it was told beside the seed: a class by name and number, the sha256 of an image, up to when its
    series were known; or nothing.
    """

    model: str
    version: int
    weights_sha256: str
    dataset: str
    dataset_digest: str
    seed: int
    given: str = ""

    @property
    def words(self) -> dict[str, str]:
        """All of it as text, by name."""
        own = {name: str(value) for name, value in self.model_dump().items() if value != ""}
        return {**SYNTHETIC, **own, "genfoundry": __version__}


def marked(words: Mapping[str, str] = SYNTHETIC) -> PngInfo:
    """What a PNG says of itself: these words, and in XMP that it is synthetic."""
    text = PngInfo()
    for name, word in words.items():
        text.add_text(name, word)
    text.add_itxt("XML:com.adobe.xmp", XMP)
    return text


def stamped(picture: Image.Image, provenance: Provenance) -> bytes:
    """PNG bytes of a picture, with its provenance."""
    text = marked(provenance.words)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def sidecar(provenance: Provenance) -> str:
    """The text of the file beside a table."""
    return json.dumps(provenance.words, indent=1, ensure_ascii=False) + "\n"
