"""One file for each protocol that clients speak; each has its `ROUTES`."""

from bihuan.collect.protocols import posthog, segment

PROTOCOLS = (segment, posthog)
