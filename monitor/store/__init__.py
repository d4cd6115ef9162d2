"""What is remembered: feeds, articles, stories, deliveries, labels, persons. The only room that knows SQL."""

from monitor.store.people import People
from monitor.store.review import Review
from monitor.store.store import Store

__all__ = ["People", "Review", "Store"]
