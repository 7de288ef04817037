"""The certificate in plain words."""

import dataclasses

from latentia.engine import Certificate, Optimum, Status

GOOD = Certificate(
    status=Status.CONVERGED,
    monotone=True,
    largest_fall=0.0,
    rounding=1e-12,
    em_rate=0.75,
    remaining_gain=3e-7,
    tol=1e-5,
    score_norm=1e-4,
    on_boundary=(),
    active_floors=(),
    n_steps=12,
    n_refused=1,
    looked_around=False,
    n_starts=1,
    n_degenerate=0,
    optima=(Optimum(-10.0, 1),),
    claims=(),
)


def _told(**changes):
    return " ".join(dataclasses.replace(GOOD, **changes).sentences())


def test_a_good_fit():
    told = _told()
    assert told.startswith("The climb converged")
    assert "About 3e-07 nats are estimated to remain (asked for: 1e-05)." in told
    assert "never fell" in told
    assert "12 E-steps; 1 proposal was refused" in told
    assert "leaves an estimated 75 % of the distance" in told
    assert "One start was made" in told
    assert "guarantee" not in told.lower()


def test_what_is_worse_is_said():
    assert "fell by 0.5 nats" in _told(status=Status.DECREASED, monotone=False, largest_fall=0.5)
    assert "below the rounding of this objective, 0.001 nats" in _told(rounding=1e-3)
    assert "(`covariances` is singular)" in _told(
        status=Status.DEGENERATE, detail="`covariances` is singular"
    )
    assert "not a maximum-likelihood estimate: covariances[1]." in _told(
        active_floors=("covariances[1]",)
    )
    assert "edge of what is allowed: weights[0], weights[2]." in _told(
        on_boundary=("weights[0]", "weights[2]")
    )
    assert "and 4 more" in _told(on_boundary=tuple(f"weights[{i}]" for i in range(10)))


def test_starts_are_counted():
    optima = (Optimum(-10.0, 3), Optimum(-11.0, 1))
    told = _told(n_starts=6, n_degenerate=2, optima=optima)
    assert "Of 6 starts 3 reached this maximum; 2 distinct maxima were seen." in told
    assert "2 starts collapsed and were left out." in told
    assert "1 distinct maximum was seen" in _told(n_starts=2, optima=optima[:1])


def test_an_unknown_rate_is_not_told():
    assert "distance" not in _told(em_rate=None)


def test_claims_come_last():
    told = dataclasses.replace(GOOD, claims=("A prior is in force.",)).sentences()
    assert told[-1] == "A prior is in force."
