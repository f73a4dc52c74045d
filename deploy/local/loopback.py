"""Free ports of this machine, for what runs on it alone."""

import random
import socket
from collections.abc import Iterator

# Below the range that the kernel gives to outgoing connections: one of those would take a port before it is used, or
# while the one that it belongs to is down.
PORTS = range(12_000, 32_000)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports() -> Iterator[int]:
    """Free ones in an order of chance, each once; two runs at the same time hardly meet."""
    return (port for port in random.sample(PORTS, len(PORTS)) if is_free(port))
