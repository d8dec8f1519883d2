"""Which addresses an organization's integrations may call.

Configs and redirects name hosts, and customers set configs: without this, a workflow could be led to the platform's own
network or to a cloud's metadata. The address is checked after the name was looked up, and that address is connected to,
so a name cannot change its meaning in between.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from django.conf import settings

from bifrost.sdk.errors import IntegrationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Where clouds tell a machine its own secrets; no integration has business there.
METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")))


def allowed(addresses: Sequence[str], host: str, *, private: bool) -> list[str]:
    """Those of the host's addresses that may be called; `private`: the integration says that it may be in a private
    network. Raises IntegrationError where there are none.
    """
    fine = [address for address in addresses if _may_be_called(_meant(address), private)]
    if not fine:
        raise IntegrationError(
            f"The address of {host} is not a public one, and is not called",
            details={
                "hint": "If it is meant: the integration declares private_addresses, or the MSP adds its network to"
                " BIFROST_PRIVATE_NETWORKS."
            },
        )
    return fine


def _meant(address: str) -> Address:
    """An IPv4 address in the clothes of IPv6 is the IPv4 address."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    return inner or parsed


def _may_be_called(address: Address, private: bool) -> bool:
    if any(address in network for network in settings.PRIVATE_NETWORKS if network.version == address.version):
        return True
    if address in METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return private or address.is_global
