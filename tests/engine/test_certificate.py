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
    floors = tuple(f"covariances[{k}]" for k in range(9))
    assert dataclasses.replace(GOOD, active_floors=floors).held.endswith("[5] and 3 more")
    assert GOOD.held == ""
    assert "and 4 more" in _told(on_boundary=tuple(f"weights[{i}]" for i in range(10)))


def test_starts_are_counted():
    optima = (Optimum(-10.0, 3), Optimum(-11.0, 1))
    told = _told(n_starts=6, n_degenerate=2, optima=optima)
    assert "Of 6 starts 3 reached this maximum; 2 distinct maxima were seen." in told
    assert "2 starts collapsed and were left out." in told
    assert "1 distinct maximum was seen" in _told(n_starts=2, optima=optima[:1])


def test_what_did_not_decide_is_not_told():
    decided = "which decided instead"
    assert decided in _told(tol=0.0)
    assert decided not in _told(tol=0.0, status=Status.MAX_ITER)
    assert decided not in _told(tol=0.0, status=Status.DEGENERATE)


def test_an_unknown_remainder_is_said_to_be_unknown():
    for unknown in (float("inf"), float("nan")):
        told = _told(status=Status.MAX_ITER, remaining_gain=unknown)
        assert "How much remains is not known yet." in told
        assert "nats are estimated" not in told
    known = _told(status=Status.INTERRUPTED, remaining_gain=0.25)
    assert "About 0.25 nats are estimated to remain." in known


def test_where_no_start_converged_no_maximum_is_counted():
    told = _told(status=Status.MAX_ITER, n_starts=4, n_degenerate=1, optima=())
    assert "Of 4 starts" not in told
    assert "maxima" not in told
    assert "1 start collapsed" in told


def test_nothing_collapses_before_the_first_step():
    bad = {"status": Status.DEGENERATE, "detail": "the objective became nan"}
    told = _told(n_steps=0, **bad)
    assert told.startswith("The objective is nan at the start already;")
    assert "collapsed" not in told
    assert "a parameter collapsed" in _told(n_steps=3, **bad)


def test_an_unknown_rate_is_not_told():
    assert "distance" not in _told(em_rate=None)


def test_claims_come_last():
    told = dataclasses.replace(GOOD, claims=("A prior is in force.",)).sentences()
    assert told[-1] == "A prior is in force."
