"""Who is asking, as limits see it."""

import ipaddress

from allauth import app_settings as allauth_settings
from allauth.account.adapter import get_adapter
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address, or its network for IPv6; TRUSTED_PROXY_COUNT says which header to trust."""
    address = get_adapter(request).get_client_ip(request)
    if ipaddress.ip_address(address).version == 4:
        return address
    prefix = allauth_settings.RATE_LIMIT_IPV6_PREFIX
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False).network_address)
