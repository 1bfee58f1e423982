"""Every way the supervisor stops before it was asked to, or because it was."""


class SupervisorError(Exception):
    """Maguey cannot run here."""


class AlreadyRunning(SupervisorError):
    """Maguey runs in this checkout already."""


class StepFailed(SupervisorError):
    """A program that had to finish first did not."""


class NoPortFree(SupervisorError):
    """None of the ports that could be used is free."""


class StopRequested(Exception):
    """Somebody pressed Ctrl-C or sent a signal."""
