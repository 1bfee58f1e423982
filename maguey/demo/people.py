"""The demo's staff and guests."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from owners.models import OwnerAssignment
from payments.orders import Buyer

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
    """Make the owner and the door person where they are not there yet."""
    users = get_user_model()
    owner, is_new = users.objects.get_or_create(
        username="owner", defaults={"email": "owner@maguey.example", "is_staff": True, "is_superuser": True}
    )
    if is_new:
        owner.set_password(PASSWORD)
        owner.save(update_fields=["password"])
    door, is_new = users.objects.get_or_create(username="door", defaults={"email": "door@maguey.example"})
    if is_new:
        door.set_password(PASSWORD)
        door.save(update_fields=["password"])
    door.user_permissions.add(Permission.objects.get(codename="add_scan", content_type__app_label="tickets"))
    OwnerAssignment.objects.get_or_create(user=owner, role=OwnerAssignment.Role.OWNER, event=None)
    OwnerAssignment.objects.get_or_create(user=door, role=OwnerAssignment.Role.DOOR, event=None)
