"""How to send events, in several languages, ready to copy."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Snippet(NamedTuple):
    """`install` is a command, `code` what follows; both are the same in every human language."""

    name: str | Promise
    install: str
    code: str


class Family(NamedTuple):
    """The snippets of clients that speak one protocol."""

    name: str | Promise
    snippets: tuple[Snippet, ...]


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


_RUDDER = """import rudderstack.analytics as analytics

analytics.write_key = "{key}"
analytics.dataPlaneUrl = "{url}"
analytics.track("user-42", "Order Completed", {{"revenue": 128.5, "sku": "tea"}})
analytics.flush()"""

_JITSU = """import {{ jitsuAnalytics }} from '@jitsu/js'

const jitsu = jitsuAnalytics({{ host: '{url}', writeKey: '{key}' }})
jitsu.identify('user-42', {{ plan: 'pro' }})
jitsu.track('Order Completed', {{ revenue: 128.5, sku: 'tea' }})"""

_SENSORS_BROWSER = """import sensors from 'sa-sdk-javascript'

sensors.init({{ server_url: '{url}/sa?token={key}', is_track_single_page: true }})
sensors.quick('autoTrack')
sensors.login('user-42')
sensors.track('OrderCompleted', {{ revenue: 128.5, sku: 'tea' }})"""

_SENSORS_MINI = """// app.js (request 合法域名: {host})
import sensors from 'sa-sdk-miniprogram'

sensors.setPara({{ server_url: '{url}/sa?token={key}', autoTrack: {{ appLaunch: true, appShow: true, pageShow: true }} }})
sensors.init()
sensors.login('user-42')
sensors.track('OrderCompleted', {{ revenue: 128.5, sku: 'tea' }})"""

_SENSORS_PYTHON = """import sensorsanalytics

consumer = sensorsanalytics.BatchConsumer("{url}/sa?token={key}")
sa = sensorsanalytics.SensorsAnalytics(consumer)
sa.track("user-42", "OrderCompleted", {{"revenue": 128.5, "sku": "tea"}}, is_login_id=True)
sa.close()"""


def snippets(url: str, key: str = "YOUR_WRITE_KEY") -> tuple[Family, ...]:
    """How to send to the collector at `url`."""
    parts = urlsplit(url)
    values = {"url": url, "key": key, "host": parts.netloc, "scheme": parts.scheme}

    def made(name: str | Promise, install: str, code: str) -> Snippet:
        return Snippet(name, install, code.format(**values))

    return (
        Family("Bihuan", (made("curl", "", _EVENTS),)),
        Family(
            _("Sensors Analytics"),
            (
                made(_("Browser"), "npm install sa-sdk-javascript", _SENSORS_BROWSER),
                made(_("WeChat mini program"), "npm install sa-sdk-miniprogram", _SENSORS_MINI),
                made("Python", "pip install SensorsAnalyticsSDK", _SENSORS_PYTHON),
            ),
        ),
        Family(
            "Segment, RudderStack, Jitsu",
            (
                made("Segment: Python", "pip install segment-analytics-python", _PYTHON),
                made("Segment: Node", "npm install @segment/analytics-node", _NODE),
                made(_("Segment: browser"), "npm install @segment/analytics-next", _BROWSER),
                made("RudderStack: Python", "pip install rudder-sdk-python", _RUDDER),
                made(_("Jitsu: browser and Node"), "npm install @jitsu/js", _JITSU),
                made("Segment: curl", "", _CURL),
            ),
        ),
        Family(
            "PostHog",
            (
                made(_("Browser"), "npm install posthog-js", _POSTHOG_BROWSER),
                made("Python", "pip install posthog", _POSTHOG_PYTHON),
                made("Node", "npm install posthog-node", _POSTHOG_NODE),
            ),
        ),
    )
