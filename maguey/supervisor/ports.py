"""Ports on this machine's own address, the usual one or the next that is free."""

import http
import http.client
import socket

from maguey.supervisor.exceptions import NoPortFree

HOST = "127.0.0.1"
TRIED = 50


def listen(wanted: int) -> socket.socket:
    """Return a socket that listens on the wanted port or, if that is taken, on the next free one."""
    for port in range(wanted, wanted + TRIED):
        try:
            return socket.create_server((HOST, port), backlog=128)
        except OSError:  # taken, or not ours to take
            continue
    raise NoPortFree(f"None of the ports {wanted} to {wanted + TRIED - 1} is free.")


def free(wanted: int) -> int:
    """Return the wanted port or, if it is taken, the next free one."""
    with listen(wanted) as found:
        return port_of(found)


def port_of(listener: socket.socket) -> int:
    """Return the port a socket listens on."""
    return int(listener.getsockname()[1])


def accepts(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(port: int, path: str) -> bool:
    """Tell whether a page answers 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
