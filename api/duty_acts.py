"""Recording what became of a statutory duty or of the notice: committed first, then brought to its case."""

from enum import StrEnum

from api.carrying import carried
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.duty_book import DutyAct, ServedAct
from countersign.bootstrap import Parts


class DutyWord(StrEnum):
    """What can be said of a duty."""

    ORDERED = "ordered"
    DONE = "done"
    FAILED = "failed"


async def record_duty(parts: Parts, word: DutyWord, act: DutyAct) -> ActView:
    """Take in what somebody says of a duty; return the receipt. Raises `Refusal`."""
    book = parts.duty_book
    take = {DutyWord.ORDERED: book.ordered, DutyWord.DONE: book.done, DutyWord.FAILED: book.failed}[word]
    return await carried(parts, lambda: take(act))


async def record_service(parts: Parts, act: ServedAct) -> ActView:
    """Take in that the notice was handed over in person; return the receipt. Raises `Refusal`."""
    return await carried(parts, lambda: parts.duty_book.served(act))
