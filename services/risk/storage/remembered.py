"""Facts of accounts in memory, under the token that the database held when they were true."""

from collections import OrderedDict
from itertools import count

from services.risk.ports import AccountFacts

Tokens = tuple[str, str]
"""The tokens of an account and of all accounts together."""

_KEPT = 16


class RememberedFacts:
    """The newest facts of each account.

    A token never comes back, so facts of a transaction that was rolled back are never found again, and
    whatever another process commits makes the facts here unfindable. The database stays the truth.

    Args:
        origin: makes the tokens of this process unlike those of any other.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._count = count(1)
        self._facts: dict[str, OrderedDict[Tokens, AccountFacts]] = {}

    def fresh_token(self) -> str:
        """A token that was never used."""
        return f"{self._origin}-{next(self._count)}"

    def find(self, account: str, tokens: Tokens) -> AccountFacts | None:
        """The facts under these tokens."""
        kept = self._facts.get(account)
        return None if kept is None else kept.get(tokens)

    def put(self, tokens: Tokens, facts: AccountFacts) -> None:
        """Remember facts, and forget the oldest."""
        kept = self._facts.setdefault(facts.account, OrderedDict())
        kept[tokens] = facts
        kept.move_to_end(tokens)
        if len(kept) > _KEPT:
            kept.popitem(last=False)

    def newest(self, account: str) -> AccountFacts | None:
        """What was put last; perhaps never committed, so only a hint of what to ask the market for."""
        kept = self._facts.get(account)
        return kept[next(reversed(kept))] if kept else None
