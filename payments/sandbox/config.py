"""How one sandbox is set up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Endpoint:
    """A webhook address, with every secret in force (two while one is rolled)."""

    url: str
    secrets: tuple[str, ...]
    provider: str = "stripe"


@dataclass(frozen=True)
class Config:
    """What the sandbox is told when it starts."""

    secret_keys: tuple[str, ...] = ("sk_test_maguey",)
    publishable_keys: tuple[str, ...] = ("pk_test_maguey",)
    endpoints: tuple[Endpoint, ...] = ()
    faults: bool = False
    # What an owner may have switched on in the dashboard: also methods that take days.
    dashboard_methods: tuple[str, ...] = ("card", "link", "us_bank_account")
    # How much faster than the provider's three days a refused delivery is tried again.
    retry_speed: float = 1.0
    # Deliveries are spread over this many seconds, so that their order is not kept.
    disorder_seconds: float = 0.0
    public_url: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse any key that is not a test key."""
        for key, prefix in (
            *((key, "sk_test_") for key in self.secret_keys),
            *((key, "pk_test_") for key in self.publishable_keys),
        ):
            if not key.startswith(prefix):
                raise ValueError(f"the sandbox takes {prefix}… keys only")
