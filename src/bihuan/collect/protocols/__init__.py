"""One file for each protocol that clients speak; each has its `ROUTES`."""

from bihuan.collect.protocols import events, ga4, jitsu, posthog, segment, sensors, web, webhooks

PROTOCOLS = (events, ga4, segment, posthog, sensors, jitsu, web, webhooks)
