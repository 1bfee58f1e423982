"""The demo's staff and guests."""

from django.contrib.auth.models import User

from owners.models import OwnerAssignment
from payments.orders import Buyer
from tickets.models import Event

Role = OwnerAssignment.Role

PASSWORD = "maguey"  # noqa: S105 (printed by `make run`: a demo on this machine)
NAMES = (
    "Ana Ruiz", "Luis Cárdenas", "Marisol Peña", "Kevin Doyle", "Xóchitl Ramos", "Jorge Villalobos", "Dana Whitfield",
    "Rocío Hernández", "Tomás Quintero", "Priya Nair", "Beto Salgado", "Carmen Ortega", "Miles Jefferson", "Itzel Luna",
)  # fmt: skip


def buyer(number: int) -> Buyer:
    """Return one of the guests, every second of whom reads Spanish."""
    name = NAMES[number % len(NAMES)]
    address = name.lower().translate(str.maketrans("áéíóúñ ", "aeioun."))
    return Buyer(name=name, email=f"{address}{number}@example.com", language="en" if number % 2 else "es")


def hire() -> None:
    """Make the staff of every night, where they are not there yet: the owner, who is a superuser too, and the door."""
    employ("owner", Role.OWNER, is_superuser=True)
    employ("door", Role.DOOR)


def hire_for(night: Event) -> None:
    """Make the owner of one night, who sees nothing of the others."""
    employ("promoter", Role.OWNER, night=night)


def employ(name: str, role: Role, *, night: Event | None = None, is_superuser: bool = False) -> None:
    """Make somebody with a role for one night, or for all; what they may do follows from it."""
    wanted = {"email": f"{name}@maguey.example", "is_superuser": is_superuser}
    user, is_new = User.objects.get_or_create(username=name, defaults=wanted)
    if is_new:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    OwnerAssignment.objects.get_or_create(user=user, role=role, event=night)
