"""What is looked at before a workflow starts: its checks, which inform, warn or block (bifrost.sdk.checking)."""
