"""Amounts: exact decimals inside a formula, integer fen on every line, yuan with two decimals in print."""

from decimal import ROUND_HALF_UP, ROUND_UP, Decimal


def to_fen(yuan: Decimal) -> int:
    """Round an exact amount in yuan to fen, half up: once for each line, as courts do."""
    return int((yuan * 100).to_integral_value(ROUND_HALF_UP))


def to_fen_by_unit(yuan: Decimal, unit: Decimal, *, up: bool) -> int:
    """Round an amount in yuan to a unit in yuan, half up or always up; returns fen."""
    parts = (yuan / unit).quantize(Decimal(1), ROUND_UP if up else ROUND_HALF_UP)
    return to_fen(parts * unit)


def yuan(fen: int) -> str:
    """Write fen as yuan: `-1205` becomes `-12.05`."""
    if fen < 0:
        return f"-{yuan(-fen)}"
    return f"{fen // 100}.{fen % 100:02d}"


def in_yuan(fen: int) -> Decimal:
    """Return fen as an exact amount in yuan, for the next formula."""
    return Decimal(fen).scaleb(-2)


def plain(number: Decimal) -> str:
    """Write a number without exponent and without trailing zeros: `8`, `4.5`."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
