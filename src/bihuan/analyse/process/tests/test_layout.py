"""The layout of a graph: everything has its place, nothing lies on anything else, and little crosses."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.analyse.process.layout import LESS, ROOM, apart, crossings, in_order, laid_out, layers_of

LINKS = st.dictionaries(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), st.integers(1, 100).map(float), min_size=1, max_size=20
)


@settings(max_examples=60, deadline=None)
@given(LINKS)
def test_nodes_of_a_layer_keep_apart_and_links_lead_from_layer_to_layer(links):
    nodes = sorted({node for link in links for node in link})
    laid = laid_out(nodes, links)
    assert set(laid.places) == set(nodes)
    assert min(y for _, y in laid.places.values()) >= 0
    items = [*laid.places.values(), *(point for route in laid.routes.values() for point in route)]
    for x in {x for x, _ in items}:
        column = sorted(y for at, y in items if at == x)
        assert all(below - above >= LESS - 1e-6 for above, below in pairwise(column))
        column = sorted(y for at, y in laid.places.values() if at == x)
        assert all(below - above >= ROOM - 1e-6 for above, below in pairwise(column))
    for first, last in links:
        if first == last:
            continue
        xs = [x for x, _ in (laid.places[first], *laid.routes[first, last], laid.places[last])]
        step = -1 if (first, last) in laid.backward else 1
        assert [later - x for x, later in pairwise(xs)] == [step] * (len(xs) - 1)


def test_a_chain_is_a_straight_line():
    laid = laid_out("abcd", {("a", "b"): 3.0, ("b", "c"): 3.0, ("c", "d"): 3.0})
    assert [laid.places[node] for node in "abcd"] == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert not laid.backward


def test_only_the_rarer_way_round_runs_backwards():
    links = {("a", "b"): 5.0, ("b", "c"): 5.0, ("c", "b"): 1.0, ("c", "d"): 4.0}
    assert in_order("abcd", links) == list("abcd")
    assert laid_out("abcd", links).backward == {("c", "b")}


def test_what_leads_nowhere_is_in_the_last_layer():
    assert layers_of("abcz", [("a", "b"), ("b", "c"), ("a", "z")]) == {"a": 0, "b": 1, "c": 2, "z": 2}


def test_two_pairs_are_untangled():
    laid = laid_out("abxy", {("a", "y"): 1.0, ("b", "x"): 1.0})
    assert (laid.places["a"][1] < laid.places["b"][1]) == (laid.places["y"][1] < laid.places["x"][1])
    assert crossings([["a", "b"], ["x", "y"]], {"a": [("y", 1.0)], "b": [("x", 1.0)]}) == 1


def test_heights_that_are_wanted_are_kept_where_there_is_room():
    assert apart([0, 5, 9], [1, 1, 1], [0, 1, 2]) == [0, 5, 9]
    assert apart([3, 3], [1, 1], [0, 1]) == [2.5, 3.5]
    assert apart([3, 3], [3, 1], [0, 1]) == pytest.approx([2.75, 3.75])


def test_a_node_can_be_kept_near():
    links = {("s", "a"): 1.0, ("a", "b"): 1.0, ("c", "b"): 1.0, ("d", "b"): 1.0, ("e", "b"): 1.0}
    for node in "acde":
        laid = laid_out("sabcde", links, near=node)
        assert laid.places[node][1] <= laid.height / 2
        assert min(y for _, y in laid.places.values()) == 0


def test_the_same_graph_is_laid_out_the_same():
    links = {(a, b): float(ord(a) * ord(b) % 7 + 1) for a in "abcdef" for b in "abcdef" if a != b}
    assert laid_out("abcdef", links) == laid_out("abcdef", dict(links))
