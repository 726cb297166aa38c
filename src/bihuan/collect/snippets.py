"""How to send events, in several languages, ready to copy."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit


class Snippet(NamedTuple):
    """`install` is a command, `code` what follows; both are the same in every human language."""

    name: str
    install: str
    code: str


_PYTHON = """from segment import analytics

analytics.write_key = "{key}"
analytics.host = "{url}"
analytics.track("user-42", "Order Completed", {{"revenue": 128.5, "sku": "tea"}})
analytics.flush()"""

_NODE = """import {{ Analytics }} from '@segment/analytics-node'

const analytics = new Analytics({{ writeKey: '{key}', host: '{url}' }})
analytics.track({{ userId: 'user-42', event: 'Order Completed', properties: {{ revenue: 128.5, sku: 'tea' }} }})
await analytics.closeAndFlush()"""

_BROWSER = """import {{ AnalyticsBrowser }} from '@segment/analytics-next'

const analytics = AnalyticsBrowser.load(
  {{ writeKey: '{key}', cdnURL: '{url}' }},
  {{ integrations: {{ 'Segment.io': {{ apiHost: '{host}/v1', protocol: '{scheme}' }} }} }}
)
analytics.page()
analytics.identify('user-42', {{ plan: 'pro' }})"""

_POSTHOG_BROWSER = """import posthog from 'posthog-js'

posthog.init('{key}', {{ api_host: '{url}' }})
posthog.capture('Order Completed', {{ revenue: 128.5, sku: 'tea' }})
posthog.identify('user-42', {{ plan: 'pro' }})"""

_POSTHOG_PYTHON = """from posthog import Posthog

posthog = Posthog("{key}", host="{url}")
posthog.capture("Order Completed", distinct_id="user-42", properties={{"revenue": 128.5, "sku": "tea"}})
posthog.shutdown()"""

_POSTHOG_NODE = """import {{ PostHog }} from 'posthog-node'

const posthog = new PostHog('{key}', {{ host: '{url}' }})
posthog.capture({{ distinctId: 'user-42', event: 'Order Completed', properties: {{ revenue: 128.5, sku: 'tea' }} }})
await posthog.shutdown()"""

_EVENTS = """curl {url}/events -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
  -d '{{"event": "Order Completed", "id": "order-1001", "user": "user-42", "properties": {{"revenue": 128.5, "sku": "tea"}}}}'"""

_CURL = """curl {url}/v1/track -u {key}: -H 'Content-Type: application/json' \\
  -d '{{"event": "Order Completed", "userId": "user-42", "messageId": "order-1001", "properties": {{"revenue": 128.5}}}}'"""


def snippets(url: str, key: str = "YOUR_WRITE_KEY") -> tuple[Snippet, ...]:
    """How to send to the collector at `url`."""
    parts = urlsplit(url)
    values = {"url": url, "key": key, "host": parts.netloc, "scheme": parts.scheme}
    return (
        Snippet("curl", "", _EVENTS.format(**values)),
        Snippet("Python", "pip install segment-analytics-python", _PYTHON.format(**values)),
        Snippet("Node", "npm install @segment/analytics-node", _NODE.format(**values)),
        Snippet("Browser", "npm install @segment/analytics-next", _BROWSER.format(**values)),
        Snippet("PostHog: Browser", "npm install posthog-js", _POSTHOG_BROWSER.format(**values)),
        Snippet("PostHog: Python", "pip install posthog", _POSTHOG_PYTHON.format(**values)),
        Snippet("PostHog: Node", "npm install posthog-node", _POSTHOG_NODE.format(**values)),
        Snippet("curl: Segment", "", _CURL.format(**values)),
    )
