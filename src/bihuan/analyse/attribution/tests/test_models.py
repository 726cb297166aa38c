"""The models alone: worked examples by hand, published ones, and brute force."""

from __future__ import annotations

import random
from itertools import combinations, permutations

import pytest

from bihuan.analyse.attribution import models
from bihuan.analyse.attribution.models import Chain, Credits, Path, chain_of, markov, shapley, shapley_of_chain, shapley_values


def conversions(credits: Credits) -> dict[str, float]:
    return {point: round(credit.conversions, 9) for point, credit in credits.items()}


def path(points: str, won: int, lost: int = 0, worth: float = 0.0) -> Path:
    return Path(tuple(points), won, lost, worth)


def test_rules_share_a_path_as_they_say():
    paths = [path("abcb", 2, worth=10.0), path("ab", 1), path("d", 1, 5)]
    assert conversions(models.by_rule(paths, models.first)) == {"a": 3, "d": 1}
    assert conversions(models.by_rule(paths, models.last)) == {"b": 3, "d": 1}
    assert conversions(models.by_rule(paths, models.last_but("b"))) == {"a": 1, "c": 2, "d": 1}
    assert conversions(models.by_rule(paths, models.linear)) == {"a": 1.0, "b": 1.5, "c": 0.5, "d": 1}
    assert conversions(models.by_rule(paths, models.position(0.4, 0.2))) == {
        "a": round(0.8 + 2 / 3, 9),
        "b": round(0.8 + 1 / 3, 9),
        "c": 0.4,
        "d": 1,
    }
    assert models.by_rule(paths, models.linear)["b"].worth == 5.0


def test_the_last_but_one_kind_is_the_last_where_there_is_nothing_else():
    assert conversions(models.by_rule([path("aa", 1)], models.last_but("a"))) == {"a": 1}


def test_a_chain_finds_the_well_known_example():
    """Three journeys: c1 → c2 → c3 → purchase, c1 → nothing, c2 → c3 → nothing. By hand: of those who start, 2/3 come to c1, half of
    whom go on to c2; 1/3 come to c2 at once; all of c2 come to c3, half of whom buy: (2/3 · 1/2 + 1/3) · 1/2 = 1/3. Without c1 1/3 · 1/2
    = 1/6 are left, so that its removal effect is 1/2; without c2 or c3 nobody buys. 1/2 : 1 : 1 of one purchase is 0.2, 0.4, 0.4."""
    paths = [Path(("c1", "c2", "c3"), 1, 0), Path(("c1",), 0, 1), Path(("c2", "c3"), 0, 1)]
    chances = {point: chance for point, (chance, _) in chain_of(paths, 1).without().items()}
    assert chances == pytest.approx({"": 1 / 3, "c1": 1 / 6, "c2": 0, "c3": 0})
    found = markov(paths, 1)
    assert found.effects == pytest.approx({"c1": 0.5, "c2": 1, "c3": 1})
    assert conversions(found.credits) == {"c1": 0.2, "c2": 0.4, "c3": 0.4}


def random_paths(rng: random.Random, points: str = "abcd") -> list[Path]:
    drawn = {tuple(rng.choice(points) for _ in range(rng.randint(1, 5))) for _ in range(rng.randint(1, 12))}
    paths = []
    for each in sorted(drawn):
        won = rng.randint(0, 4)
        paths.append(Path(each, won, rng.randint(0 if won else 1, 4), rng.randint(0, 50) * won / 2))
    return [*paths, Path(("a",), 1, 1, 3.0)]


def walked(paths: list[Path], order: int, without: str) -> tuple[float, float]:
    """Chance to convert and worth, by walking on and on until next to nothing is under way."""
    taken: dict[tuple[str, ...], dict[tuple[str, ...], int]] = {}
    ends: dict[tuple[str, ...], tuple[int, float, int]] = {}
    for each in paths:
        here: tuple[str, ...] = ()
        times = each.conversions + each.lost
        for point in each.points:
            there = (*here, point)[-order:]
            taken.setdefault(here, {}).setdefault(there, 0)
            taken[here][there] += times
            here = there
        won, worth, number = ends.get(here, (0, 0.0, 0))
        ends[here] = (won + each.conversions, worth + each.worth, number + times)
    under_way: dict[tuple[str, ...], float] = {(): 1.0}
    chance = brought = 0.0
    while under_way:
        onward: dict[tuple[str, ...], float] = {}
        for here, mass in under_way.items():
            won, worth, number = ends.get(here, (0, 0.0, 0))
            total = number + sum(taken.get(here, {}).values())
            chance += mass * won / total
            brought += mass * worth / total
            for there, times in taken.get(here, {}).items():
                if there[-1] != without:
                    onward[there] = onward.get(there, 0.0) + mass * times / total
        under_way = {state: mass for state, mass in onward.items() if mass > 1e-15}
    return chance, brought


@pytest.mark.parametrize("order", [1, 2, 3])
def test_chances_that_are_solved_for_are_those_of_walking(order):
    rng = random.Random(order)
    for _ in range(12):
        paths = random_paths(rng)
        for point, (chance, worth) in chain_of(paths, order).without().items():
            assert [chance, worth] == pytest.approx(walked(paths, order, point), abs=1e-7)


def test_a_chain_that_remembers_everything_is_the_paths_themselves():
    rng = random.Random(7)
    paths = [each for each in random_paths(rng) if len(each.points) <= 3]
    total = sum(each.conversions for each in paths)
    for point, effect in markov(paths, 3).effects.items():
        lost = sum(each.conversions for each in paths if point in each.points)
        assert effect == pytest.approx(lost / total)


def test_a_chain_with_too_many_states_remembers_less():
    rng = random.Random(3)
    names = [f"p{number}" for number in range(40)]
    paths = [Path(tuple(rng.choice(names) for _ in range(6)), 1, 1) for _ in range(1_500)]
    assert markov(paths, 3).order < 3
    assert sum(credit.conversions for credit in markov(paths, 3).credits.values()) == pytest.approx(1_500)


def test_worth_below_nothing_is_shared_like_conversions():
    paths = [path("ab", 3, 1, 30.0), path("b", 2, 2, -20.0)]
    found = markov(paths, 1).credits
    assert found["b"].worth / 10 == pytest.approx(found["b"].conversions / 5)


def by_permutations(worth: list[float], players: int) -> list[float]:
    values = [0.0] * players
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = 0
        for player in order:
            values[player] += (worth[coalition | 1 << player] - worth[coalition]) / len(orders)
            coalition |= 1 << player
    return values


def test_shapley_values_are_means_over_all_orders():
    """The glove game: one left glove, two right ones, a pair is worth 1: 2/3, 1/6, 1/6."""
    gloves = [float(bool(mask & 1) and bool(mask & 6)) for mask in range(8)]
    assert shapley_values(gloves) == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    rng = random.Random(5)
    for players in (1, 2, 3, 5):
        worth = [0.0, *(rng.random() for _ in range(2**players - 1))]
        assert shapley_values(worth) == pytest.approx(by_permutations(worth, players))


def test_the_game_of_paths_is_played_without_trying_every_group():
    rng = random.Random(11)
    for _ in range(20):
        paths = random_paths(rng)
        worth = [
            float(sum(each.conversions for each in paths if set(each.points) <= {p for n, p in enumerate("abcd") if mask >> n & 1}))
            for mask in range(16)
        ]
        found = shapley(paths)
        assert [found[p].conversions if p in found else 0.0 for p in "abcd"] == pytest.approx(by_permutations(worth, 4))


def test_the_game_of_the_chain_is_what_is_left_when_all_others_are_gone():
    rng = random.Random(13)
    for _ in range(10):
        paths = random_paths(rng, "abc")
        points = sorted({point for each in paths for point in each.points})
        chances: dict[tuple[str, ...], float] = {(): 0.0}
        for size in range(1, len(points) + 1):
            for group in combinations(points, size):
                chances[group] = _chance(chain_of(paths, 1), set(group))
        worth = [chances[tuple(point for n, point in enumerate(points) if mask >> n & 1)] for mask in range(2 ** len(points))]
        total = sum(each.conversions for each in paths)
        expected = [value / worth[-1] * total for value in by_permutations(worth, len(points))]
        found = shapley_of_chain(paths)
        assert [found[point].conversions for point in points] == pytest.approx(expected)


def _chance(chain: Chain, kept: set[str]) -> float:
    """By walking on and on, among those that are kept."""
    mass = [float(not state) for state in chain.states]
    chance = 0.0
    for _ in range(400):
        chance += sum(each * chain.arrives[n] for n, each in enumerate(mass))
        mass = [
            sum(each * chain.steps[n][there] for n, each in enumerate(mass)) if state and state[0] in kept else 0.0
            for there, state in enumerate(chain.states)
        ]
    return chance


def shared(model: str, paths: list[Path]) -> Credits:
    match model:
        case "linear":
            return models.by_rule(paths, models.linear)
        case "position":
            return models.by_rule(paths, models.position(0.4, 0.4))
        case "markov":
            return markov(paths, 2).credits
        case "shapley":
            return shapley(paths)
    return shapley_of_chain(paths)


@pytest.mark.parametrize("model", ["linear", "position", "markov", "shapley", "chain"])
def test_every_model_shares_out_everything(model):
    rng = random.Random(17)
    for _ in range(10):
        paths = random_paths(rng)
        found = shared(model, paths)
        assert sum(credit.conversions for credit in found.values()) == pytest.approx(sum(each.conversions for each in paths))
        assert sum(credit.worth for credit in found.values()) == pytest.approx(sum(each.worth for each in paths))


def test_nobody_who_converts_is_nothing_to_share():
    assert markov([path("a", 0, 3)], 1).credits == {}
    assert shapley_of_chain([path("a", 0, 3)]) == {}
