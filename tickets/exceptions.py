"""Every way tickets says no; a docstring is the sentence a guest may read."""

from payments.exceptions import PaymentsError


class TicketsError(PaymentsError):
    """Something went wrong on our side. Please try again."""


class SoldOut(TicketsError):
    """Those places have just gone. You have not been charged."""

    code = "sold_out"


class NotOnSale(TicketsError):
    """This is not on sale right now."""

    code = "not_on_sale"


class TooMany(TicketsError):
    """That is more than one order may hold."""

    code = "too_many"
    status = 422


class NothingChosen(TicketsError):
    """Choose at least one ticket."""

    code = "nothing_chosen"
    status = 422


class UnknownType(TicketsError):
    """That ticket is not sold for this night."""

    code = "unknown_ticket_type"
    status = 422


class UnknownCode(TicketsError):
    """That code is not valid for this night."""

    code = "unknown_code"
    status = 422


class CodeNotForThese(TicketsError):
    """That code is not for the tickets you chose."""

    code = "code_not_for_these"
    status = 422


class CodeUsedUp(TicketsError):
    """That code has been used up."""

    code = "code_used_up"


class CodeUsedByGuest(TicketsError):
    """You have already used that code."""

    code = "code_used_by_guest"


class StillThere(TicketsError):
    """There are places for you now: no need to wait."""

    code = "still_there"


class CannotCancel(TicketsError):
    """These tickets can no longer be cancelled here. Write to us if something is wrong."""

    code = "cannot_cancel"


class QuoteChanged(TicketsError):
    """The amount that comes back has changed meanwhile. Please look at it again."""

    code = "quote_changed"


class CannotGive(TicketsError):
    """This ticket can no longer be given to somebody."""

    code = "cannot_give"


class CannotMend(TicketsError):
    """The address of this order can no longer be changed."""

    code = "cannot_mend"


class ReasonNeeded(TicketsError):
    """Say why."""

    code = "reason_needed"
    status = 422


class NightIsOff(TicketsError):
    """This night has been called off."""

    code = "night_is_off"


class DatesOutOfOrder(TicketsError):
    """The new dates do not follow one another: money back ends before doors open, and both lie ahead."""

    code = "dates_out_of_order"
    status = 422


class SlugTaken(TicketsError):
    """Another night has this address already."""

    code = "slug_taken"
