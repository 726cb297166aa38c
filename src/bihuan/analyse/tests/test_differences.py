"""Shares beside each other: who is compared with whom."""

from __future__ import annotations

import pytest

from bihuan.analyse.differences import compared
from bihuan.analyse.statistics import Share, share_difference, share_p_value


def test_a_group_beside_everybody_is_tested_against_the_rest():
    found = compared(1, Share(20, 50), Share(30, 150), overlapping=True)
    rest = share_difference(Share(20, 50), Share(10, 100))
    assert rest is not None
    assert found.change == pytest.approx(rest.times(100 / 150))
    assert found.p_value == share_p_value(Share(20, 50), Share(10, 100))


def test_a_group_that_is_everybody_does_not_differ():
    found = compared(None, Share(20, 50), Share(20, 50), overlapping=True)
    assert (found.change, found.p_value, found.clear) == ((0.0, 0.0, 0.0), 1.0, False)


@pytest.mark.parametrize(
    ("now", "before", "overlapping"),
    [
        (Share(0, 0), Share(3, 9), False),
        (Share(3, 9), Share(0, 0), False),
        (Share(0, 0), Share(3, 9), True),
        (Share(0, 1), Share(1, 1), True),  # those of the group who were lost have gone on among everybody
        (Share(4, 5), Share(2, 9), True),
    ],
)
def test_nothing_is_compared_where_nobody_is_or_where_it_is_no_part(now, before, overlapping):
    found = compared(None, now, before, overlapping=overlapping)
    assert (found.change, found.p_value) == (None, None)
