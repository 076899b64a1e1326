"""How a line of tcpdump is read: what a process wanted counts, what the kernel says by itself does not."""

from tests.network.packets import Packet, read_packets

NEIGHBOURS = ("10.99.1.1", "fd99:1::1")
BY_ITSELF = """\
1.0 ARP, Request who-has 10.99.1.1 tell 10.99.1.2, length 28
1.0 ARP, Reply 10.99.1.2 is-at 66:5f:83:cc:49:fe, length 28
1.0 IP6 fe80::1 > ff02::1:ff00:1: ICMP6, neighbor solicitation, who has fd99:1::1, length 32
1.0 IP6 fe80::1 > fe80::2: ICMP6, neighbor advertisement, tgt is fe80::1, length 24
1.0 IP6 fe80::1 > ff02::16: HBH ICMP6, multicast listener report v2, 1 group record(s), length 28
1.0 IP 10.99.1.2 > 10.99.1.1: ICMP 10.99.1.2 udp port 40000 unreachable, length 36
1.0 IP6 fd99:1::2 > fd99:1::1: ICMP6, destination unreachable, unreachable port, fd99:1::2 udp port 1, length 60
1.0 IP 10.99.1.2.8080 > 10.99.3.2.40000: Flags [S.], seq 1, ack 2, win 3, length 0
1.0 IP 10.99.1.2.40000 > 10.20.0.5.143: Flags [P.], seq 1:9, ack 2, win 3, length 8
"""
WANTED = {
    "1.0 IP 10.99.1.2.40000 > 10.20.0.5.143: Flags [S], seq 1, win 3, length 0": ("10.20.0.5", 143, ""),
    "1.0 IP 10.99.1.2.40000 > 10.20.0.5.143: Flags [SEW], seq 1, win 3, length 0": ("10.20.0.5", 143, ""),
    "1.0 IP6 fd99:1::2.40000 > fd20::6.5232: Flags [S], seq 1, win 3, length 0": ("fd20::6", 5232, ""),
    "1.0 IP 10.99.1.2.40000 > 192.88.99.53.53: 7+ AAAA? Example.COM. (40)": ("192.88.99.53", 53, "example.com"),
    "1.0 IP 10.99.1.2.40000 > 192.88.99.53.53: 7+ [1au] HTTPS? a.example. (40)": ("192.88.99.53", 53, "a.example"),
    "1.0 IP 10.99.1.2.5353 > 224.0.0.251.5353: 0 PTR (QM)? _http._tcp.local. (34)": (
        "224.0.0.251", 5353, "_http._tcp.local",
    ),
    "1.0 IP 10.99.1.2.40000 > 8.8.8.8.443: UDP, length 1200": ("8.8.8.8", 443, ""),
    "1.0 IP 10.99.1.2 > 8.8.8.8: ICMP echo request, id 0, seq 0, length 8": ("8.8.8.8", 0, ""),
    "1.0 IP6 fe80::1 > ff02::1: ICMP6, echo request, id 1, seq 1, length 64": ("ff02::1", 0, ""),
    "1.0 IP 10.99.1.2 > 224.0.0.22: igmp v3 report, 1 group record(s)": ("224.0.0.22", 0, ""),
    "1.0 IP6 fe80::1 > ff02::1:ff00:9: ICMP6, neighbor solicitation, who has fe80::9, length 32": ("fe80::9", 0, ""),
    "1.0 ARP, Request who-has 10.99.1.3 tell 10.99.1.2, length 28": ("10.99.1.3", 0, ""),
}  # fmt: skip


def read(*lines: str) -> list[Packet]:
    return list(read_packets(lines, neighbours=NEIGHBOURS))


def test_what_the_kernel_says_by_itself_is_left_out() -> None:
    assert read(*BY_ITSELF.splitlines()) == []


def test_whatever_a_process_wants_of_somebody_is_kept() -> None:
    assert [(each.goal, each.port, each.name) for each in read(*WANTED)] == list(WANTED.values())


def test_a_line_that_nobody_knows_is_kept() -> None:
    [packet] = read("1.0 LLDP, length 60")
    assert packet.goal == "1.0 LLDP, length 60"
