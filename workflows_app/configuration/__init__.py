"""The API's doors to an organization's configs and secrets. What they are and how they are kept is `integrations`'."""
