"""Files that are taken in: what kinds there are, and their way from being handed in to being undone."""

from countersign.imports.kinds import IMPORTS, import_file

__all__ = ["IMPORTS", "import_file"]
