"""Every way the embedded services say no, each a sentence for the person at the terminal."""


class EmbeddedError(Exception):
    """PostgreSQL or Redis cannot be run here."""


class NotOurs(EmbeddedError):
    """A directory this checkout would use belongs to somebody else."""


class WheelMissing(EmbeddedError):
    """A server's program is not where its wheel should have put it."""


class WrongVersion(EmbeddedError):
    """The data was written by another major version of PostgreSQL."""


class StillInUse(EmbeddedError):
    """Another process of this checkout is using the services."""


class DidNotStart(EmbeddedError):
    """A server was started and did not answer in time."""


class DidNotStop(EmbeddedError):
    """A server was told to stop and is still there."""
