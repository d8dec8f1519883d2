"""A person's yes or no before an execution runs.

    deciding.decide(...)      approves or rejects, once, by somebody other than the requester
    expiring.expire_due()     rejects what nobody decided in time
    withdrawing.withdraw(...) closes the approval of an execution that was cancelled

All of them hold the execution's row in the run queue first, so that a decision, an expiry and a cancel at the same
moment come one after the other. `workflows_app.executions` asks for approvals: it writes them with the execution.
"""
