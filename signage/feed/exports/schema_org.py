"""The office for search engines, as JSON-LD in the page: what it is and when it is open.

No live value: what a search engine keeps would grow old there. Source: schema.org 29.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from markupsafe import Markup

from models.calendar import Calendar
from models.site import Hours, Site, days_of
from signage.feed.exports.place import name_of

TYPE = "application/ld+json"

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_AHEAD = 60  # days whose holidays are told
_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def json_ld(site: Site, language: str, now: datetime) -> Markup:
    """The content of a `<script type="application/ld+json">`.

    It is data that no browser runs, so a strict Content-Security-Policy lets it stand; nothing in
    it can end the element.
    """
    said = msgspec.json.encode(office(site, language, now)).decode()
    return Markup(said.translate(_ESCAPED))  # noqa: S704  escaped


def office(site: Site, language: str, now: datetime) -> dict[str, Any]:
    """A `GovernmentOffice` with its hours, the holidays to come, its services and car parks."""
    table, calendar = site.site, Calendar(site)
    made: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "GovernmentOffice",
        "name": name_of(table.name, language, site.id),
        "openingHoursSpecification": [_hours(hours) for hours in table.hours],
        "specialOpeningHoursSpecification": _closed(site, now),
        "makesOffer": [
            {
                "@type": "Offer",
                "itemOffered": {
                    "@type": "GovernmentService",
                    "name": name_of(service.name, language, service.id),
                },
            }
            for service in site.services
            if calendar.is_shown(service.id, calendar.day_of(now))
        ],
        "containsPlace": [
            {
                "@type": "ParkingFacility",
                "name": name_of(lot.name, language, lot.id),
                "openingHoursSpecification": [_hours(h) for h in lot.hours or table.hours],
                "additionalProperty": {
                    "@type": "PropertyValue",
                    "name": "capacity",
                    "value": lot.capacity,
                },
            }
            for lot in site.car_parks
        ],
    }
    if table.url:
        made |= {"@id": table.url, "url": table.url}
    location = table.location
    if location is not None:
        longitude, latitude = location
        made["geo"] = {"@type": "GeoCoordinates", "latitude": latitude, "longitude": longitude}
    return made


def _hours(hours: Hours) -> dict[str, Any]:
    days = sorted(days_of(hours.days))
    return {
        "@type": "OpeningHoursSpecification",
        "dayOfWeek": [_DAYS[day] for day in days],
        "opens": hours.open,
        "closes": hours.close.replace("24:00", "23:59"),
    }


def _closed(site: Site, now: datetime) -> list[dict[str, Any]]:
    """Holidays on days that are else open: from midnight to midnight is not at all."""
    calendar = Calendar(site)
    today = calendar.day_of(now)
    weekdays = {day for hours in site.site.hours for day in days_of(hours.days)}
    coming = (today + timedelta(days=n) for n in range(_AHEAD))
    return [
        {
            "@type": "OpeningHoursSpecification",
            "opens": "00:00",
            "closes": "00:00",
            "validFrom": day.isoformat(),
            "validThrough": day.isoformat(),
        }
        for day in coming
        if day.weekday() in weekdays and calendar.is_holiday(day)
    ]
