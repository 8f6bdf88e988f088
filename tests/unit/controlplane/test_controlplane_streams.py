"""The ADS stream rules: whatever happens, a client that follows the protocol ends with the truth."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.controlplane.domain.delta import DeltaResponse, DeltaStream
from services.controlplane.domain.outcome import Outcome
from services.controlplane.domain.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    PUSH_ORDER,
    ROUTES,
    Resource,
    Snapshot,
)
from services.controlplane.domain.sotw import SotwResponse, SotwStream

NAMES = ("a", "b", "c")
TYPES = (CLUSTER, ENDPOINTS, LISTENER, ROUTES)
worlds = st.fixed_dictionaries(
    {
        url: st.dictionaries(st.sampled_from(NAMES), st.binary(min_size=1, max_size=1), max_size=3)
        for url in TYPES
    }
)
World = dict[str, dict[str, bytes]]


def snapshot(world: World, withheld: dict[str, frozenset[str]] | None = None) -> Snapshot:
    sets = {url: [Resource.of(name, body) for name, body in one.items()] for url, one in world.items()}
    return Snapshot.of(sets, withheld or {})


def everything(body: bytes) -> World:
    return {url: dict.fromkeys(NAMES, body) for url in TYPES}


# State of the world.


def sotw_names(response: SotwResponse | None) -> tuple[str, list[str]] | None:
    return None if response is None else (response.type_url, [one.name for one in response.resources])


def test_nothing_is_sent_unasked_and_nothing_twice() -> None:
    stream, world = SotwStream(), snapshot(everything(b"1"))
    assert stream.next_response(world) is None
    assert stream.request(CLUSTER, [], "") is Outcome.SUBSCRIBED
    first = stream.next_response(world)
    assert first is not None
    assert sotw_names(first) == (CLUSTER, ["a", "b", "c"])
    assert stream.next_response(world) is None
    assert stream.request(CLUSTER, [], first.nonce) is Outcome.ACKED
    assert stream.next_response(world) is None


def test_while_one_response_is_unanswered_the_next_waits_and_is_made_of_the_newest() -> None:
    stream = SotwStream()
    stream.request(ENDPOINTS, ["a"], "")
    first = stream.next_response(snapshot(everything(b"1")))
    assert first is not None
    for body in (b"2", b"3"):
        assert stream.next_response(snapshot(everything(body))) is None
    stream.request(ENDPOINTS, ["a"], first.nonce)
    last = stream.next_response(snapshot(everything(b"4")))
    assert last is not None
    assert [one.body for one in last.resources] == [b"4"]
    assert last.version != first.version


def test_a_rejected_response_is_not_repeated_until_it_changes() -> None:
    stream = SotwStream()
    stream.request(CLUSTER, [], "")
    first = stream.next_response(snapshot(everything(b"1")))
    assert first is not None
    assert stream.request(CLUSTER, [], first.nonce, rejected=True) is Outcome.NACKED
    assert stream.next_response(snapshot(everything(b"1"))) is None
    assert stream.next_response(snapshot(everything(b"2"))) is not None


def test_an_answer_to_an_older_response_is_ignored() -> None:
    stream = SotwStream()
    stream.request(ENDPOINTS, ["a"], "")
    first = stream.next_response(snapshot(everything(b"1")))
    assert first is not None
    stream.request(ENDPOINTS, ["a"], first.nonce)
    assert stream.next_response(snapshot(everything(b"2"))) is not None
    assert stream.request(ENDPOINTS, ["a", "b"], first.nonce) is Outcome.STALE
    assert stream.next_response(snapshot(everything(b"3"))) is None


def test_additions_go_before_what_refers_to_them_and_removals_after() -> None:
    stream = SotwStream()
    nonces = dict.fromkeys(TYPES, "")
    for url in reversed(TYPES):
        stream.request(url, NAMES, "")

    def drain(world: World) -> list[tuple[str, list[str]]]:
        sent = []
        while (response := stream.next_response(snapshot(world))) is not None:
            sent.append((response.type_url, [one.name for one in response.resources]))
            nonces[response.type_url] = response.nonce
            stream.request(response.type_url, NAMES, response.nonce)
        return sent

    first = {url: {"a": b"1"} for url in TYPES}
    assert [url for url, _ in drain(first)] == [url for url in PUSH_ORDER if url in TYPES]
    second = {url: {"b": b"1"} for url in TYPES}
    assert drain(second) == [
        (CLUSTER, ["a", "b"]),
        (ENDPOINTS, ["b"]),
        (LISTENER, ["a", "b"]),
        (ROUTES, ["b"]),
        (LISTENER, ["b"]),
        (CLUSTER, ["b"]),
    ]


def test_a_client_learns_that_what_it_asked_for_does_not_exist() -> None:
    stream, world = SotwStream(), snapshot({LISTENER: {"a": b"1"}})
    stream.request(LISTENER, ["x"], "")
    assert sotw_names(stream.next_response(world)) == (LISTENER, [])


def test_a_changed_cluster_gets_its_endpoints_again() -> None:
    stream = SotwStream()
    stream.request(CLUSTER, [], "")
    stream.request(ENDPOINTS, NAMES, "")
    world = everything(b"1")
    for _ in range(2):
        response = stream.next_response(snapshot(world))
        assert response is not None
        names = NAMES if response.type_url == ENDPOINTS else ()
        stream.request(response.type_url, names, response.nonce)
    world[CLUSTER]["b"] = b"2"
    response = stream.next_response(snapshot(world))
    assert sotw_names(response) == (CLUSTER, ["a", "b", "c"])
    assert sotw_names(stream.next_response(snapshot(world))) == (ENDPOINTS, ["b"])


# Incremental.


def delta_names(response: DeltaResponse | None) -> tuple[list[str], list[str]] | None:
    return None if response is None else ([one.name for one in response.resources], list(response.removed))


def test_only_what_changed_travels() -> None:
    stream, world = DeltaStream(), everything(b"1")
    stream.request(CLUSTER)
    first = stream.next_response(snapshot(world))
    assert first is not None
    assert delta_names(first) == (["a", "b", "c"], [])
    assert stream.request(CLUSTER, nonce=first.nonce) is Outcome.ACKED
    world[CLUSTER]["b"] = b"2"
    del world[CLUSTER]["c"]
    second = stream.next_response(snapshot(world))
    assert second is not None
    assert delta_names(second) == (["b"], [])
    stream.request(CLUSTER, nonce=second.nonce)
    assert delta_names(stream.next_response(snapshot(world))) == ([], ["c"])


def test_a_client_that_comes_back_gets_only_what_it_lacks() -> None:
    stream, world = DeltaStream(), snapshot(everything(b"1"))
    held = {one.name: one.version for one in world.of_type(CLUSTER).by_name.values() if one.name != "a"}
    stream.request(CLUSTER, initial_versions={**held, "gone": "1"})
    first = stream.next_response(world)
    assert first is not None
    assert delta_names(first) == (["a"], [])
    stream.request(CLUSTER, nonce=first.nonce)
    assert delta_names(stream.next_response(world)) == ([], ["gone"])


def test_a_name_that_does_not_exist_is_said_to_be_removed_once() -> None:
    stream, world = DeltaStream(), everything(b"1")
    stream.request(ENDPOINTS, subscribe=["x"])
    first = stream.next_response(snapshot(world))
    assert first is not None
    assert delta_names(first) == ([], ["x"])
    stream.request(ENDPOINTS, nonce=first.nonce)
    assert stream.next_response(snapshot(world)) is None
    world[ENDPOINTS]["x"] = b"1"
    assert delta_names(stream.next_response(snapshot(world))) == (["x"], [])


def test_what_is_not_known_yet_is_neither_sent_nor_removed() -> None:
    world: World = {ENDPOINTS: {}}
    withheld = {ENDPOINTS: frozenset({"a"})}
    stream = DeltaStream()
    stream.request(ENDPOINTS, subscribe=["a"], initial_versions={"a": "1"})
    assert stream.next_response(snapshot(world, withheld)) is None
    world[ENDPOINTS]["a"] = b"1"
    assert delta_names(stream.next_response(snapshot(world))) == (["a"], [])


def test_subscribing_again_sends_again_and_unsubscribing_forgets() -> None:
    stream, world = DeltaStream(), snapshot(everything(b"1"))
    stream.request(ENDPOINTS, subscribe=["a"])
    first = stream.next_response(world)
    assert first is not None
    stream.request(ENDPOINTS, subscribe=["a"], nonce=first.nonce)
    second = stream.next_response(world)
    assert second is not None
    assert delta_names(second) == (["a"], [])
    assert stream.request(ENDPOINTS, unsubscribe=["a"], nonce=second.nonce, rejected=True) is Outcome.NACKED
    assert stream.next_response(snapshot(everything(b"2"))) is None
    assert stream.request(ENDPOINTS, nonce=first.nonce) is Outcome.STALE


# Any order of events, both variants: the client's copy becomes the server's world.


@dataclass
class Client:
    """A client that follows the protocol and may reject."""

    held: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def take_sotw(self, response: SotwResponse) -> None:
        copy = self.held.setdefault(response.type_url, {})
        if response.type_url in (CLUSTER, LISTENER):
            copy.clear()
        copy.update({one.name: one.body for one in response.resources})

    def take_delta(self, response: DeltaResponse) -> None:
        copy = self.held.setdefault(response.type_url, {})
        copy.update({one.name: one.body for one in response.resources})
        for name in response.removed:
            copy.pop(name, None)


@given(st.lists(worlds, min_size=1, max_size=6), st.booleans(), st.data())
def test_clients_converge_on_the_newest_world(
    history: list[World], wildcard: bool, data: st.DataObject
) -> None:
    names: tuple[str, ...] = () if wildcard else NAMES
    sotw, delta, one, two = SotwStream(), DeltaStream(), Client(), Client()
    for url in TYPES:
        wanted = NAMES if url in (ENDPOINTS, ROUTES) else names
        sotw.request(url, wanted, "")
        delta.request(url, subscribe=wanted)

    def settle(world: World, steps: int) -> None:
        current = snapshot(world)
        for _ in range(steps):
            first = sotw.next_response(current)
            if first is not None:
                one.take_sotw(first)
                wanted = NAMES if first.type_url in (ENDPOINTS, ROUTES) else names
                assert sotw.request(first.type_url, wanted, first.nonce) is Outcome.ACKED
            second = delta.next_response(current)
            if second is not None:
                two.take_delta(second)
                assert delta.request(second.type_url, nonce=second.nonce) is Outcome.ACKED

    for world in history:
        settle(world, data.draw(st.integers(0, 4)))
    settle(history[-1], 40)
    assert sotw.next_response(snapshot(history[-1])) is None
    assert delta.next_response(snapshot(history[-1])) is None
    for url in TYPES:
        truth = history[-1][url]
        assert two.held.get(url, {}) == truth
        if url in (CLUSTER, LISTENER):
            assert one.held.get(url, {}) == truth
        else:  # absence is not removal there
            assert truth.items() <= one.held.get(url, {}).items()


class SafeReferences(RuleBasedStateMachine):
    """A route never refers to a cluster that the client does not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = SotwStream()
        self.client = Client()
        self.world: World = {url: {} for url in TYPES}
        self.unanswered: list[SotwResponse] = []
        for url in TYPES:
            self.stream.request(url, ["*"], "")

    @rule(name=st.sampled_from(NAMES))
    def add(self, name: str) -> None:
        for url in TYPES:
            self.world[url][name] = b"1"

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        for url in TYPES:
            self.world[url].pop(name, None)

    @rule()
    def send(self) -> None:
        response = self.stream.next_response(snapshot(self.world))
        if response is not None:
            self.client.take_sotw(response)
            self.unanswered.append(response)

    @rule()
    def answer(self) -> None:
        for response in self.unanswered:
            self.stream.request(response.type_url, ["*"], response.nonce)
        self.unanswered.clear()

    @invariant()
    def listeners_have_their_clusters(self) -> None:
        clusters = self.client.held.get(CLUSTER, {}).keys()
        assert self.client.held.get(LISTENER, {}).keys() <= clusters


TestReferences = SafeReferences.TestCase


@pytest.mark.parametrize("make", [SotwStream, DeltaStream])
def test_a_stream_knows_nothing_at_first(make: Callable[[], SotwStream | DeltaStream]) -> None:
    assert make().next_response(snapshot(everything(b"1"))) is None
