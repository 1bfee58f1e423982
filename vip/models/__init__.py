"""The tables of vip, one noun a module."""

from vip.models.change import TableChange
from vip.models.guest_pass import GuestPass
from vip.models.reservation import VipReservation
from vip.models.table import Table
from vip.models.waiting import WaitingParty

__all__ = ["GuestPass", "Table", "TableChange", "VipReservation", "WaitingParty"]
