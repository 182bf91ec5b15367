"""The demo in a minute; and ports for whoever starts a whole stack beside others."""

import os
import socket


def free_ports(count: int) -> int:
    """Return the first of `count` neighbouring ports that are free now."""
    for first in range(18_000 + os.getpid() * count % 6_000, 30_000, count):
        with_all = True
        for port in range(first, first + count):
            with socket.socket() as probe:
                with_all = with_all and probe.connect_ex(("127.0.0.1", port)) != 0
        if with_all:
            return first
    raise RuntimeError(f"No {count} neighbouring ports are free between 18000 and 30000.")
