"""What commands in a job of GoCD find in its environment."""

import pytest

from trackback.delivery.ci import promotion_of_package


@pytest.mark.parametrize(
    ("variables", "promotion"),
    [
        ({"GO_PACKAGE_TRACKBACK_CHURN_PROMOTION": "12"}, 12),
        ({"GO_PACKAGE_CHURN_PROMOTION": "12", "GO_PACKAGE_CHURN_PROMOTION_TAG_NAME": "promote"}, 12),
        ({"GO_PACKAGE_CHURN_PROMOTION": "12", "GO_PACKAGE_AGAIN_PROMOTION": "12"}, 12),
        ({"GO_PACKAGE_CHURN_PROMOTION": "12", "GO_PACKAGE_FRAUD_PROMOTION": "13"}, None),
        ({"GO_PACKAGE_CHURN_PROMOTION": ""}, None),
        ({"GO_PACKAGE_CHURN_PROMOTION": "latest"}, None),
        ({}, None),
    ],
)
def test_the_promotion_is_that_of_the_only_package(variables: dict[str, str], promotion: int | None) -> None:
    assert promotion_of_package(variables) == promotion
