"""Gives each PNG a palette of its own: `python palette.py picture.png …`."""

import sys

from PIL import Image

for name in sys.argv[1:]:
    image = Image.open(name).convert("RGB")
    # Colours that are seldom, as the sign of a status, are to stay what they are.
    few = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(name, optimize=True)
