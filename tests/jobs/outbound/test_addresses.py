"""Which addresses count as public."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import addresses

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # Alibaba's metadata
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # Azure's metadata
    "169.254.0.1",
    "169.254.169.254",  # everybody else's
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",  # Oracle's metadata
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",  # 127.0.0.1 through NAT64
    "64:ff9b::a9fe:a9fe",  # 169.254.169.254
    "64:ff9b::10.0.0.1",
    "64:ff9b::168.63.129.16",
    "64:ff9b:0:0:0:1:808:808",  # beyond the /96
    "64:ff9b:1::808:808",
    "64:ff9b:1:7f00:0:100::",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "4000::1",
    "5f00::1",
    "8000::1",
    "fc00::1",
    "fd00:ec2::254",  # Amazon's metadata
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%1",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "3ffe:ffff::1",
    "64:ff9b::808:808",  # 8.8.8.8 through NAT64: all there is on an IPv6-only network
]
UNREADABLE = [
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "1.2.3.4.5",
    "::g",
    "[::1]",
    "1.1.1.1 ",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_it_says_what_an_address_is_kept_for(address):
    assert addresses.reserved_for(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_it_lets_public_addresses_pass(address):
    assert addresses.reserved_for(address) == ""


@pytest.mark.parametrize("address", UNREADABLE)
def test_what_cannot_be_read_is_not_public(address):
    assert addresses.reserved_for(address) == "not an address"


@given(st.ip_addresses())
def test_it_is_at_least_as_strict_as_the_standard_library(address):
    if addresses.reserved_for(str(address)) == "" and address not in addresses.NAT64:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_an_address_through_nat64_is_as_public_as_the_one_inside(address):
    outside = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(address))
    assert addresses.reserved_for(str(outside)) == addresses.reserved_for(str(address))


@given(st.ip_addresses(v=4), st.sampled_from(["::", "::ffff:0:0", "::ffff:0:0:0", "2002::", "64:ff9b:1::"]))
def test_no_other_way_of_wrapping_an_ipv4_address_is_public(address, prefix):
    shift = 80 if prefix == "2002::" else 0
    outside = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address) << shift)
    assert addresses.reserved_for(str(outside))
