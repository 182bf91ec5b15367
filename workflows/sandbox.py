"""The sandbox in which workflow code runs: on, narrow, and the same in production, tests and replay."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions


def runner() -> SandboxedWorkflowRunner:
    """Return the runner: values and contracts pass through, code of workflows does not.

    What passes through is pure (domain, contracts) or a list of names (activity classes); pydantic is
    named since its compiled core is slow to load again for each run.
    """
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("pydantic", "pydantic_core")
    )
