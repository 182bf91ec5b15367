"""What the product refuses to run although it can be planned, whatever the process."""

import re
from collections.abc import Collection, Iterable
from datetime import time

from countersign.domain.policy import (
    Audience,
    Channel,
    LadderPolicy,
    Rung,
    SendingWindow,
    Wait,
    WaitUnit,
    WindowDays,
)
from countersign.domain.public_notice import rung_fault

QUIET_FROM, QUIET_TO = time(21), time(8)
"""Relatives are left in peace from 21:00 to 08:00 and on days off."""

_NAME = re.compile(r"[a-z0-9_]+")

MOST_RUNGS, LONGEST_NAME, LONGEST_WAIT_DAYS = 50, 100, 3660


def ladder_fault(
    name: str, ladder: LadderPolicy, own: Iterable[Wait], reserved: Collection[str]
) -> str | None:
    """Say what of a policy named `name` is refused, as `field: reason`; None when it may run.

    `own` are the waits around the ladder, `reserved` the names of messages that the process itself sends.
    """
    names = [rung.name for rung in ladder.rungs]
    twice = next((one for one in names if names.count(one) > 1), None)
    if len(names) > MOST_RUNGS:
        return f"rungs: has {len(names)} rungs; at most {MOST_RUNGS} can be run"
    if max(map(len, (name, *names))) > LONGEST_NAME:
        return f"name: is longer than {LONGEST_NAME} characters"
    if twice is not None:
        return f"rungs: the name {twice} is used twice; give each rung a name of its own"
    if any(_too_long(wait) for wait in own):
        return f"a wait around the ladder is longer than {LONGEST_WAIT_DAYS} days"
    for index, rung in enumerate(ladder.rungs):
        fault = _rung_fault(rung, ladder.sending_window, reserved) or rung_fault(ladder, index)
        if fault is not None:
            return f"rungs[{index}] ({rung.name[:40]}): {fault}"
    return None


def _too_long(wait: Wait) -> bool:
    return wait.value > LONGEST_WAIT_DAYS * (24 if wait.unit is WaitUnit.HOURS else 1)


def _rung_fault(rung: Rung, window: SendingWindow | None, reserved: Collection[str]) -> str | None:
    if not _NAME.fullmatch(rung.name):
        return "name: use small letters, digits and _ only, since operators see it beside every case"
    if rung.name in reserved:
        return "this name belongs to a message of the process itself; choose another"
    if _too_long(rung.wait):
        return f"wait: is longer than {LONGEST_WAIT_DAYS} days; shorten it"
    if {Channel.COURIER, Channel.VISIT} <= set(rung.channels):
        return "courier and visit cannot share a rung; give each its own"
    if rung.audience is Audience.EMERGENCY_CONTACT and not _spares_relatives(window):
        return (
            "an emergency contact is never written to at night or on days off; "
            "set sending_window to working days between 08:00 and 21:00"
        )
    return None


def _spares_relatives(window: SendingWindow | None) -> bool:
    return (
        window is not None
        and window.days is WindowDays.WORKING
        and window.opens >= QUIET_TO
        and window.closes <= QUIET_FROM
    )
