"""Requests and what becomes of them, approvals and notices, as a customer's people see them.

    listing     requests as lists show them            lists       the pages of these lists
    telling     one request, in people's words         page        its page, its live part, cancel and run again
    words       statuses, times and errors             readable    any JSON value for a reader
    approvals   the inbox and one approval             notices     the notes to this person
    files       what a run has made, or was given

A requester sees the own requests; what is somebody else's, or another organization's, is not found.
"""
