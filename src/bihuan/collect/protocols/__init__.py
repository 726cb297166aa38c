"""One file for each protocol that clients speak; each has its `ROUTES`."""

from bihuan.collect.protocols import events, jitsu, posthog, segment, sensors, web

PROTOCOLS = (events, segment, posthog, sensors, jitsu, web)
