"""A raw look at the sheets of .xls: BIFF records in a compound file ([MS-XLS], [MS-CFB])."""

import struct
from collections.abc import Callable, Iterator

from countersign.adapters.sheets.hidden import Scan, damaged, encrypted
from countersign.adapters.sheets.table import InputFault, column_letters

_END_OF_CHAIN, _OLE_STREAM = 0xFFFFFFFA, 2
_BIFF_FORMULA, _BIFF_EOF, _BIFF_FILEPASS, _BIFF_SHEET, _BIFF_BOOLERR, _BIFF_MERGED, _BIFF_BOF = (
    0x06, 0x0A, 0x2F, 0x85, 0x205, 0xE5, 0x809,
)  # fmt: skip


def ole_scans(data: bytes, source: str) -> list[Scan]:
    """Look at every sheet of a compound file, in the workbook's order; raises `InputFault`."""
    try:
        streams = _ole_streams(data)
        if "EncryptedPackage" in streams:
            raise InputFault(encrypted(source))
        book = streams.get("Workbook") or streams.get("Book")
        if book is None:
            raise InputFault(
                f"{source}: is an old Office file, but no workbook; hand in .xlsx, .xls, .xlsb, .ods or .csv"
            )
        return _scan_xls(book, source)
    except (struct.error, IndexError):
        raise InputFault(damaged(source)) from None


def _ole_streams(data: bytes) -> dict[str, bytes]:
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    directory, _, cutoff, mini_table, _, difat, difat_count = struct.unpack_from("<IIIIIII", data, 48)
    if sector not in (512, 4096):
        raise IndexError("no compound file has such sectors")

    def block(number: int) -> bytes:
        piece = data[(number + 1) * sector : (number + 2) * sector]
        if not piece:
            raise IndexError("a sector lies behind the end of the file")
        return piece

    table_sectors = list(struct.unpack_from("<109I", data, 76))
    for _ in range(difat_count):
        if difat >= _END_OF_CHAIN:
            break
        *more, difat = struct.unpack(f"<{sector // 4}I", block(difat))
        table_sectors += more
    links = [
        link
        for number in table_sectors
        if number < _END_OF_CHAIN
        for (link,) in struct.iter_unpack("<I", block(number))
    ]
    mini_links = [link for (link,) in struct.iter_unpack("<I", _chain(mini_table, links, block))]
    entries = _chain(directory, links, block)
    # The first entry is the root, whose own chain holds the short streams.
    root = _chain(struct.unpack_from("<I", entries, 116)[0], links, block)

    def mini_block(number: int) -> bytes:
        return root[number * 64 : (number + 1) * 64]

    streams: dict[str, bytes] = {}
    for at in range(128, len(entries), 128):
        name_size, kind = struct.unpack_from("<HB", entries, at + 64)
        start, size = struct.unpack_from("<II", entries, at + 116)
        if kind == _OLE_STREAM:
            name = entries[at : at + max(name_size - 2, 0)].decode("utf-16-le", "replace")
            short = size < cutoff
            chain = _chain(start, mini_links, mini_block) if short else _chain(start, links, block)
            streams[name] = chain[:size]
    return streams


def _chain(start: int, links: list[int], block: Callable[[int], bytes]) -> bytes:
    pieces = []
    number = start
    while number < _END_OF_CHAIN:
        pieces.append(block(number))
        number = links[number]
        if len(pieces) > len(links):
            raise IndexError("the chain of sectors is a ring")
    return b"".join(pieces)


def _scan_xls(book: bytes, source: str) -> list[Scan]:
    starts = []
    for record, at, _ in _biff_records(book, 0):
        if record == _BIFF_FILEPASS:
            raise InputFault(encrypted(source))
        if record == _BIFF_SHEET:
            starts.append(struct.unpack_from("<I", book, at)[0])
    return [_scan_xls_sheet(book, start) for start in starts]


def _biff_records(book: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and size of each record of one substream, charts inside it included."""
    at, depth = start, 0
    while at < len(book):
        record, size = struct.unpack_from("<HH", book, at)
        depth += (record == _BIFF_BOF) - (record == _BIFF_EOF)
        if record == _BIFF_EOF and depth <= 0:
            return
        if depth == 1:
            yield record, at + 4, size
        at += 4 + size


def _scan_xls_sheet(book: bytes, start: int) -> Scan:
    scan = Scan()
    for record, at, _ in _biff_records(book, start):
        if record == _BIFF_BOOLERR:
            row, column, _, _, is_error = struct.unpack_from("<HHHBB", book, at)
        elif record == _BIFF_FORMULA:
            row, column, _, kind, _, marker = struct.unpack_from("<HHHB5sH", book, at)
            is_error = marker == 0xFFFF and kind == 2
        elif record == _BIFF_MERGED:
            (count,) = struct.unpack_from("<H", book, at)
            scan.merged += [struct.unpack_from("<HHHH", book, at + 2 + 8 * n) for n in range(count)]
            continue
        else:
            continue
        if is_error:
            scan.errors.append(f"{column_letters(column)}{row + 1}")
    return scan
