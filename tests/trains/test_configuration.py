"""Configuration items, their relations, and what a change reaches over them."""

from __future__ import annotations

import uuid
from typing import Any

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.refusals import Refused
from trains.actions import configuration as items
from trains.actions import scope
from trains.models import ConfigurationItem, ConfigurationRelation
from trains.queries.impact import impact_of
from trains.rules.configuration import attributes_fault, compare
from trains.rules.impact import Edge, travels, walk

ORG = "/api/v1/orgs/northwind"
Kind = ConfigurationItem.Kind
NODES = [uuid.UUID(int=n + 1) for n in range(9)]
EDGES = st.lists(
    st.builds(
        Edge,
        st.sampled_from(NODES),
        st.sampled_from(ConfigurationRelation.Kind.values),
        st.sampled_from(NODES),
    ),
    max_size=30,
)


# -- the walk, against a library


@given(EDGES, st.sets(st.sampled_from(NODES), min_size=1, max_size=3), st.integers(1, 9))
def test_the_walk_takes_the_shortest_ways_that_there_are(
    edges: list[Edge], starts: set[Any], hops: int
) -> None:
    graph = networkx.DiGraph()
    graph.add_nodes_from(NODES)
    steps = {(s.came_from, s.reached, s.kind) for e in edges for s in travels(e)}
    graph.add_edges_from((a, b) for a, b, _ in steps)
    wanted = networkx.multi_source_dijkstra_path_length(graph, starts)
    found = walk(starts, lambda at: [e for e in edges if e.source in at or e.target in at], hops=hops)
    assert {pk: len(way) for pk, way in found.ways.items()} == {
        pk: n for pk, n in wanted.items() if n <= hops
    }
    assert found.cut == any(n > hops for n in wanted.values())
    for reached, way in found.ways.items():
        here = way[0].came_from if way else reached
        assert here in starts
        for step in way:
            assert step.came_from == here and (here, step.reached, step.kind) in steps
            here = step.reached
        assert here == reached


@given(EDGES, st.integers(1, 9))
def test_the_walk_never_returns_more_than_its_bound(edges: list[Edge], most: int) -> None:
    found = walk(NODES[:1], lambda at: edges, most=most)
    assert len(found.ways) <= most
    assert found.cut or len(found.ways) == len(walk(NODES[:1], lambda at: edges).ways)


def made(world: Any, name: str, **said: Any) -> ConfigurationItem:
    found: ConfigurationItem = items.create_item(
        world.as_["rte"], **{"name": name, "kind": Kind.APPLICATION, **said}
    )
    return found


def hangs(world: Any, source: Any, kind: str, target: Any) -> Any:
    return items.relate_items(world.as_["rte"], source, kind=ConfigurationRelation.Kind(kind), target=target)


@pytest.fixture
def landscape(world: Any) -> dict[str, ConfigurationItem]:
    """A ledger on a database on a server; a portal that depends on the ledger; a gateway that provides for the portal."""
    names = ("ledger", "database", "server", "portal", "gateway", "island")
    found = {name: made(world, name) for name in names if name != "ledger"}
    found["ledger"] = made(world, "ledger", service=world.ledger, criticality=1)
    hangs(world, found["ledger"], "depends_on", found["database"])
    hangs(world, found["database"], "runs_on", found["server"])
    hangs(world, found["portal"], "depends_on", found["ledger"])
    hangs(world, found["gateway"], "provides", found["portal"])
    hangs(world, found["server"], "depends_on", found["portal"])  # a cycle
    return found


def test_a_change_reaches_whoever_depends_on_it_and_says_the_way(world: Any, landscape: Any) -> None:
    reached = {each.item.name: each for each in impact_of([landscape["server"]])}
    assert {name: each.hops for name, each in reached.items()} == {
        "server": 0,
        "database": 1,
        "ledger": 2,
        "portal": 3,
    }
    assert reached["portal"].sentence == ("server → carries database → needed by ledger → needed by portal")
    assert [each.item.name for each in impact_of([landscape["gateway"]])][:2] == ["gateway", "portal"]
    assert len(impact_of([landscape["island"]])) == 1


def test_a_release_changes_the_items_of_the_services_it_carries(world: Any, landscape: Any) -> None:
    release = world.release()
    assert len(impact_of(release)) == 0
    scope.attach_artifact(world.as_["release_manager"], release, artifact=world.artifact())
    found = impact_of(release)
    assert [each.item.name for each in found.starts] == ["ledger"]
    assert [each.item.name for each in found.reached] == ["portal", "server", "database"]


def test_retired_items_and_ended_relations_carry_nothing(world: Any, landscape: Any) -> None:
    items.retire_item(world.as_["rte"], landscape["database"], reason="Moved to the ledger.")
    assert [each.item.name for each in impact_of([landscape["server"]])] == ["server"]
    link = ConfigurationRelation.objects.get(source=landscape["portal"], target=landscape["ledger"])
    items.end_relation(world.as_["rte"], link, reason="The portal reads a copy.")
    assert [each.item.name for each in impact_of([landscape["ledger"]])] == ["ledger"]


def test_a_walk_costs_one_query_a_hop(world: Any, landscape: Any, django_assert_max_num_queries: Any) -> None:
    for n in range(20):
        hangs(world, made(world, f"report {n}"), "depends_on", landscape["portal"])
    with django_assert_max_num_queries(7):
        assert len(impact_of([landscape["server"]])) == 24


def test_a_relation_is_recorded_once_and_between_two(world: Any, landscape: Any) -> None:
    for target, code in (("ledger", "self"), ("database", "exists")):
        with pytest.raises(Refused) as caught:
            hangs(world, landscape["ledger"], "depends_on", landscape[target])
        assert caught.value.refusals[0].code == f"configuration_relation.{code}"


# -- attributes


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.integers() | st.booleans() | st.text(max_size=5)))
def test_what_is_as_expected_does_not_differ(state: dict[str, Any]) -> None:
    assert compare(state, state, strict=True) == []
    for name in state:
        rest = {k: v for k, v in state.items() if k != name}
        assert [(d.field, d.missing) for d in compare(state, rest)] == [(name, "found")]
        assert [(d.field, d.missing) for d in compare(rest, state, strict=True)] == [(name, "expected")]
        assert compare(rest, state) == []


def test_yes_is_not_one() -> None:
    assert compare({"replicas": 1}, {"replicas": 1.0}) == []
    assert [d.sentence for d in compare({"replicas": 1}, {"replicas": True})] == [
        "replicas should be 1, is yes."
    ]


@pytest.mark.parametrize("bad", [{"": 1}, {"a": {"b": 1}}, {"a": [[1]]}, {"x" * 121: 1}])
def test_attributes_are_plain_names_and_values(world: Any, api: Any, bad: dict[str, Any]) -> None:
    assert attributes_fault(bad)
    answer = api("rte").post(
        f"{ORG}/configuration-items", {"name": "x", "kind": "server", "expected": bad}, format="json"
    )
    assert answer.status_code == 422 and "expected" in answer.content.decode()
