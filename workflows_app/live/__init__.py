"""Whoever has an execution before them hears at once that it has changed, over Server-Sent Events.

The stream says that there is something new and not what: the page fetches that through its usual door.
"""
