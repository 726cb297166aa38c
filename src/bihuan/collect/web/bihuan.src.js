/*
 * Bihuan in the browser: sees what happens on a page, keeps it until the collector has it on disk. No dependencies.
 * How it is used and what it sends: docs/collect-web.md. `python -m bihuan.collect.web.build` makes bihuan.js of it by dropping
 * comments, blank lines and indentation; so comments stand on lines of their own, and no text runs over several lines.
 */
(() => {
  'use strict';
  const early = window.bihuan;
  const script = document.currentScript || document.querySelector('script[data-key][src*="bihuan"]');
  if (!script || (early && early.loaded)) return;

  const option = script.dataset;
  const cookieless = 'cookieless' in option;
  const endpoint = (option.host || script.src.split('?')[0].replace(/\/[^/]*$/, '')) + '/web' + (cookieless ? '?visitor=day' : '');
  const idle = (+option.session || 30) * 60000;
  const wanted = ('auto' in option ? option.auto : 'pageviews clicks downloads leave vitals').split(/[\s,]+/);
  const files = (option.downloads || 'pdf docx? xlsx? pptx? csv txt zip rar 7z gz dmg pkg exe msi apk ipa mp3 mp4').split(/[\s,]+/).join('|');
  const download = new RegExp('[^/]*\\.(' + files + ')$', 'i');
  const PREFIX = 'bihuan:' + option.key + ':';
  const CHOICE = 'bihuan.choice';
  const MOST_KEPT = 500;
  const CAMPAIGN = ('utm_source utm_medium utm_campaign utm_term utm_content utm_id ' +
    'gclid gbraid wbraid dclid msclkid fbclid ttclid twclid li_fat_id yclid bd_vid gdt_vid qz_gdt qhclickid clickid click_id').split(' ');

  const uuid = () => '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));
  const wants = (what) => wanted.includes(what);
  const hidden = () => document.visibilityState === 'hidden';
  const on = (target, name, does) => target.addEventListener(name, does, { capture: true, passive: true });

  // What the browser keeps: nothing at all in cookieless mode, but for a visitor's own choice.

  const stored = (name, value) => {
    try {
      if (value === undefined) return localStorage.getItem(name);
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, value);
    } catch (error) {
      // No storage here, or it is full: what is in memory has to do.
    }
  };

  let chosen = stored(CHOICE);
  const private_ = option.dnt !== 'ignore' && (navigator.doNotTrack === '1' || window.doNotTrack === '1' || navigator.globalPrivacyControl);
  const off = () => (chosen = stored(CHOICE) || chosen) ? chosen === 'out' : private_ || 'consent' in option;

  // The visitor: a (anonymous id), u (user), s (session), t (last active), c (campaign of the session).
  let visitor = {};

  const cookie = (name, text, seconds, domain) => {
    document.cookie = name + '=' + text + '; path=/; samesite=lax; max-age=' + seconds + (location.protocol === 'https:' ? '; secure' : '') + (domain ? '; domain=' + domain : '');
  };

  // The widest domain that takes cookies, so that subdomains share a visitor.
  let domain = option.domain;
  const widest = () => {
    const parts = location.hostname.split('.');
    for (let n = 2; n <= parts.length && !domain; n++) {
      const tried = parts.slice(-n).join('.');
      cookie('bihuan_try', 1, 9, tried);
      domain = document.cookie.includes('bihuan_try=1') ? tried : '';
      cookie('bihuan_try', 1, 0, tried);
    }
    domain = domain || '';
  };

  const recall = () => {
    const found = !cookieless && document.cookie.match(/(?:^|; )bihuan=([^;]*)/);
    try {
      if (found) visitor = JSON.parse(decodeURIComponent(found[1]));
    } catch (error) {
      // Somebody else's cookie of this name: a new visitor.
    }
  };

  const remember = (seconds = 31536000) => {
    if (cookieless) return;
    if (domain === undefined) widest();
    cookie('bihuan', encodeURIComponent(JSON.stringify(visitor)), seconds, domain);
  };

  // Where the visit came from: the address's campaign and click ids, and the other site that led here.
  const arrived = () => {
    const source = {};
    const query = new URLSearchParams(location.search);
    query.forEach((value, name) => {
      if (value && CAMPAIGN.includes(name)) source[name] = value.slice(0, 200);
    });
    const campaign = Object.keys(source).length > 0;
    const from = document.referrer.split('/');
    if (from[2] && from[2] !== location.host) {
      source.referrer = from[2].replace(/:\d+$/, '');
      source.referrer_url = document.referrer.split(/[?#]/)[0].slice(0, 200);
    }
    return { source, campaign };
  };
  let arrival = arrived();

  // Somebody does something now: the visitor and the session that it belongs to.
  const active = () => {
    const now = Date.now();
    recall();
    if (!cookieless && !visitor.a) {
      visitor = { a: uuid(), u: visitor.u };
      visitor.f = 1;
    }
    if (!visitor.s || now - visitor.t > idle) {
      visitor.s = uuid();
      visitor.c = arrival ? arrival.source : {};
    } else if (arrival && arrival.campaign) visitor.c = arrival.source;
    arrival = null;
    visitor.t = now;
    remember();
  };

  // What is to be sent: [name in the storage, JSON of the event], the oldest first. Several tabs may send the same: it counts once.

  let queue = [];
  let timer = 0;
  let sending = false;
  let failures = 0;

  const forget = (items) => {
    queue = queue.filter((item) => !items.includes(item));
    if (!cookieless) items.forEach((item) => stored(item[0], null));
  };

  const keep = (event) => {
    const item = [PREFIX + Date.now().toString(36) + event.id, JSON.stringify(event)];
    queue.push(item);
    if (!cookieless && item[1].length < 9999) stored(item[0], item[1]);
    if (queue.length > MOST_KEPT) forget(queue.slice(0, -MOST_KEPT));
    if (!timer && !failures) timer = setTimeout(flush, 250);
  };

  // What other tabs, earlier pages and days without a line have left.
  const adopt = () => {
    if (cookieless) return;
    try {
      Object.keys(localStorage).forEach((name) => {
        if (name.startsWith(PREFIX) && !queue.some((item) => item[0] === name)) queue.push([name, stored(name)]);
      });
    } catch (error) {
      return;
    }
    queue.sort((one, other) => (one[0] < other[0] ? -1 : 1));
  };

  // The next events to send together; a beacon may have 64 KB.
  const next = (from) => {
    let size = 0;
    let end = from;
    while (end < queue.length && end < from + 50 && (end === from || size + queue[end][1].length < 15000)) size += queue[end++][1].length;
    return queue.slice(from, end);
  };

  const body = (items) => '{"key":' + JSON.stringify(option.key) + ',"sent_at":"' + new Date().toISOString() + '","events":[' + items.map((item) => item[1]).join() + ']}';

  function flush() {
    clearTimeout(timer);
    timer = 0;
    if (sending || !queue.length || off()) return;
    sending = true;
    const items = next(0);
    const text = body(items);
    const stop = new AbortController();
    const patience = setTimeout(() => stop.abort(), 15000);
    const again = (after) => {
      failures = Math.min(failures + 1, 6);
      timer = setTimeout(flush, Math.max(after * 1000, 2 ** failures * (500 + Math.random() * 500)));
    };
    fetch(endpoint, { method: 'POST', body: text, keepalive: !failures && text.length < 20000, credentials: 'omit', signal: stop.signal })
      .then((answer) => {
        // An answer that nobody reads goes on counting against the 64 KB that a page may have under way with keepalive.
        answer.text().catch(() => 0);
        if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return again(+answer.headers.get('retry-after') || 0);
        if (!answer.ok) console.warn('bihuan: refused with ' + answer.status);
        forget(items);
        failures = 0;
        if (queue.length) timer = setTimeout(flush);
      })
      .catch(() => again(0))
      .then(() => {
        clearTimeout(patience);
        sending = false;
      });
  }

  // The page goes away. Nobody will hear what becomes of a beacon, so the storage keeps what it holds until an answer comes to a later page.
  const beacon = () => {
    if (off() || !navigator.sendBeacon) return;
    for (let from = 0, items; (items = next(from)).length; from += items.length) {
      if (!navigator.sendBeacon(endpoint, body(items))) return;
    }
    if (cookieless) queue = [];
  };

  // The view of a page.

  const address = () => location.pathname + ('hash' in option ? location.hash : '');
  let view;
  let gone = false;

  const look = (properties) => {
    const at = address();
    view = { id: uuid(), at, page: { host: location.hostname, path: at, title: document.title }, since: performance.now(), seen: 0, depth: 0 };
    reach();
    if (properties) send('$pageview', properties, 0, view.id);
  };

  const reach = () => {
    const root = document.documentElement;
    view.depth = Math.max(view.depth, Math.min(100, Math.round(((window.scrollY + window.innerHeight) / Math.max(root.scrollHeight, 1)) * 100)));
  };

  // Visible time since this was last asked; a stretch as long as a session is a forgotten screen.
  const spend = () => {
    const now = performance.now();
    view.seen += gone || view.away ? 0 : Math.min(now - view.since, idle);
    view.since = now;
  };

  const leave = () => {
    spend();
    if (!wants('leave') || !view.session || (view.left && view.seen < 100 && view.depth <= view.left)) return;
    send('$pageleave', { seconds_visible: Math.round(view.seen / 100) / 10, scroll_depth: view.depth }, view);
    view.left = view.depth;
    view.seen = 0;
  };

  const moved = () => {
    if (wants('pageviews') && address() !== view.at) {
      leave();
      const now = arrived();
      if (now.campaign) arrival = now;
      look({});
    }
  };

  // One event. What a view says when it ends is no activity of the visitor: it belongs to the session of the view.
  const send = (name, properties, ended, id) => {
    if (off()) return;
    if (!ended) {
      if (!id && name) moved();
      active();
      if (id) view.session = visitor.s;
    }
    const session = ended ? ended.session : visitor.s;
    const event = { event: name, id: id || uuid(), time: new Date().toISOString(), anonymous: visitor.a, user: visitor.u };
    if (name) {
      const about = (ended || view).page;
      const page = Object.assign({}, about, id ? {} : { title: undefined });
      const more = { session_id: cookieless ? undefined : session, view_id: (ended || view).id, locale: navigator.language, screen: screen.width + 'x' + screen.height };
      event.properties = Object.assign(page, more, visitor.c, properties);
    } else Object.assign(event, { type: 'identify', person: properties });
    if (visitor.f) {
      const first = { first_host: view.page.host, first_path: view.page.path };
      Object.keys(visitor.c).forEach((key) => (first['first_' + key] = visitor.c[key]));
      event.person = Object.assign({ set_once: first }, event.person);
      delete visitor.f;
      remember();
    }
    keep(event);
  };

  // Web Vitals, by their definitions on web.dev.

  const vitals = {};
  const reported = {};
  const observers = [];
  let cls = { worst: 0, value: 0, first: 0, last: 0 };
  let slow = [];
  let ids = [Infinity, 0];
  let firstHidden = hidden() ? 0 : Infinity;

  const watch = (type, take, more) => {
    try {
      const observer = new PerformanceObserver((list) => list.getEntries().forEach(take));
      observer.observe(Object.assign({ type, buffered: true }, more));
      observers.push(() => observer.takeRecords().forEach(take));
    } catch (error) {
      // This browser does not measure it.
    }
  };

  const measure = () => {
    const navigation = performance.getEntriesByType('navigation')[0] || {};
    const begin = navigation.activationStart || 0;
    const was = performance.getEntriesByType('visibility-state').filter((entry) => entry.name === 'hidden')[0];
    if (was) firstHidden = Math.min(firstHidden, was.startTime);
    if (navigation.responseStart > 0) vitals.ttfb = Math.max(navigation.responseStart - begin, 0);
    watch('paint', (entry) => {
      if (entry.name === 'first-contentful-paint' && entry.startTime < firstHidden) vitals.fcp = Math.max(entry.startTime - begin, 0);
    });
    watch('largest-contentful-paint', (entry) => {
      if (entry.startTime < firstHidden) vitals.lcp = Math.max(entry.startTime - begin, 0);
    });
    watch('layout-shift', (entry) => {
      if (entry.hadRecentInput) return;
      const at = entry.startTime;
      if (!(cls.value && at - cls.last < 1000 && at - cls.first < 5000)) Object.assign(cls, { value: 0, first: at });
      cls.value += entry.value;
      cls.last = at;
      cls.worst = Math.max(cls.worst, cls.value);
    });
    const interaction = (entry) => {
      const id = entry.interactionId;
      if (!id && entry.entryType !== 'first-input') return;
      if (id) ids = [Math.min(ids[0], id), Math.max(ids[1], id)];
      const known = slow.find((one) => (id ? one.id === id : one.at === entry.startTime));
      if (known) known.lasted = Math.max(known.lasted, entry.duration);
      else slow.push({ id, at: entry.startTime, lasted: entry.duration });
      slow.sort((one, other) => other.lasted - one.lasted);
      slow = slow.slice(0, 10);
    };
    watch('event', interaction, { durationThreshold: 40 });
    watch('first-input', interaction);
  };

  const report = () => {
    if (!wants('vitals') || !landing.session) return;
    observers.forEach((take) => take());
    if (vitals.fcp && window.LayoutShift) vitals.cls = cls.worst;
    // One in fifty interactions may be worse: a long visit is not judged by its single worst moment.
    const count = performance.interactionCount || (ids[1] ? (ids[1] - ids[0]) / 7 + 1 : 0);
    if (slow.length) vitals.inp = slow[Math.min(slow.length - 1, Math.floor(count / 50))].lasted;
    const changed = {};
    Object.keys(vitals).forEach((name) => {
      const parts = name === 'cls' ? 10000 : 1;
      const value = Math.round(vitals[name] * parts) / parts;
      if (reported[name] !== value) changed[name] = reported[name] = value;
    });
    if (!Object.keys(changed).length) return;
    if (landing.reported) changed.update = true;
    landing.reported = true;
    send('$web_vitals', changed, landing);
  };

  // Clicks that lead away, and files.

  const readable = (path) => {
    try {
      return decodeURI(path);
    } catch (error) {
      return path;
    }
  };

  const clicked = (click) => {
    const target = click.composedPath()[0];
    const link = target.closest && target.closest('a[href]');
    if (!link || !/^https?:$/.test(link.protocol) || click.button > 1) return;
    const file = download.exec(link.pathname);
    const about = { link_url: (link.origin + link.pathname).slice(0, 500), link_host: link.hostname, link_text: link.textContent.trim().slice(0, 100) };
    if (file && wants('downloads')) send('$file_download', Object.assign(about, { file_name: readable(file[0]), file_type: file[1].toLowerCase() }));
    else if (link.host !== location.host && wants('clicks')) send('$outbound_click', about);
  };

  // What pages call: bihuan('track', 'Order Completed', { revenue: 128.5 }).

  const commands = {
    track: (name, properties) => send(String(name), properties),
    page: (properties) => {
      leave();
      look(properties || {});
    },
    identify: (user, traits) => {
      if (off()) return;
      recall();
      visitor.u = user === undefined || user === null ? visitor.u : String(user);
      if (cookieless && !visitor.u) return;
      send(undefined, traits ? { set: traits } : undefined);
    },
    reset: () => {
      visitor = {};
      if (off()) return;
      remember();
      active();
    },
    optOut: () => {
      stored(CHOICE, (chosen = 'out'));
      visitor = {};
      adopt();
      forget(queue);
      remember(0);
    },
    optIn: () => {
      const was = off();
      stored(CHOICE, (chosen = 'in'));
      if (was && landing) begin();
    },
  };

  const run = (call) => {
    try {
      const [name, ...given] = call;
      commands[name](...given);
    } catch (error) {
      console.error('bihuan:', error);
    }
  };

  window.bihuan = (...call) => run(call);
  bihuan.loaded = true;

  // From the first view on.

  let landing;
  const begin = () => {
    adopt();
    look(wants('pageviews') && {});
    landing = view;
    if (queue.length && !timer) timer = setTimeout(flush, 250);
  };

  const listen = () => {
    ['pushState', 'replaceState'].forEach((name) => {
      const real = history[name];
      history[name] = function () {
        const result = real.apply(this, arguments);
        setTimeout(moved);
        return result;
      };
    });
    on(window, 'popstate', () => setTimeout(moved));
    on(window, 'hashchange', () => setTimeout(moved));
    on(window, 'scroll', reach);
    on(document, 'click', clicked);
    on(document, 'auxclick', clicked);
    on(window, 'online', () => {
      failures = 0;
      flush();
    });
    on(document, 'visibilitychange', () => {
      if (gone) return;
      if (hidden()) {
        firstHidden = Math.min(firstHidden, performance.now());
        report();
        leave();
        view.away = true;
      } else {
        spend();
        view.away = false;
      }
      flush();
    });
    on(window, 'pagehide', () => {
      report();
      leave();
      gone = true;
      beacon();
    });
    on(window, 'pageshow', (event) => {
      if (!event.persisted) return;
      gone = false;
      look(wants('pageviews') && {});
      flush();
    });
  };

  const start = () => {
    const calls = (early && early.q) || [];
    const later = (call) => /^(track|page)$/.test(call[0]);
    look();
    calls.filter((call) => !later(call)).forEach(run);
    begin();
    listen();
    if (wants('vitals')) measure();
    calls.filter(later).forEach(run);
  };

  if (document.prerendering) on(document, 'prerenderingchange', start);
  else start();
})();
