"""Tables in text files: CSV in the encodings and with the delimiters that people really send."""

import codecs
import csv
import io
import re

from countersign.adapters.sheets.table import InputFault

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")

_HEAD, _RARE = 4_096, 20
"""A file in whose first bytes more than one of twenty is a control character is no text."""


def csv_rows(data: bytes, source: str) -> list[list[str]]:
    """Return the rows of a CSV file; raises `InputFault` for what is no text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputFault(f"{source}: is text in UTF-16; save it as CSV UTF-8")
    head = data[:_HEAD]
    if data.startswith(b"%PDF") or len(_CONTROL.findall(head)) * _RARE > len(head):
        raise InputFault(f"{source}: is not a spreadsheet; hand in .xlsx, .xls, .xlsb, .ods or .csv")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            raise InputFault(
                f"{source}: is text in neither UTF-8 nor GB18030; save it as CSV UTF-8"
            ) from None
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise InputFault(
            f"{source}: line {reader.line_num} is not valid CSV ({error}); look for an open quotation mark"
        ) from None
