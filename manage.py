#!/usr/bin/env python
"""Django's command line for Bifrost."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bifrost.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed for this Python. Run bin/up once, then use .venv/bin/python manage.py.")
    from django.core.exceptions import ImproperlyConfigured
    from django.db.utils import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        # Some of these come from a database that is there: a deadlock, a full disk.
        state = getattr(error.__cause__, "sqlstate", None)
        if state and not state.startswith(("08", "57P")):
            raise
        sys.exit(f"The database cannot be reached: start it with bin/up, or set DATABASE_URL.\n{str(error).strip()}")


if __name__ == "__main__":
    main()
