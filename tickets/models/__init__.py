"""The tables of tickets, one noun a module."""

from tickets.models.event import Event, TicketType
from tickets.models.hold import TicketReservation
from tickets.models.night import NightChange, NightRefund
from tickets.models.policy import OrderTerms, RefundPolicy
from tickets.models.promo import PromoCode, PromoUse
from tickets.models.scan import Scan
from tickets.models.ticket import Ticket, TicketTransfer
from tickets.models.waiting import WaitingGuest

__all__ = [
    "Event",
    "NightChange",
    "NightRefund",
    "OrderTerms",
    "PromoCode",
    "PromoUse",
    "RefundPolicy",
    "Scan",
    "Ticket",
    "TicketReservation",
    "TicketTransfer",
    "TicketType",
    "WaitingGuest",
]
