"""Which internet addresses are public: explicit tables, since `ipaddress.is_global` is no guard.

On Python 3.11 and 3.12 it is True for 64:ff9b::7f00:1, 2002:7f00:1::, ::127.0.0.1, fec0::1 and multicast.
The tables follow IANA's special-purpose registries and refuse the whole of each entry, routed parts too.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPV4_RESERVED = {
    IPv4Network(block): purpose
    for block, purpose in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "carrier-grade NAT",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "a cloud's metadata service",  # Azure's, at an address that looks public
        "169.254.0.0/16": "link-local, where clouds keep their metadata services",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "protocol assignments",
        "192.0.2.0/24": "documentation",
        "192.31.196.0/24": "AS112",
        "192.52.193.0/24": "automatic multicast tunnelling",
        "192.88.99.0/24": "6to4 relays",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "AS112",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved, with the broadcast address",
    }.items()
}

# The only block from which global unicast addresses are given out, and what is reserved inside it.
IPV6_GLOBAL = IPv6Network("2000::/3")
IPV6_RESERVED = {
    IPv6Network(block): purpose
    for block, purpose in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::ffff:0:0/96": "IPv4-mapped",
        "::/96": "IPv4-compatible",
        "::ffff:0:0:0/96": "IPv4-translated",
        "64:ff9b:1::/48": "local NAT64",
        "100::/64": "discard-only",
        "100:0:0:1::/64": "dummy prefix",
        "2001::/32": "Teredo",
        "2001::/23": "protocol assignments",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "AS112",
        "3fff::/20": "documentation",
        "5f00::/16": "segment routing",
        "fc00::/7": "unique local",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local",
        "ff00::/8": "multicast",
    }.items()
}

# DNS64 gives every IPv4-only host such an address. A network's own NAT64 prefix looks like any public
# block and cannot be known here: its gateway has to refuse private IPv4 itself.
NAT64 = IPv6Network("64:ff9b::/96")


def reserved_for(address: str) -> str:
    """Return what `address` is kept for, or "" if it is public; what cannot be read is not public."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(parsed, IPv4Address):
        return _purpose_of_ipv4(parsed)
    if parsed.scope_id is not None:
        return "scoped to one interface"
    if parsed in NAT64:
        return _purpose_of_ipv4(IPv4Address(int(parsed) & 0xFFFFFFFF))
    return _purpose_of_ipv6(parsed)


def _purpose_of_ipv4(address: IPv4Address) -> str:
    return next((purpose for block, purpose in IPV4_RESERVED.items() if address in block), "")


def _purpose_of_ipv6(address: IPv6Address) -> str:
    known = next((purpose for block, purpose in IPV6_RESERVED.items() if address in block), "")
    return known or ("" if address in IPV6_GLOBAL else "unassigned")
