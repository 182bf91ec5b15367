"""The pooling regions: whose tables apply to a branch, and in which zone its clocks run."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from countersign.domain.yaml_text import load_text, shown


@dataclass(frozen=True)
class Region:
    """A pooling region: key (`beijing`), Chinese and English name, IANA zone of its branches."""

    name: str
    zh: str
    en: str
    zone: str


class UnknownRegion(ValueError):
    """No region has that name; the message lists the known ones."""


@cache
def known_regions() -> tuple[Region, ...]:
    """Read the regions that ship with the product (packaged data, read once per process)."""
    table = load_text(
        files("countersign.regions").joinpath("regions.yaml").read_text("utf-8"), "regions/regions.yaml"
    )
    return tuple(Region(name=name, **entry) for name, entry in table.items())


def region(name: str) -> Region:
    """Find a region by its key; raises `UnknownRegion`."""
    for known in known_regions():
        if known.name == name:
            return known
    names = ", ".join(known.name for known in known_regions())
    raise UnknownRegion(f"region {shown(name)} is not known; known regions: {names}")
