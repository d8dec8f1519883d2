"""Where staff build forms: pages of an organization's admin.

Whatever somebody changes is in that person's draft at once, kept by the server; saving makes a version of it.
"""
