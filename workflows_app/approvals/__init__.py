"""A person's yes or no: before an execution runs, or in the middle of its run.

    deciding.decide(...)      approves or rejects, once, by somebody other than the requester
    expiring.expire_due()     rejects the start that nobody decided on in time
    withdrawing.withdraw(...) closes the approval of an execution that was cancelled before it began
    asking                    what a run asks in the middle, and what became of it
    editing.Edited            the values of a form as they were approved
    changes.Changes           what may be changed before it is approved, on a page

Whoever decides holds the execution's row in the run queue first, so that a decision, an expiry and a cancel at the same
moment come one after the other. `workflows_app.executions` asks before the start: it writes that approval with the
execution. A run asks by `context.wait_for_approval` (`workflows_app.engine.approvals`); the end of an execution
withdraws what it has asked and nobody decided.
"""
