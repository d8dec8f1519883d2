"""Data providers: functions of the workspace that supply options, for an organization and for values of other fields.

asking      options_of(): from this process's cache, or computed once for all who wait
checking    whether what somebody chose is among the options
running     a bounded number of them at once, each in a bounded time, on a loop of their own
host        what their context may ask for
health      what came of each provider last, in the organization's schema
"""
