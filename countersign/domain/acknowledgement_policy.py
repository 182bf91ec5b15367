"""The policy of a text to be confirmed as people write it, and what such a policy must not do."""

from countersign.domain.acknowledgement import AcknowledgementPolicy
from countersign.domain.policy import Audience, Channel
from countersign.domain.policy_file import (
    CaseFileError,
    ProcessPolicyModel,
    ladder_of,
    read_policy,
    wait_of,
)
from countersign.domain.policy_limits import ladder_fault

RESERVED_NAMES = frozenset({"objection_answered"})


def acknowledgement_policy(mapping: object, source: str, path: str = "") -> AcknowledgementPolicy:
    """Read and check a policy of texts to be confirmed; raises `CaseFileError` with one sentence."""
    read = read_policy(ProcessPolicyModel, mapping, source, path)
    policy = AcknowledgementPolicy(
        name=read.name,
        ladder=ladder_of(read),
        posting_due=wait_of(read.posting_due),
        visit_due=wait_of(read.visit_due),
        review_due=wait_of(read.review_due),
        on_unknown=read.on_unknown,
        confidential=read.confidential,
        publication_due=wait_of(read.publication_due),
    )
    refused = _refused(policy)
    if refused is not None:
        raise CaseFileError(f"{source}: {path}{'.' if path else ''}{refused}")
    return policy


def _refused(policy: AcknowledgementPolicy) -> str | None:
    """Say what of a whole policy the product refuses to run."""
    rungs = policy.ladder.rungs
    if rungs[0].audience is not Audience.EMPLOYEE:
        return f"rungs[0] ({rungs[0].name[:40]}): must turn to the employee, who is to confirm the text"
    for index, rung in enumerate(rungs):
        if rung.audience is Audience.EMERGENCY_CONTACT:
            return (
                f"rungs[{index}] ({rung.name[:40]}): a text of the company is no matter of an emergency "
                "contact; turn to the employee, the manager, hr or legal"
            )
        if Channel.PUBLIC_NOTICE in rung.channels:
            return (
                f"rungs[{index}] ({rung.name[:40]}): a text of the company is never made public; "
                "remove the channel public_notice"
            )
    own = (policy.posting_due, policy.visit_due, policy.publication_due, policy.review_due)
    return ladder_fault(policy.name, policy.ladder, own, RESERVED_NAMES)
