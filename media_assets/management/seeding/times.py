"""When people submit: working hours, weekdays, a little more each month; and how many at once."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate

from django.utils import timezone

from media_assets.management.seeding import texts

DAYS = 365
GROWTH = 0.5
WEEKDAYS = (1.0, 1.1, 1.1, 1.05, 0.95, 0.35, 0.12)  # from Monday
HOURS = (
    *(0.02, 0.01, 0.01, 0.01, 0.01, 0.05, 0.2, 0.8, 1.8, 2.2, 2.3, 2.0),
    *(1.2, 1.3, 2.0, 2.2, 2.0, 1.5, 0.8, 0.4, 0.3, 0.2, 0.1, 0.05),
)
SIZES = ((1, 1), (2, 10), (11, 50), (51, 200))
SIZE_SHARES = (0.35, 0.70, 0.90, 1.0)
CAMPAIGNS = 150
WITHOUT_CAMPAIGN = 0.08


@dataclass(frozen=True)
class Campaign:
    name: str
    first_day: int
    last_day: int


def submissions(
    uploads: int, *, until: datetime, rng: random.Random
) -> Iterator[tuple[datetime, int]]:
    """When each batch is submitted, oldest first, and how many files it has; `uploads` in all."""
    sizes = list(_sizes(uploads, rng))
    # so that the latest is over when the seed is: nothing is submitted in the future
    moments = sorted(_moments(len(sizes), until=until - timedelta(minutes=15), rng=rng))
    yield from zip(moments, sizes, strict=True)


def campaigns(*, until: datetime, rng: random.Random) -> list[list[str]]:
    """The names of the campaigns that run on each of the 365 days, oldest day first."""
    first = _first_day(until)
    made = []
    for number in range(CAMPAIGNS):
        begin = number * DAYS // CAMPAIGNS
        month = first + timedelta(days=begin)
        theme, product = rng.choice(texts.THEMES), rng.choice(texts.PRODUCTS)
        name = f"{theme} {product} · {texts.MONTHS[month.month - 1]} {month.year}"
        if number % 15 == 7:
            name = f"{texts.EVERGREEN[number // 15 % len(texts.EVERGREEN)]} {month.year}"
        made.append(Campaign(name, begin, begin + rng.randint(7, 45)))
    return [
        [one.name for one in made if one.first_day <= day <= one.last_day] for day in range(DAYS)
    ]


def day_of(at: datetime, *, until: datetime) -> int:
    """Which of the 365 days it is."""
    local = timezone.localtime(at)
    return min(max((local.date() - _first_day(until).date()).days, 0), DAYS - 1)


def _first_day(until: datetime) -> datetime:
    midnight = datetime.combine(timezone.localtime(until).date(), time.min)
    return midnight - timedelta(days=DAYS - 1)


def _sizes(uploads: int, rng: random.Random) -> Iterator[int]:
    left = uploads
    while left:
        ((least, most),) = rng.choices(SIZES, cum_weights=SIZE_SHARES)
        size = min(rng.randint(least, most), left)
        left -= size
        yield size


def _moments(count: int, *, until: datetime, rng: random.Random) -> Iterator[datetime]:
    first = _first_day(until)
    days = [first + timedelta(days=day) for day in range(DAYS)]
    per_day = list(
        accumulate(
            WEEKDAYS[day.weekday()] * (1 + GROWTH * place / DAYS) for place, day in enumerate(days)
        )
    )
    per_hour = list(accumulate(HOURS))
    midnights = [timezone.make_aware(day).astimezone(UTC) for day in days]
    while count:
        (midnight,) = rng.choices(midnights, cum_weights=per_day)
        (hour,) = rng.choices(range(24), cum_weights=per_hour)
        at = midnight + timedelta(hours=hour, microseconds=rng.randrange(3_600_000_000))
        if at <= until:
            count -= 1
            yield at
