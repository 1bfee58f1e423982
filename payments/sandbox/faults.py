"""Trouble on purpose: rules that say which request or delivery goes wrong, and how."""

import random
import threading
from dataclasses import dataclass, field, fields

from payments.sandbox.clock import Clock
from payments.sandbox.json_types import Json

REQUEST_ACTIONS = frozenset(
    {
        "latency",  # answer after `seconds`, executed at once
        "hang",  # wait `seconds` before executing, then cut the connection
        "reset",  # cut the connection before executing
        "answer_lost",  # execute and save, then cut the connection
        "error",  # `status` (500, 502, 503) before executing, not saved
        "saved_500",  # execute, then save and answer 500: indeterminate for the caller
        "rate_limited",  # 429, before the idempotency layer
        "conflict",  # 409 idempotency_key_in_use
        "truncated",  # half of the body
        "malformed",  # a body that is not JSON
        "decline",  # the card is declined with `code` and `decline_code`
        "slow_body",  # the body in pieces over `seconds`
    }
)
WEBHOOK_ACTIONS = frozenset(
    {
        "drop",  # never delivered, not tried again
        "outage",  # every attempt fails for `seconds` of sandbox time from now
        "refuse",  # the attempt fails and is tried again
        "delay",  # due `seconds` later
        "duplicate",  # delivered twice, same id
        "duplicate_event",  # a second event with its own id for the same change
        "shuffle",  # due at a random moment within `seconds`
        "before_answer",  # delivered before the API answers
        "stale_t",  # signed `seconds` in the past
        "future_t",  # signed `seconds` in the future
        "wrong_secret",  # signed with a secret nobody has
        "old_secret",  # signed with `secret` only
        "two_secrets",  # signed with `secret` as well
        "api_version",  # claims the API version `version`
        "resend",  # delivered once more after it succeeded
    }
)


@dataclass
class Rule:
    """One kind of trouble and whom it meets; empty fields match everything."""

    action: str
    provider: str = ""
    method: str = ""
    path: str = ""
    key_prefix: str = ""
    event: str = ""
    nth: int = 1
    count: int = 1
    seconds: float = 0.0
    status: int = 500
    code: str = "card_declined"
    decline_code: str = "generic_decline"
    secret: str = "whsec_retired"  # noqa: S105 - a test secret
    version: str = "2023-08-16"
    seen: int = field(default=0, init=False)
    used: int = field(default=0, init=False)
    until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Refuse an action nobody knows."""
        if self.action not in REQUEST_ACTIONS | WEBHOOK_ACTIONS:
            raise ValueError(f"no such fault: {self.action}")

    def fires(self) -> bool:
        """Count one matching call and say whether the rule acts on it (`count` 0 means always)."""
        self.seen += 1
        if self.seen < self.nth or (self.count and self.used >= self.count):
            return False
        self.used += 1
        return True


def rule_from(data: Json) -> Rule:
    """Read a rule from JSON; unknown fields are refused."""
    known = {item.name for item in fields(Rule) if item.init}
    if unknown := set(data) - known:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    return Rule(**data)


class Faults:
    """Hold the rules in force."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._random: random.Random | None = None
        self._rate = 0.0
        self._choices: list[str] = []

    def add(self, rule: Rule | Json | None = None, **words: object) -> Rule:
        """Add a rule, given whole, as JSON or in words: `add(action="latency", seconds=2)`."""
        made = rule if isinstance(rule, Rule) else rule_from({**(rule or {}), **words})
        if made.action == "outage":
            made.until = self._clock.now() + made.seconds
        with self._lock:
            self._rules.append(made)
        return made

    def randomise(self, *, seed: int, rate: float, actions: list[str]) -> None:
        """Let any call go wrong with this probability, in an order the seed repeats."""
        for action in actions:
            Rule(action)
        with self._lock:
            self._random, self._rate, self._choices = random.Random(seed), rate, actions  # noqa: S311 - repeatable

    def clear(self) -> None:
        """Drop every rule."""
        with self._lock:
            self._rules.clear()
            self._random, self._rate, self._choices = None, 0.0, []

    def for_request(self, *, provider: str, method: str, path: str, key: str) -> Rule | None:
        """Return the rule that meets this request, if one does."""
        with self._lock:
            for rule in self._rules:
                if rule.action in REQUEST_ACTIONS and meets_request(rule, provider, method, path, key) and rule.fires():
                    return rule
            return self._chance(REQUEST_ACTIONS)

    def for_delivery(self, *actions: str, event: str) -> Rule | None:
        """Return the first rule with one of these actions that meets this event type."""
        with self._lock:
            for rule in self._rules:
                if rule.action not in actions or not matches(rule.event, event):
                    continue
                if rule.action == "outage":
                    if self._clock.now() < rule.until:
                        return rule
                elif rule.fires():
                    return rule
            return self._chance(WEBHOOK_ACTIONS.intersection(actions))

    def _chance(self, allowed: frozenset[str]) -> Rule | None:
        actions = [action for action in self._choices if action in allowed]
        if self._random is None or not actions or self._random.random() >= self._rate:
            return None
        return Rule(self._random.choice(actions), seconds=self._random.uniform(0.05, 0.5))


def meets_request(rule: Rule, provider: str, method: str, path: str, key: str) -> bool:
    """Say whether a rule is about this request."""
    return (
        rule.provider in ("", provider)
        and rule.method.upper() in ("", method)
        and matches(rule.path, path)
        and key.startswith(rule.key_prefix)
    )


def matches(pattern: str, text: str) -> bool:
    """Say whether a text fits a pattern in which `*` stands for anything."""
    head, *rest = pattern.split("*")
    if not pattern:
        return True
    if not rest:
        return text == pattern
    if not text.startswith(head):
        return False
    place = len(head)
    for part in rest:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return rest[-1] == "" or text.endswith(rest[-1])
