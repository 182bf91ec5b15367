"""The packs that ship with the product: read once per process, named by version and digest."""

import hashlib
from functools import cache
from importlib.resources import files

from countersign.domain.tables.regional import RegionPack
from countersign.domain.tables.statutory import StatutoryPack
from countersign.domain.yaml_text import load_text, shown

STATUTORY = "statutory"
REGIONS = (
    "beijing",
    "shanghai",
    "guangdong",
    "jiangsu",
    "zhejiang",
    "sichuan",
    "shandong",
    "henan",
    "jiangxi",
    "hunan",
    "fujian_2014",
)


class UnknownPack(LookupError):
    """No region of that name has tables; the text lists those that have."""


def _text(name: str) -> str:
    return files("countersign.regions").joinpath(f"{name}.yaml").read_text("utf-8")


@cache
def statutory() -> StatutoryPack:
    """Read the national tables."""
    return StatutoryPack.model_validate(load_text(_text(STATUTORY), f"regions/{STATUTORY}.yaml"))


@cache
def region_pack(region: str) -> RegionPack:
    """Read the tables of a region; raises `UnknownPack`."""
    if region not in REGIONS:
        raise UnknownPack(f"is {shown(region)}, for which there are no tables; known: {', '.join(REGIONS)}")
    return RegionPack.model_validate(load_text(_text(region), f"regions/{region}.yaml"))


@cache
def version_of(name: str) -> str:
    """Name a pack by its date and the first twelve digits of the SHA-256 of its file."""
    pack = statutory() if name == STATUTORY else region_pack(name)
    return f"{name} {pack.version} {hashlib.sha256(_text(name).encode()).hexdigest()[:12]}"
