"""Every way vip says no; a docstring is the sentence a guest may read."""

from payments.exceptions import PaymentsError


class VipError(PaymentsError):
    """Something went wrong on our side. Please try again."""


class TableTaken(VipError):
    """That table has just been taken. You have not been charged."""

    code = "race_condition_lost"


class TableBlocked(VipError):
    """That table is not for sale on this night. You have not been charged."""

    code = "table_blocked"


class UnknownTable(VipError):
    """There is no such table on this night."""

    code = "unknown_table"
    status = 422


class PartyDoesNotFit(VipError):
    """Your party does not fit that table. Please choose another one."""

    code = "party_does_not_fit"
    status = 422


class NoTableSoLarge(VipError):
    """No table of this night seats a party of that size. Write to us, and we look for a way."""

    code = "no_table_so_large"
    status = 422


class TooManyNames(VipError):
    """There are more names than seats."""

    code = "too_many_names"
    status = 422


class NotConfirmed(VipError):
    """This table is not booked any more."""

    code = "not_confirmed"


class NoSeatLeft(VipError):
    """Somebody took the last seat a moment ago. Ask your host for another way in."""

    code = "no_seat_left"


class InviteRotated(VipError):
    """This invitation no longer counts. Ask your host for the new link."""

    code = "invite_rotated"
    status = 404


class AlreadyIn(VipError):
    """This guest is already in."""

    code = "already_in"


class HostStays(VipError):
    """The host's own seat cannot be taken away."""

    code = "host_stays"


class UnknownSeat(VipError):
    """This table has no such seat."""

    code = "unknown_seat"
    status = 404


class SeatsAreNamed(VipError):
    """Somebody has a seat that would go. Take their passes back first."""

    code = "seats_are_named"


class AmountChanged(VipError):
    """What comes back has just changed. Please look at it again."""

    code = "amount_changed"


class NotNeighbours(VipError):
    """Those tables do not stand side by side."""

    code = "not_neighbours"
    status = 422


class SameTable(VipError):
    """The party is at that table already."""

    code = "same_table"
    status = 422
