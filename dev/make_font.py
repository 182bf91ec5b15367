"""Write templates/fonts/NotoSansCJKsc-Subset.otf: `python dev/make_font.py NotoSansCJK-Regular.ttc 8105.txt`.

The first file is that of Debian's package fonts-noto-cjk (its third font is Simplified Chinese). The second
holds the 8,105 characters of the Table of General Standard Chinese Characters (通用规范汉字表, State Council
2013), in any layout; made with `1-8105纯汉字（按顺序排列）.txt` of
iDvel/The-Table-of-General-Standard-Chinese-Characters at 76c8512.
"""

import sys
from pathlib import Path

from fontTools import subset  # type: ignore[import-untyped]

FONT = Path(__file__).parents[1] / "templates" / "fonts" / "NotoSansCJKsc-Subset.otf"
SIMPLIFIED = 2
RANGES = (
    (0x0020, 0x04FF),  # Latin, Greek, Cyrillic
    (0x2000, 0x26FF),  # punctuation, currencies, numbers in circles, arrows, lines, shapes
    (0x3000, 0x30FF),  # punctuation of Chinese, kana
    (0x3100, 0x312F),  # bopomofo
    (0x3200, 0x33FF),  # numbers in brackets, units in one character such as ㎡
    (0x4E00, 0x9FFF),  # all of the first block, 生僻字 of names and traditional forms with it
    (0xFF00, 0xFFEF),  # full and half width
)


def main(source: Path, table: Path) -> None:
    """Keep what Chinese papers need; hints and most layout rules serve screens and other scripts."""
    standard = {ord(character) for character in table.read_text("utf-8") if ord(character) > 0x33FF}
    kept = standard.union(*(range(first, last + 1) for first, last in RANGES))
    options = subset.Options(
        font_number=SIMPLIFIED,
        hinting=False,
        desubroutinize=True,
        layout_features=["kern", "liga", "locl", "vert"],
    )
    font = subset.load_font(str(source), options)
    maker = subset.Subsetter(options)
    maker.populate(unicodes=kept)
    maker.subset(font)
    subset.save_font(font, str(FONT), options)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
