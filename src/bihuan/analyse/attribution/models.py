"""How models of attribution share conversions, and what they are worth, among the touch points of their paths: pure sums over paths.

Models by rule look at each path alone. The two that learn from data look at all paths together:

Markov chains (E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, "Mapping the customer journey", International Journal of Research
in Marketing 33 (2016) 457-474): a walk from touch point to touch point that ends with a conversion or with nothing. What a touch point
is worth is what would be lost without it (whoever comes to it is lost): its removal effect. Chances to arrive are solved for, not
simulated.

Shapley values (K. Zhao, S. H. Mahboobi, S. R. Bagheri, "Shapley Value Methods for Attribution Modeling in Online Advertising", 2018):
the mean of what a touch point adds to a coalition of others, over all orders in which they could come together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

START: tuple[str, ...] = ()
MOST_STATES = 1_500


@dataclass(frozen=True)
class Path:
    """`conversions` worth `worth` together came this way, touch point by touch point (keys; at least one), and `lost` journeys that led to
    none. `credits` and `worths` are what time decay gives to each place of it."""

    points: tuple[str, ...]
    conversions: int
    lost: int
    worth: float = 0.0
    credits: tuple[float, ...] = ()
    worths: tuple[float, ...] = ()


@dataclass(frozen=True)
class Credit:
    """What a model gives to a touch point: so many `conversions`, worth so much."""

    conversions: float = 0.0
    worth: float = 0.0


Credits = dict[str, Credit]  # by the touch point's key
Weights = Sequence[tuple[int, float]]  # (place, weight) of the places that get any


# --- By rule ----------------------------------------------------------------------------------------------------------------------------


def by_rule(paths: Iterable[Path], weights: Callable[[tuple[str, ...]], Weights]) -> Credits:
    """Each path's conversions by the weights of its places, which sum to 1."""
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for path in paths:
        if path.conversions:
            for place, weight in weights(path.points):
                both = found[path.points[place]]
                both[0] += path.conversions * weight
                both[1] += path.worth * weight
    return {point: Credit(*both) for point, both in found.items()}


def first(points: tuple[str, ...]) -> Weights:
    return ((0, 1.0),)


def last(points: tuple[str, ...]) -> Weights:
    return ((-1, 1.0),)


def last_but(passed: str) -> Callable[[tuple[str, ...]], Weights]:
    """The last touch point that is not `passed`; the last of all where there is no other."""

    def weights(points: tuple[str, ...]) -> Weights:
        return ((next((place for place in range(len(points) - 1, -1, -1) if points[place] != passed), -1), 1.0),)

    return weights


def linear(points: tuple[str, ...]) -> Weights:
    share = 1 / len(points)
    return tuple((place, share) for place in range(len(points)))


def position(ahead: float, behind: float) -> Callable[[tuple[str, ...]], Weights]:
    """`ahead` for the first, `behind` for the last, the rest for those between, alike. Without any between the two share all in the
    same proportion (half and half where both have nothing)."""

    def weights(points: tuple[str, ...]) -> Weights:
        if len(points) == 1:
            return ((0, 1.0),)
        if len(points) == 2:
            whole = ahead + behind
            return ((0, ahead / whole), (1, behind / whole)) if whole else ((0, 0.5), (1, 0.5))
        between = (1 - ahead - behind) / (len(points) - 2)
        return ((0, ahead), *((place, between) for place in range(1, len(points) - 1)), (-1, behind))

    return weights


def decay(paths: Iterable[Path]) -> Credits:
    """By the weights that the store has summed up, because they depend on the times of each conversion."""
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for path in paths:
        for point, conversions, worth in zip(path.points, path.credits, path.worths, strict=True):
            found[point][0] += conversions
            found[point][1] += worth
    return {point: Credit(*both) for point, both in found.items()}


# --- Markov chains ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """A chain that remembers `order` touch points. `states` are what it can remember, the start first; `steps` are the chances to go
    from one to another, `arrives` to convert next, and `brings` what that is worth on average."""

    order: int
    states: tuple[tuple[str, ...], ...]
    steps: Any
    arrives: Any
    brings: Any

    def without(self) -> dict[str, tuple[float, float]]:
        """By touch point: the chance to convert, and what a journey brings, if whoever comes to it is lost. '': with all of them.

        Arriving at a set of states before anything else has chances that follow from the fundamental matrix: one inverse serves all.
        """
        import numpy as np

        visits = np.linalg.inv(np.eye(len(self.states)) - self.steps)
        ends = np.stack([visits @ self.arrives, visits @ self.brings], axis=1)
        found = {"": (float(ends[0, 0]), float(ends[0, 1]))}
        mine: dict[str, list[int]] = defaultdict(list)
        for number, state in enumerate(self.states[1:], 1):
            mine[state[-1]].append(number)
        for point, numbers in mine.items():
            first_there = np.linalg.solve(visits[np.ix_(numbers, numbers)].T, visits[0, numbers])
            chance, worth = ends[0] - first_there @ ends[numbers]
            found[point] = (float(chance), float(worth))
        return found


def chain_of(paths: Sequence[Path], order: int) -> Chain:
    """The chain of how often each step was taken. It remembers fewer touch points where it would have too many states."""
    import numpy as np

    states: dict[tuple[str, ...], int] = {START: 0}
    taken: dict[tuple[int, int], int] = defaultdict(int)
    passed: dict[int, int] = defaultdict(int)
    converted: dict[int, list[float]] = defaultdict(lambda: [0, 0.0])
    for path in paths:
        times, state = path.conversions + path.lost, START
        here = 0
        for point in path.points:
            state = (*state, point)[-order:]
            there = states.setdefault(state, len(states))
            taken[here, there] += times
            passed[here] += times
            here = there
        passed[here] += times
        converted[here][0] += path.conversions
        converted[here][1] += path.worth
        if order > 1 and len(states) > MOST_STATES:
            return chain_of(paths, order - 1)
    steps = np.zeros((len(states), len(states)))
    for (here, there), times in taken.items():
        steps[here, there] = times / passed[here]
    ends = np.zeros((len(states), 2))
    for here, both in converted.items():
        ends[here] = np.array(both) / passed[here]
    return Chain(order, tuple(states), steps, ends[:, 0], ends[:, 1])


@dataclass(frozen=True)
class Removal:
    """`effects` are the shares of conversions that would be lost without each touch point, `order` what the chain remembered."""

    credits: Credits
    effects: Mapping[str, float]
    order: int


def markov(paths: Sequence[Path], order: int) -> Removal:
    """All conversions in proportion to the removal effects. Their worth is shared by the effects on what a journey brings; where something
    brings less than nothing (a refund), by those on conversions."""
    conversions, worth = _totals(paths)
    if not conversions:
        return Removal({}, {}, order)
    chain = chain_of(paths, order)
    without = chain.without()
    chance, brings = without.pop("")
    effects = {point: max(1 - one / chance, 0.0) for point, (one, _) in without.items()}
    on_worth = effects
    if worth > 0 and all(path.worth >= 0 for path in paths):
        on_worth = {point: max(1 - one / brings, 0.0) for point, (_, one) in without.items()}
    return Removal(_shared(effects, on_worth, conversions, worth), effects, chain.order)


# --- Shapley values ---------------------------------------------------------------------------------------------------------------------


def shapley(paths: Sequence[Path]) -> Credits:
    """The game of paths: a coalition is worth the conversions of the paths that have nothing else in them. What such a set of touch points
    brings is nobody's without all of them, and so belongs to each alike (its dividend): no coalition need be tried."""

    def weights(points: tuple[str, ...]) -> Weights:
        places = {point: place for place, point in enumerate(points)}.values()
        return tuple((place, 1 / len(places)) for place in places)

    return by_rule(paths, weights)


def shapley_of_chain(paths: Sequence[Path]) -> Credits:
    """The game of the chain: a coalition is worth the chance to convert (and what a journey brings) when whoever comes to any other
    touch point is lost; scaled to all conversions and their worth."""
    conversions, worth = _totals(paths)
    if not conversions:
        return {}
    chain = chain_of(paths, 1)
    points = [state[0] for state in chain.states[1:]]
    chances, brings = _coalitions(chain)
    effects = dict(zip(points, shapley_values(chances), strict=True))
    on_worth = effects
    if worth > 0 and all(path.worth >= 0 for path in paths):
        on_worth = dict(zip(points, shapley_values(brings), strict=True))
    return _shared(effects, on_worth, conversions, worth)


def shapley_values(worth: Sequence[float]) -> list[float]:
    """Of each player, where `worth[mask]` is that of the coalition of those whose bits are set."""
    players = (len(worth) - 1).bit_length()
    often = [factorial(size) * factorial(players - size - 1) / factorial(players) for size in range(players)]
    values = [0.0] * players
    for mask, before in enumerate(worth):
        share = often[mask.bit_count()] if mask.bit_count() < players else 0.0
        for player in range(players):
            if not mask >> player & 1:
                values[player] += share * (worth[mask | 1 << player] - before)
    return values


def _coalitions(chain: Chain) -> tuple[list[float], list[float]]:
    """What every coalition is worth in a chain of order 1, whose states after the start are the touch points."""
    import numpy as np

    players = len(chain.states) - 1
    chances, brings = [0.0], [0.0]
    whole = np.eye(players + 1) - chain.steps
    ends = np.stack([chain.arrives, chain.brings], axis=1)
    for mask in range(1, 1 << players):
        kept = [0, *(player + 1 for player in range(players) if mask >> player & 1)]
        chance, brought = np.linalg.solve(whole[np.ix_(kept, kept)], ends[kept])[0]
        chances.append(float(chance))
        brings.append(float(brought))
    return chances, brings


def _totals(paths: Iterable[Path]) -> tuple[int, float]:
    paths = tuple(paths)
    return sum(path.conversions for path in paths), sum(path.worth for path in paths)


def _shared(effects: Mapping[str, float], on_worth: Mapping[str, float], conversions: int, worth: float) -> Credits:
    """The totals in proportion to the effects."""
    whole, whole_worth = sum(effects.values()), sum(on_worth.values())
    return {point: Credit(conversions * effects[point] / whole, worth * on_worth[point] / whole_worth) for point in effects}
