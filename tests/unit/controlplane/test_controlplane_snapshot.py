"""Versions are content, and nothing but content."""

from hypothesis import given
from hypothesis import strategies as st

from services.controlplane.domain.catalog import Catalog, Health, Instance
from services.controlplane.domain.snapshot import CLUSTER, ENDPOINTS, Resource, ResourceSet, Snapshot
from services.controlplane.xds import EndpointSets

names = st.text("abcdef-", min_size=1, max_size=6)
contents = st.dictionaries(names, st.binary(max_size=20), max_size=8)
instances = st.builds(
    Instance,
    id=st.sampled_from(["a", "b", "c"]),
    address=st.just("127.0.0.1"),
    port=st.integers(1, 3),
    health=st.sampled_from(list(Health)),
    weight=st.integers(1, 2),
    zone=st.sampled_from(["x", "y"]),
)


def resources(content: dict[str, bytes]) -> list[Resource]:
    return [Resource.of(name, body) for name, body in content.items()]


@given(contents, contents)
def test_equal_content_and_equal_version_are_the_same_thing(
    one: dict[str, bytes], two: dict[str, bytes]
) -> None:
    same = ResourceSet.of(resources(one)).version == ResourceSet.of(resources(two)).version
    assert same == (one == two)


@given(contents)
def test_order_does_not_matter(content: dict[str, bytes]) -> None:
    forwards, backwards = resources(content), resources(content)[::-1]
    assert ResourceSet.of(forwards).version == ResourceSet.of(backwards).version


@given(contents, contents)
def test_a_snapshot_changes_with_any_of_its_types(one: dict[str, bytes], two: dict[str, bytes]) -> None:
    before = Snapshot.of({CLUSTER: resources(one), ENDPOINTS: resources(one)})
    after = Snapshot.of({CLUSTER: resources(one), ENDPOINTS: resources(two)})
    assert (before.version == after.version) == (one == two)


@given(st.lists(st.tuples(names, st.lists(instances, max_size=3, unique_by=lambda one: one.id))))
def test_a_catalog_changes_exactly_when_what_lives_changes(
    updates: list[tuple[str, list[Instance]]],
) -> None:
    catalog = Catalog()
    for name, alive in updates:
        before = dict(catalog.services)
        updated = catalog.with_service(name, tuple(alive))
        expected = {**before, name: tuple(sorted(alive))}
        assert dict(updated.services) == expected
        assert (updated is catalog) == (before == expected)
        catalog = updated


@given(st.lists(st.lists(instances, max_size=3, unique_by=lambda one: one.id), min_size=1))
def test_endpoints_built_step_by_step_equal_those_built_afresh(steps: list[list[Instance]]) -> None:
    sets = EndpointSets()
    for alive in steps:
        catalog = Catalog().with_service("market", tuple(alive))
        assert sets.of(catalog, ["market", "risk"]) == EndpointSets().of(catalog, ["market", "risk"])


def test_a_service_nobody_answered_for_is_unknown_and_not_empty() -> None:
    catalog = Catalog().with_service("market", ())
    built = {one.name for one in EndpointSets().of(catalog, ["market", "risk"])}
    assert built == {"market"}
