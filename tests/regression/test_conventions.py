"""scikit-learn's conventions, by its own checks."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from latentia.regression import MixtureRegression


def exempt(estimator):
    """One check gives 15 rows of 10 columns with weights that leave too few for a line."""
    return {"check_sample_weight_equivalence_on_dense_data": "its design is collinear: refused"}


@parametrize_with_checks(
    [
        MixtureRegression(reg_variance=1e-3, n_init=3, random_state=0),
        MixtureRegression(n_components=1, reg_variance=1e-9),
    ],
    expected_failed_checks=exempt,
)
def test_sklearns_checks(estimator, check):
    check(estimator)
