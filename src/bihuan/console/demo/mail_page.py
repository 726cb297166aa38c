"""The page on which the demo shows the mails that Bihuan sent to the shop's people."""

from __future__ import annotations

import html
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from zoneinfo import ZoneInfo

from bihuan.console.demo.mail import A_PAGE, Mail, Mailbox
from bihuan.console.demo.shop import ZONE

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'"
FRAME_POLICY = "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox"


def show(mailbox: Mailbox, host: str, port: int) -> ThreadingHTTPServer:
    """Serve the page of mails from a thread; returns the server."""

    class Page(_Page):
        box = mailbox

    server = ThreadingHTTPServer((host, port), Page)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="mail page", daemon=True).start()
    return server


class _Page(BaseHTTPRequestHandler):
    """`/` the list, `/<number>` one mail, `/<number>/html` what its frame holds."""

    box: Mailbox

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        number, _, rest = parts.path.strip("/").partition("/")
        if not number:
            self._answer(_list_page(self.box, query.get("q", ""), _number(query.get("before", ""))))
            return
        mail = self.box.get(_number(number))
        if mail is None:
            self._answer(_page("Not here 没有这封邮件", "<p><a href='/'>All mails 全部邮件</a></p>"), 404)
        elif rest == "html":
            self._answer(f'<base target="_blank">{mail.part("html")}', policy=FRAME_POLICY)
        else:
            self._answer(_mail_page(mail))

    def _answer(self, page: str, status: int = 200, policy: str = PAGE_POLICY) -> None:
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the demo's log is about Bihuan."""


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 18 else 0


STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 14%, transparent); }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem;
  font: 15px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", sans-serif; }
h1 { font-size: 1.3rem; margin: 0 0 .2rem; } p.note { opacity: .7; margin: 0 0 1.2rem; }
a { color: inherit; text-decoration: none; } a:hover { text-decoration: underline; }
ul { list-style: none; padding: 0; margin: 1rem 0; border-top: 1px solid var(--line); }
li a { display: grid; grid-template-columns: 11rem 1fr auto; gap: 1rem; padding: .55rem .3rem; border-bottom: 1px solid var(--line); }
li a:hover { background: var(--line); text-decoration: none; } .dim { opacity: .65; white-space: nowrap; }
input { font: inherit; color: inherit; background: transparent; width: min(100%, 24rem);
  padding: .4rem .7rem; border: 1px solid var(--line); border-radius: .4rem; }
iframe { width: 100%; height: 70vh; border: 1px solid var(--line); border-radius: .5rem; background: white; }
pre { white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { opacity: .65; } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { li a { grid-template-columns: 1fr; gap: 0; } }
"""


def _page(title: str, body: str) -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><style>{STYLE}</style><body>{body}</body></html>"""


def _list_page(box: Mailbox, search: str, before: int) -> str:
    mails = box.newest(search, before)
    rows = "".join(
        f'<li><a href="/{number}"><span class="dim">{html.escape(recipient)}</span><span>{html.escape(subject)}</span>'
        f'<span class="dim">{_time(at)}</span></a></li>'
        for number, at, recipient, subject in mails
    )
    none = "<li><a>Nothing has come yet: launch a campaign in Bihuan. 还没有邮件：请在 Bihuan 里启动一个活动。</a></li>"
    older = f'<p><a href="/?q={quote(search)}&amp;before={mails[-1][0]}">Older 更早 →</a></p>' if len(mails) == A_PAGE else ""
    return _page(
        "Demo mailbox 演示邮箱",
        "<h1>Demo mailbox <span lang='zh'>演示邮箱</span></h1>"
        "<p class='note'>Every mail that the demo's Bihuan sends ends here; none leaves this machine."
        "<br><span lang='zh'>演示中发出的每封邮件都到这里，不会离开本机。</span></p>"
        f"<form><input name='q' type='search' placeholder='Search 搜索' aria-label='Search 搜索' "
        f"value='{html.escape(search, quote=True)}'></form>"
        f"<ul>{rows or none}</ul>{older}",
    )


def _mail_page(mail: Mail) -> str:
    wanted = ("From", "Reply-To", "To", "Date", "List-Unsubscribe")
    heads = "".join(f"<dt>{name}</dt><dd>{html.escape(str(mail.message[name]))}</dd>" for name in wanted if mail.message[name])
    frame = (
        f'<iframe src="/{mail.id}/html" title="{html.escape(mail.subject, quote=True)}"'
        ' sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>'
        "<p class='note'>Looking at a mail here loads its pictures, and so counts as opening it."
        " <span lang='zh'>在这里查看邮件会加载图片，等同于打开邮件。</span></p>"
    )
    text = f"<h2>Text 纯文本</h2><pre>{html.escape(mail.part('plain'))}</pre>"
    return _page(
        mail.subject,
        f"<p><a href='/'>← All mails 全部邮件</a></p><h1>{html.escape(mail.subject)}</h1><dl>{heads}</dl>"
        f"{frame if mail.part('html') else ''}{text if mail.part('plain') else ''}",
    )


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, ZoneInfo(ZONE)):%m-%d %H:%M}"
