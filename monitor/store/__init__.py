"""What is remembered: feeds, articles, stories, deliveries, labels. The only room that knows SQL."""

from monitor.store.store import Store

__all__ = ["Store"]
