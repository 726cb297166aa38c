"""The words that Bihuan itself adds to a message, in the message's language (not the reader's: there is no reader yet)."""

from __future__ import annotations

FOOTER = {
    "en": ("You get this e-mail because you are our customer.", "Unsubscribe"),
    "zh-hans": ("您收到这封邮件，因为您是我们的用户。", "退订"),
}
