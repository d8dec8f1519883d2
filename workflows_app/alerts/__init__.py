"""What people have to hear of: alerts for the MSP's staff, notices for anybody.

    raising.raise_alert(...)   an alert; while one of the same key is not resolved, one more of its count
    handling.acknowledge(...)  somebody looks after it; resolve(...): it is over
    notices.leave(...)         a notice for a person, once under its key
    sending.send_due()         the one place that sends: by e-mail, and alerts to the MSP's webhook
    overdue.watch(), failing.watch()   what the maintenance looks for by itself

An alert or a notice is written together with a thin row in the shared schema for each way that it is to go
(`dispatch.Outgoing`); the maintenance claims those rows, sends, and keeps at the alert or notice what came of it.
Raising and leaving know neither the engine nor executions, so both may call them.
"""
