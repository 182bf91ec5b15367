"""Fonts made for a test: each character is a box."""

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


def folder_of_a_font(folder: Path, characters: str, family: str = "Boxes") -> Path:
    """Return a new folder in `folder` that holds a font with these characters alone."""
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for corner in ((950, 0), (950, 800), (50, 800)):
        pen.lineTo(corner)
    pen.closePath()
    glyphs = {".notdef": TTGlyphPen(None).glyph(), "box": pen.glyph()}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(dict.fromkeys(map(ord, characters), "box"))
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": "Boxes-Regular"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWeightClass=400)
    builder.setupPost()
    made = folder / "fonts"
    made.mkdir()
    builder.save(made / "boxes.ttf")
    return made
