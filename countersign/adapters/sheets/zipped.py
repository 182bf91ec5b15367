"""Zipped workbooks (.xlsx, .xlsb, .ods): what must not be unpacked, and a raw look at each sheet."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.parsers import expat

from countersign.adapters.sheets.hidden import Scan, damaged, encrypted
from countersign.adapters.sheets.ods import scan_ods
from countersign.adapters.sheets.table import MAX_INFLATED_BYTES, InputFault
from countersign.adapters.sheets.xlsb import scan_xlsb, xlsb_sheet_ids
from countersign.adapters.sheets.xlsx import read_xml, scan_xlsx, xlsx_sheet_ids

MAX_INFLATION = 200


def zip_scans(data: bytes, source: str) -> list[Scan]:
    """Look at every sheet of an archive, in the workbook's order; raises `InputFault`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bomb(archive, len(data), source)
            parts = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
            if len(parts) != len(archive.infolist()):
                raise InputFault(damaged(source))  # of two parts of one name the reader may take the other
            if "xl/workbook.bin" in parts:
                return [scan_xlsb(part) for part in _sheet_parts(archive, parts, "xl/workbook.bin")]
            if "xl/workbook.xml" in parts:
                return [scan_xlsx(part) for part in _sheet_parts(archive, parts, "xl/workbook.xml")]
            if "content.xml" in parts and b"spreadsheet" in archive.read("mimetype")[:100]:
                if b"encryption-data" in archive.read(parts.get("meta-inf/manifest.xml", "content.xml")):
                    raise InputFault(encrypted(source))
                return scan_ods(archive.read(parts["content.xml"]))
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, IndexError, struct.error,
            NotImplementedError, ElementTree.ParseError, expat.ExpatError) as error:  # fmt: skip
        if isinstance(error, InputFault):
            raise
        raise InputFault(damaged(source)) from None
    except RuntimeError:
        # The standard library's word for an archive entry that wants a password.
        raise InputFault(encrypted(source)) from None
    raise InputFault(f"{source}: is an archive or document, but no spreadsheet; hand in the table inside")


def _refuse_bomb(archive: zipfile.ZipFile, packed: int, source: str) -> None:
    """Inflate every entry once; entries that lie about their size fail their checksum here."""
    limit = min(MAX_INFLATED_BYTES, MAX_INFLATION * packed)
    if sum(entry.file_size for entry in archive.infolist()) > limit:
        raise InputFault(
            f"{source}: unpacks to more than 200 MB or {MAX_INFLATION} times its size; "
            "no honest table does; copy the table into a new workbook"
        )
    for entry in archive.infolist():
        with archive.open(entry) as stream:
            while stream.read(1 << 20):
                pass


def _sheet_parts(archive: zipfile.ZipFile, parts: dict[str, str], workbook: str) -> Iterator[bytes]:
    """Yield the bytes of each sheet in the workbook's order."""
    folder, _, name = workbook.rpartition("/")
    targets = {
        element.get("Id"): element.get("Target", "")
        for element in read_xml(archive.read(parts[f"{folder}/_rels/{name}.rels"])).iter()
    }
    read = xlsb_sheet_ids if workbook.endswith(".bin") else xlsx_sheet_ids
    for relation in read(archive.read(parts[workbook])):
        target = targets[relation].replace("\\", "/")
        place = target.lstrip("/") if target.startswith("/") else f"{folder}/{target.removeprefix('./')}"
        yield archive.read(parts[place.lower()])
