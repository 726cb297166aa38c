"""The statistics that questions share, against scipy and against published numbers."""

from __future__ import annotations

import random

import pytest
from scipy import stats

from bihuan.analyse.statistics import (
    Share,
    benjamini_hochberg,
    chi_square_tail,
    exact_p_value,
    hypergeometric_tail,
    independence_p_value,
    index,
    odds_ratio,
    wilson,
)


@pytest.mark.parametrize(("yes", "people"), [(0, 10), (10, 10), (3, 17), (81, 263), (15, 148), (1, 29)])
def test_wilson_is_that_of_scipy(yes, people):
    expected = stats.binomtest(yes, people).proportion_ci(method="wilson")
    assert wilson(Share(yes, people)) == pytest.approx((yes / people, *expected), abs=1e-12)
    assert wilson(Share(0, 0)) is None


def test_the_odds_ratio_has_woolfs_interval():
    expected = stats.contingency.odds_ratio([[30, 70], [12, 88]], kind="sample")
    interval = expected.confidence_interval(0.95)
    assert odds_ratio(Share(30, 100), Share(12, 100)) == pytest.approx((expected.statistic, interval.low, interval.high))
    assert odds_ratio(Share(0, 10), Share(4, 10)) == pytest.approx((0.0688, 0.0032, 1.4983), abs=1e-4)  # (.5 · 6.5) / (10.5 · 4.5)
    assert odds_ratio(Share(0, 0), Share(4, 10)) is None


def test_tails_of_the_hypergeometric_distribution_are_those_of_scipy():
    draw = random.Random(7)
    for _ in range(400):
        total = draw.choice((5, 20, 300, 40_000))
        first, second = draw.randint(0, total), draw.randint(0, total)
        together = draw.randint(max(0, first + second - total), min(first, second))
        expected = stats.hypergeom.sf(together - 1, total, second, first)
        assert hypergeometric_tail(together, first, second, total) == pytest.approx(expected, rel=1e-6, abs=1e-12)
        lower = stats.hypergeom.cdf(together, total, second, first)
        assert exact_p_value(together, first, second, total) == pytest.approx(min(1, 2 * min(expected, lower)), rel=1e-6, abs=1e-12)


def test_fishers_lady_tasting_tea():
    assert hypergeometric_tail(4, 4, 4, 8) == pytest.approx(1 / 70)
    assert hypergeometric_tail(3, 4, 4, 8) == pytest.approx(17 / 70)


def test_independence_is_chi_square_where_numbers_are_large_and_exact_where_they_are_small():
    table = [[30, 70], [12, 88]]
    pearson = stats.chi2_contingency(table, correction=False)
    assert independence_p_value(30, 100, 42, 200) == pytest.approx(stats.chi2.sf(pearson.statistic * 199 / 200, 1))
    assert independence_p_value(3, 4, 4, 8) == pytest.approx(34 / 70)
    assert independence_p_value(5, 5, 5, 5) == 1.0  # there is nothing to compare with
    assert independence_p_value(0, 0, 5, 9) == 1.0


@pytest.mark.parametrize("freedom", [1, 2, 3, 10, 77, 400])
def test_tails_of_chi_square_are_those_of_scipy(freedom):
    for value in (0.0, 0.01, 0.5, 1, 3.84, freedom - 0.5, freedom, freedom + 2, 2 * freedom, 900):
        assert chi_square_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-9, abs=1e-14)


def test_adjusted_p_values_are_those_of_scipy_in_the_order_given():
    draw = random.Random(1)
    for number in (1, 2, 15, 200):
        values = [draw.random() ** 3 for _ in range(number)]
        assert benjamini_hochberg(values) == pytest.approx(list(stats.false_discovery_control(values)))
    assert benjamini_hochberg([]) == []


def test_of_the_fifteen_p_values_of_benjamini_and_hochberg_four_are_called_true():
    # The example of their paper, section 3.2 (Neuhaus et al., 1992)
    values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert sum(value <= 0.05 for value in benjamini_hochberg(values)) == 4
    assert benjamini_hochberg([0.01, 0.001], among=30) == pytest.approx([0.15, 0.03])


def test_the_index_of_two_groups_that_are_apart_has_the_interval_of_a_relative_risk():
    expected = stats.contingency.relative_risk(30, 100, 24, 200)
    interval = expected.confidence_interval(0.95)
    assert index(Share(30, 100), Share(24, 200), Share(0, 0)) == pytest.approx((expected.relative_risk, interval.low, interval.high))


def test_the_index_of_a_part_in_its_whole_cannot_leave_what_is_possible():
    assert index(Share(30, 100), Share(30, 100), Share(30, 100)) == (1.0, 1.0, 1.0)  # the whole itself
    assert index(Share(50, 50), Share(50, 100), Share(50, 50)) == pytest.approx((2.0, 2.0, 2.0), abs=0.6)
    none = index(Share(0, 50), Share(40, 100), Share(0, 50))
    assert none is not None
    assert (none.estimate, none.low) == (0.0, 0.0)
    assert 0 < (none.high or 0) < 0.5
    assert index(Share(1, 5), Share(0, 9), Share(0, 0)) is None
    assert index(Share(0, 0), Share(3, 9), Share(0, 0)) is None


@pytest.mark.parametrize(("part", "rest", "mine", "others"), [(200, 800, 0.1, 0.05), (60, 3000, 0.15, 0.15), (900, 300, 0.3, 0.5)])
def test_the_interval_of_an_index_holds_what_is_true_in_about_95_of_100_draws(part, rest, mine, others):
    truth = mine / ((part * mine + rest * others) / (part + rest))
    draws = stats.binom.rvs(part, mine, size=4000, random_state=1), stats.binom.rvs(rest, others, size=4000, random_state=2)
    held = 0
    for yes, also in zip(*map(list, draws), strict=True):
        found = index(Share(int(yes), part), Share(int(yes + also), part + rest), Share(int(yes), part))
        held += found is not None and (found.low or 0) <= truth <= (found.high or 0)
    assert 0.935 <= held / 4000 <= 0.975
