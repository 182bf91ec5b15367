"""Which process a policy is for, and how it is read."""

from collections.abc import Callable

from countersign.domain.acknowledgement import AcknowledgementPolicy
from countersign.domain.acknowledgement_policy import acknowledgement_policy
from countersign.domain.leave_return import LeaveReturnPolicy
from countersign.domain.leave_return_policy import leave_return_policy

READERS: dict[str, Callable[[object, str], LeaveReturnPolicy | AcknowledgementPolicy]] = {
    "leave_return": leave_return_policy,
    "acknowledgement": acknowledgement_policy,
}
"""How the policy of a process is read, by the process's name. All raise `CaseFileError` in words."""


def process_of(file: str) -> str:
    """Return the process of a shipped policy from its file name, `<process>_<variant>.yaml`."""
    return max((name for name in READERS if file.startswith(f"{name}_")), key=len)
