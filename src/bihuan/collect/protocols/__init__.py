"""One file for each protocol that clients speak; each has its `ROUTES`."""

from bihuan.collect.protocols import events, posthog, segment

PROTOCOLS = (events, segment, posthog)
