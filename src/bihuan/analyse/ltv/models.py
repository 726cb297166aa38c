"""How often customers buy again and what they spend: BG/NBD and Gamma-Gamma, fitted by maximum likelihood.

BG/NBD: P. S. Fader, B. G. S. Hardie, K. L. Lee, ""Counting Your Customers" the Easy Way", Marketing Science 24 (2005) 275-284.
Gamma-Gamma: P. S. Fader, B. G. S. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013). Times are in weeks.

While alive, a customer buys at a rate of their own (over all customers a gamma distribution, shape `r`, rate `alpha`), and after each
purchase leaves for good with a probability of their own (a beta distribution, `a`, `b`). What a customer spends on average is again a
gamma distribution (`p`) whose rate varies over customers by another (`q`, `gamma`), independent of how often they buy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Array = Any  # of numpy, which is loaded when the first model is fitted

FEWEST = 30  # customers who bought again, below which nothing is learned


@dataclass(frozen=True)
class Buying:
    """The fitted BG/NBD; `log_likelihood` of the customers that it was fitted to."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    def alive(self, again: Array, last: Array, known: Array) -> Array:
        """The probability that a customer still buys. (Of one who bought only once it is 1: only after a purchase does anybody leave.)"""
        import numpy as np

        odds = self.a / (self.b + again - 1 + (again == 0)) * ((self.alpha + known) / (self.alpha + last)) ** (self.r + again)
        return 1 / (1 + np.where(again > 0, odds, 0))

    def purchases(self, weeks: float, again: Array, last: Array, known: Array) -> Array:
        """How many purchases a customer is expected to make in the next `weeks`."""
        from scipy.special import hyp2f1

        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        a = a + 1e-9 if abs(a - 1) < 1e-9 else a  # the formula has a hole there, the value has none
        shrunk = ((alpha + known) / (alpha + known + weeks)) ** (r + again)
        series = hyp2f1(r + again, b + again, a + b + again - 1, weeks / (alpha + known + weeks))
        return (a + b + again - 1) / (a - 1) * (1 - shrunk * series) * self.alive(again, last, known)


@dataclass(frozen=True)
class Spending:
    """The fitted Gamma-Gamma."""

    p: float
    q: float
    gamma: float
    log_likelihood: float

    def total(self, purchases: Array, customers: Array, again: Array, worth: Array) -> float:
        """What so many expected `purchases` of each of the `customers` of a group are worth; `worth` is what all of a group's purchases
        again were worth together. (A customer's expected mean is linear in it, so that groups say as much as customers.)"""
        mean = self.p * (self.gamma * customers + worth) / (self.p * again + self.q - 1)
        return float((purchases * mean).sum())

    @property
    def mean(self) -> float | None:
        """What a purchase is worth on average over all customers; None where the distribution has no mean."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else None


def fit_buying(again: Array, last: Array, known: Array, customers: Array) -> Buying | None:
    """BG/NBD of groups of `customers` who bought `again` times more, the last `last` weeks after the first, and are known for `known`
    weeks. None when there is too little to learn from."""
    import numpy as np
    from scipy.special import digamma, expit, gammaln

    again, last, known, customers = (np.asarray(each, dtype=float) for each in (again, last, known, customers))
    if customers[again > 0].sum() < FEWEST:
        return None
    repeat = again > 0
    times, place = np.unique(again, return_inverse=True)  # the slow functions are of these alone

    def loss(logs: Array) -> tuple[float, Array]:
        r, alpha, a, b = np.exp(logs)
        common = gammaln(r + times) - gammaln(r) + r * np.log(alpha)
        common += gammaln(a + b) + gammaln(b + times) - gammaln(b) - gammaln(a + b + times)
        common = common[place]
        active = -(r + again) * np.log(alpha + known)
        before = np.maximum(b + again - 1, 1e-300)
        left = np.log(a) - np.log(before) - (r + again) * np.log(alpha + last)
        likelihood = common + np.where(repeat, np.logaddexp(active, left), active)
        gone = np.where(repeat, expit(left - active), 0.0)  # how probable it is that the customer has left
        sizes = np.bincount(place, customers, len(times))
        of_both = digamma(a + b) - digamma(a + b + times)
        gradient = np.array(
            (
                sizes @ (digamma(r + times) - digamma(r) + np.log(alpha))
                - customers @ ((1 - gone) * np.log(alpha + known) + gone * np.log(alpha + last)),
                customers @ (r / alpha - (r + again) * ((1 - gone) / (alpha + known) + gone / (alpha + last))),
                sizes @ of_both + customers @ gone / a,
                sizes @ (of_both + digamma(b + times) - digamma(b)) - customers @ (gone / before),
            )
        )
        return -float(customers @ likelihood), -gradient * (r, alpha, a, b)

    weeks = float(customers @ known / customers.sum())
    starts = [(np.log(0.5), np.log(max(weeks / 4, 0.1)), np.log(0.5), np.log(2.0)), (0.0, np.log(max(weeks, 0.1)), 0.0, 0.0)]
    best = _least(loss, starts, float(customers.sum()))
    if best is None:
        return None
    (r, alpha, a, b), least = best
    return Buying(r, alpha, a, b, log_likelihood=-least)


def fit_spending(again: Array, mean: Array) -> Spending | None:
    """Gamma-Gamma of customers who bought `again` times more, at `mean` a purchase on average. None when there are too few."""
    import numpy as np
    from scipy.special import digamma, gammaln

    again, mean = np.asarray(again, dtype=float), np.asarray(mean, dtype=float)
    if len(again) < FEWEST:
        return None
    logs_of_mean, total = np.log(mean), again * mean
    scale = float(np.exp(logs_of_mean.mean()))
    times, many = np.unique(again, return_counts=True)
    fixed = float(logs_of_mean.sum())  # what no parameter changes, and what p alone does
    of_p = float(again @ logs_of_mean + (many * times) @ np.log(times))

    def loss(logs: Array) -> tuple[float, Array]:
        p, q, gamma = np.exp(logs)
        by_times = gammaln(p * times + q) - gammaln(p * times) - gammaln(q) + q * np.log(gamma)
        logs_of_total = np.log(gamma + total)
        of_all = digamma(p * times + q)
        gradient = np.array(
            (
                again @ logs_of_total - many @ (times * (of_all - digamma(p * times))) - of_p,
                logs_of_total.sum() - many @ (of_all - digamma(q) + np.log(gamma)),
                ((p * again + q) / (gamma + total)).sum() - many.sum() * q / gamma,
            )
        )
        return float((p * again + q) @ logs_of_total - many @ by_times - p * of_p + fixed), gradient * (p, q, gamma)

    best = _least(loss, [(np.log(4.0), np.log(3.0), np.log(scale)), (0.0, np.log(2.0), np.log(scale))], float(len(again)))
    if best is None:
        return None
    (p, q, gamma), least = best
    return Spending(p, q, gamma, log_likelihood=-least)


FARTHEST = 25.0  # logarithm of a parameter, beyond which the likelihood only creeps on
PRECISE = {"maxiter": 500, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 20}
PATIENT = {"maxiter": 4000, "xatol": 1e-8, "fatol": 1e-10}
STEEP = 1e-6  # of a customer's loss, by the logarithm of a parameter: more is no minimum


def _within(logs: Array) -> bool:
    return all(abs(each) < FARTHEST - 1e-3 for each in logs)


def _least(
    loss: Callable[[Array], tuple[float, Array]], starts: Sequence[Sequence[float]], customers: float
) -> tuple[tuple[float, ...], float] | None:
    """The parameters (not their logarithms) with the least loss of so many customers, from the best of several beginnings; None when none
    ends anywhere. `loss` gives its gradient, too; where that leads nowhere the search is made without it."""
    import numpy as np
    from scipy.optimize import minimize

    def mean(logs: Array) -> tuple[float, Array]:
        value, gradient = loss(logs)
        return value / customers, gradient / customers

    bounds = [(-FARTHEST, FARTHEST)] * len(starts[0])
    with np.errstate(all="ignore"):
        ends = [minimize(mean, start, jac=True, method="L-BFGS-B", bounds=bounds, options=PRECISE) for start in starts]
        ends = [end for end in ends if np.isfinite(end.fun) and np.abs(end.jac).max() < STEEP]
        ends = ends or [minimize(lambda logs: loss(logs)[0], start, method="Nelder-Mead", options=PATIENT) for start in starts]
        values = [(float(loss(end.x)[0]), tuple(float(each) for each in np.exp(end.x))) for end in ends if _within(end.x)]
    found = [(value, parameters) for value, parameters in values if np.isfinite(value)]
    if not found:
        return None
    value, parameters = min(found)
    return parameters, value
