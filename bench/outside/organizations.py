"""Makes organizations and prints their org_ids as JSON."""

from __future__ import annotations

import argparse
import json
import os

import django


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    count = parser.parse_args().count
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bifrost.settings")
    django.setup()
    from orgs.provisioning import create_organization

    print(json.dumps([create_organization(f"audited-{n}", f"Audited {n}").org_id for n in range(count)]))


if __name__ == "__main__":
    main()
