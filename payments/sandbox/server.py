"""The sandbox as a process: one threaded server on this machine only, one thread that delivers."""

import logging
import socket
import struct
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from payments.sandbox.app import Application, create_app
from payments.sandbox.books import Books

logger = logging.getLogger("payments.sandbox")

LOOK_EVERY_SECONDS = 0.1
DELIVERERS = 8
DEMO_RETRY_SPEED = 60.0
DEMO_DISORDER_SECONDS = 0.4


class Handler(WSGIRequestHandler):
    """Answer requests; cut a connection for real where a fault rule says so."""

    protocol_version = "HTTP/1.1"

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        """End the connection with a reset, not with a polite close."""
        linger_not = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the sandbox keeps a log of its own."""


class Deliverer(threading.Thread):
    """Push what is due, many at once, so that one slow endpoint delays nobody."""

    def __init__(self, books: Books) -> None:
        super().__init__(name="sandbox-deliveries", daemon=True)
        self._books = books
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(DELIVERERS, thread_name_prefix="sandbox-delivery")
        self._in_hand: set[int] = set()

    def run(self) -> None:
        """Look for due deliveries until told to stop."""
        while not self._stopping.wait(LOOK_EVERY_SECONDS):
            try:
                self._books.catch_up()
                for seq in self._books.deliveries.due():
                    if seq not in self._in_hand:
                        self._in_hand.add(seq)
                        self._pool.submit(self._deliver, seq)
            except Exception:
                logger.exception("SANDBOX: deliveries stumbled")

    def _deliver(self, seq: int) -> None:
        try:
            self._books.deliveries.attempt(seq)
        finally:
            self._in_hand.discard(seq)

    def stop(self) -> None:
        """Stop, after the deliveries at work."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


class Server:
    """A running sandbox."""

    def __init__(self, app: Application, server: BaseWSGIServer) -> None:
        self.app = app
        self._server = server
        self._deliverer = Deliverer(app.books)

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://{self._server.host}:{self._server.port}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._deliverer.start()
        threading.Thread(target=self._server.serve_forever, name="sandbox-server", daemon=True).start()

    def run(self) -> None:
        """Serve until interrupted."""
        self._deliverer.start()
        try:
            self._server.serve_forever()
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop serving and delivering."""
        self._deliverer.stop()
        self._server.shutdown()
        self._server.server_close()


def build(
    host: str = "127.0.0.1",
    port: int = 8901,
    *,
    database: str = ":memory:",
    faults: bool = False,
    webhook_endpoints: Sequence[tuple[str, Sequence[str]]] = (),
    retry_speed: float = DEMO_RETRY_SPEED,
    disorder_seconds: float = DEMO_DISORDER_SECONDS,
    seed: int | None = None,
) -> Server:
    """Make a server on this machine; any other address is refused. Port 0 takes a free one."""
    if not ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
        raise ValueError("the sandbox listens on this machine only")
    socket_ = socket.create_server((host, port))
    real_port = int(socket_.getsockname()[1])
    app = create_app(
        database,
        faults=faults,
        webhook_endpoints=webhook_endpoints,
        public_url=f"http://{host}:{real_port}",
        retry_speed=retry_speed,
        disorder_seconds=disorder_seconds,
        seed=seed,
    )
    app.books.deliveries.release_claims()
    server = make_server(host, real_port, app, threaded=True, request_handler=Handler, fd=socket_.fileno())
    socket_.close()  # the server listens on a copy of its own
    return Server(app, server)


def serve(
    host: str = "127.0.0.1",
    port: int = 8901,
    *,
    database: str = ":memory:",
    faults: bool = False,
    webhook_endpoints: Sequence[tuple[str, Sequence[str]]] = (),
) -> None:
    """Serve until interrupted."""
    build(host, port, database=database, faults=faults, webhook_endpoints=webhook_endpoints).run()
