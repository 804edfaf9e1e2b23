"""The numbers of the product's rules, as they are unless an installation changes them."""

import inspect
from datetime import timedelta

from django.conf import settings

from media_assets.delivery.rules import MOST_TRIES, wait_before_next_try
from media_assets.models import Outcome
from media_assets.wolkvox.client import MAX_BODY, Client

VENDOR_CALL = timedelta(seconds=60)
JITTERS = 50


def waits(outcome):
    """The shortest and the longest of many draws for each wait, in order."""
    bounds = []
    for tries in range(1, MOST_TRIES[outcome]):
        draws = [wait_before_next_try(outcome, tries=tries) for _ in range(JITTERS)]
        drawn = [wait for wait in draws if wait is not None]
        assert len(drawn) == JITTERS
        bounds.append((min(drawn), max(drawn)))
    return bounds


def test_a_call_has_75_seconds_and_five_to_connect():
    assert timedelta(seconds=75) == settings.DELIVERY_DEADLINE
    options = inspect.signature(Client).parameters
    assert options["connect_timeout"].default == 5.0
    assert options["deadline"].default == 75.0
    assert MAX_BODY == 256 * 1024


def test_the_deadline_leaves_wolkvox_its_60_seconds_and_the_lease_is_longer_than_a_call():
    assert VENDOR_CALL < settings.DELIVERY_DEADLINE
    start_and_call = settings.DELIVERY_START_WITHIN + settings.DELIVERY_DEADLINE
    assert start_and_call < settings.DELIVERY_LEASE < timedelta(minutes=3)


def test_what_was_not_sent_is_tried_six_times_after_5_seconds_up_to_10_minutes():
    assert MOST_TRIES[Outcome.NOT_SENT] == 6
    assert timedelta(seconds=5) == settings.DELIVERY_NOT_SENT_FIRST
    assert timedelta(minutes=10) == settings.DELIVERY_NOT_SENT_MOST
    bounds = waits(Outcome.NOT_SENT)
    assert timedelta(seconds=4) <= bounds[0][0] < bounds[0][1] <= timedelta(seconds=6)
    assert bounds[-1][1] <= timedelta(minutes=12)
    assert all(shortest < longest for shortest, longest in bounds), "jitter"


def test_a_busy_wolkvox_is_tried_eight_times_over_four_hours():
    assert MOST_TRIES[Outcome.BUSY] == 8
    bounds = waits(Outcome.BUSY)
    shortest, longest = (sum(column, timedelta()) for column in zip(*bounds, strict=True))
    assert timedelta(hours=3) < shortest < timedelta(hours=4) < longest < timedelta(hours=5)


def test_after_too_many_simultaneous_calls_at_least_65_seconds_pass():
    assert MOST_TRIES[Outcome.SIMULTANEOUS] == 8
    assert min(waits(Outcome.SIMULTANEOUS))[0] >= timedelta(seconds=65)


def test_an_unclear_call_is_repeated_twice_after_the_vendors_60_seconds():
    assert MOST_TRIES[Outcome.UNCLEAR] == 3
    assert min(waits(Outcome.UNCLEAR))[0] >= VENDOR_CALL


def test_a_used_up_quota_is_tried_once_an_hour():
    assert timedelta(hours=1) == settings.DELIVERY_PAUSE


def test_nothing_else_is_tried_again():
    for outcome in (Outcome.REFUSED, Outcome.TOKEN, Outcome.QUOTA, Outcome.CERTIFICATE):
        assert wait_before_next_try(outcome, tries=1) is None
