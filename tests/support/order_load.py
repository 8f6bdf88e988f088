"""Orders by REST from several hands at once; each is repeated, with its request_id, until it is answered."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, Final
from uuid import uuid4

from tests.support.account_books import ACCOUNT
from tests.support.doors import Rest

_INSTRUMENT: Final = "venues/sim/instruments/btc-usdt"
_AGAIN: Final = frozenset({409, 499, 500, 502, 503, 504})
_PATIENCE_S: Final = 12.0
_GIVE_UP_S: Final = 60.0
_PAUSE_S: Final = (0.05, 0.3)
_IN_PROGRESS: Final = 10  # ABORTED: another call with this request_id is still running


class OrderLoad:
    """Places market and limit orders and cancels some of them.

    Attributes:
        acknowledged: name of the order that answered a request, by request_id.
        troubles: what stood in the way of an answer, and how often.
        faults: what should never happen.
        slowest: the longest time from the first sending of a request to its answer, in seconds.

    Args:
        port: of the edge.
        seed: decides what is placed.
        pause: mean seconds between two requests of one hand.
    """

    def __init__(self, port: int, seed: int, pause: float = 0.1) -> None:
        self.acknowledged: dict[str, str] = {}
        self.cancelled = 0
        self.troubles: Counter[str] = Counter()
        self.faults: list[str] = []
        self.slowest = 0.0
        self._rest = Rest(port)
        self._seed = seed
        self._pause = pause
        self._stop = threading.Event()

    @contextmanager
    def running(self, hands: int = 3) -> Iterator["OrderLoad"]:
        """Place orders for as long as the block runs; then every request is answered."""
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(hands)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        assert self.faults == [], self.faults

    def _work(self, number: int) -> None:
        chance = random.Random(f"{self._seed}/{number}")
        try:
            while not self._stop.is_set():
                self._trade(chance)
                self._stop.wait(chance.expovariate(1 / self._pause))
        except Exception as error:  # noqa: BLE001 - shown by the test's thread
            self.faults.append(repr(error))

    def _trade(self, chance: random.Random) -> None:
        request_id = str(uuid4())
        body = {"request_id": request_id, "order": self._order(chance)}
        order = self._until_answered(f"/v1/{ACCOUNT}/orders", body)
        first = self.acknowledged.setdefault(request_id, order["name"])
        if chance.random() < 0.2:
            again = self._until_answered(f"/v1/{ACCOUNT}/orders", body)["name"]
            if again != first:
                self.faults.append(f"{request_id} was answered with {first}, then with {again}")
        if "limit" in order and chance.random() < 0.9:
            cancel = {"request_id": str(uuid4())}
            if self._until_answered(f"/v1/{order['name']}:cancel", cancel):
                self.cancelled += 1

    def _order(self, chance: random.Random) -> dict[str, Any]:
        quantity = f"0.00{chance.randint(1, 4)}"
        order: dict[str, Any] = {"instrument": _INSTRUMENT, "quantity": quantity}
        kind = chance.random()
        # More is bought than sold, so that there is always something to sell.
        order["side"] = "SIDE_SELL" if kind < 0.25 else "SIDE_BUY"
        if kind < 0.6:
            return order | {"market": {}}
        factor = 1 if kind < 0.75 else 0.97
        return order | {"limit": {"price": str(int(self._price() * factor))}}

    def _price(self) -> float:
        answer = self._until_answered(f"/v1/{_INSTRUMENT}/ticker", None)
        return float(answer["bid_price"])

    def _until_answered(self, target: str, body: Any) -> dict[str, Any]:
        """The answer; empty where it says that there is nothing to cancel any more."""
        began = time.monotonic()
        while True:
            value = self._once(target, body)
            waited = time.monotonic() - began
            if value is not None:
                self.slowest = max(self.slowest, waited)
                return value
            if waited > _GIVE_UP_S:
                raise TimeoutError(f"no answer to {target} in {_GIVE_UP_S:g} s: {dict(self.troubles)}")
            time.sleep(random.uniform(*_PAUSE_S))

    def _once(self, target: str, body: Any) -> dict[str, Any] | None:
        method = "GET" if body is None else "POST"
        try:
            answer = self._rest.send(method, target, body, within=_PATIENCE_S)
        except (OSError, HTTPException) as error:
            self.troubles[type(error).__name__] += 1
            return None
        if answer.status == 200:
            return dict(answer.json)
        value = answer.json
        if answer.status == 400 and target.endswith(":cancel"):
            return {}
        if answer.status in _AGAIN and (answer.status != 409 or value.get("code") == _IN_PROGRESS):
            self.troubles[f"{answer.status} {value.get('message')}"] += 1
            return None
        raise AssertionError(f"{method} {target}: {answer.status} {value}")
