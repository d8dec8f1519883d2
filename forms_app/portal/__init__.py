"""What a customer's people see: pages at the organization's host name, and below /o/<org_id>/."""
