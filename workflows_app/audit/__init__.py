"""The audit log by the API. `orgs.audit` writes it."""
