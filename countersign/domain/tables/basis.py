"""On what a figure rests: the article of a law, as readers of each language cite it."""

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

_PLACE = re.compile(r"(?P<article>[0-9]+)(?:/(?P<paragraph>[0-9]+))?(?:\((?P<item>[0-9]+)\))?")
_NUMERALS = "〇一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Basis:
    """A legal source in both languages."""

    zh: str
    en: str


class Law(BaseModel):
    """A law, regulation or interpretation: its title in both languages and the version that was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str
    version: str = ""

    def basis(self, article: str = "") -> Basis:
        """Cite places such as `64/2` (article, paragraph 款) and `37(1)` (item 项), several with commas."""
        # A title within a title stands in single brackets (GB/T 15834).
        title = f"《{self.zh.replace('《', '〈').replace('》', '〉')}》"
        if not article:
            return Basis(title, self.en)
        places = [place.strip() for place in article.split(",")]
        chinese = "、".join(_chinese(place) for place in places)
        english = ", ".join(re.sub(r"/([0-9]+)", r"(\1)", place) for place in places)
        return Basis(f"{title}{chinese}", f"{self.en}, art. {english}")


def _chinese(place: str) -> str:
    found = _PLACE.fullmatch(place)
    if found is None:
        raise ValueError(f"{place} names no article; write 64, 64/2 or 37(1)")
    text = f"第{found['article']}条"
    if found["paragraph"]:
        text += f"第{found['paragraph']}款"
    if found["item"]:
        text += f"第（{_NUMERALS[int(found['item'])]}）项"
    return text
