"""What a client sees when nothing comes back."""


class ConnectionCut(ConnectionResetError):
    """The connection ended without an answer."""


class TookTooLong(ConnectionCut):
    """The client stopped waiting."""
