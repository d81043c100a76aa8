"""A job is refused before it is queued for what a run of its spider would refuse at once."""

import pytest

from newsbot.hosting.arguments import check


@pytest.mark.parametrize(
    ("spider", "given"),
    [
        ("frankfurter", {"symbols": "USD,GBPX"}),
        ("frankfurter", {"base": "USD", "symbols": "USD"}),
        ("gdelt", {"country": "fr"}),
        ("gdelt", {"query": " "}),
        ("openmeteo", {"latitude": "1.0,2.0", "longitude": "1.0"}),
    ],
)
def test_what_a_spider_checks_itself_is_checked_before(spider, given):
    with pytest.raises(ValueError, match="-a "):
        check(spider, given)


@pytest.mark.parametrize(
    ("spider", "given"),
    [
        ("frankfurter", {"symbols": "usd, gbp"}),
        ("gdelt", {}),
        ("gdelt", {"query": "x", "country": "fr"}),
        ("openmeteo", {"latitude": "1.0,2.0", "longitude": "1.0,3.0"}),
        ("newsapi", {"top": "1"}),
        ("api", {"config": "worldbank"}),
        ("hackernews", {}),
    ],
)
def test_what_is_right_passes(spider, given):
    check(spider, given)
