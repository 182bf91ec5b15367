"""The clock of one case: real time, or time-lapse in which planned waits are shortened."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass
class CaseClock:
    """Tells a case's time from the real time.

    With `factor` 1 both are the same. In time-lapse the clock stands at `case`, the planned instant that
    was reached last, plus the real time since then times `factor`, and never passes `limit`, the next
    planned instant. All instants are aware.
    """

    case: datetime
    real: datetime
    factor: int = 1
    limit: datetime | None = None

    @property
    def lapse(self) -> bool:
        """Say whether this is a time-lapse clock."""
        return self.factor > 1

    def at(self, real_now: datetime) -> datetime:
        """Return the case's time at the real instant `real_now`."""
        if not self.lapse:
            return real_now
        now = self.case + max(real_now - self.real, timedelta(0)) * self.factor
        return min(now, self.limit) if self.limit is not None else now

    def delay_until(self, instant: datetime, real_now: datetime) -> timedelta:
        """Return the real time to wait until the case's clock shows `instant`; never negative."""
        left = instant - self.at(real_now)
        return max(left / self.factor, timedelta(0))

    def arrive(self, instant: datetime, real_now: datetime) -> None:
        """Set the clock to a planned instant that has just been reached; real clocks need no setting."""
        if self.lapse:
            self.case, self.real = max(instant, self.case), real_now
