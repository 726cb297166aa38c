// Charts: the option that the server gives is data; here it is dressed in the page's language and theme, and drawn by Apache ECharts.
(() => {
  const script = document.currentScript;

  const loading = {};
  const loaded = (name, address) =>
    (loading[name] ??= new Promise((resolve, reject) => {
      const tag = document.createElement("script");
      tag.src = address;
      tag.onload = () => resolve(window[name]);
      tag.onerror = reject;
      document.head.append(tag);
    }));
  const echarts = () => loaded("echarts", script.dataset.echarts);
  const onMap = async (library, option) => (await loaded("bihuanMaps", script.dataset.maps))(library, option, script.dataset.world);

  const PALETTE = {
    light: ["#0f766e", "#d97706", "#4f46e5", "#be123c", "#0284c7", "#65a30d", "#9333ea", "#64748b", "#b45309", "#0891b2"],
    dark: ["#2dd4bf", "#fbbf24", "#818cf8", "#fb7185", "#38bdf8", "#a3e635", "#c084fc", "#94a3b8", "#fdba74", "#67e8f9"],
  };
  const TEXT = { light: "#4b5563", dark: "#b6c2cf" };
  const ON_PALETTE = { light: "#ffffff", dark: "#0f1720" }; // text on a colour of the palette

  const chinese = () => document.documentElement.lang.startsWith("zh");
  const written = (style) => {
    let format; // made once: that takes longer than all the numbers of a chart
    return (value) => (format ??= new Intl.NumberFormat(chinese() ? "zh-CN" : "en", style)).format(value);
  };
  const count = written({ maximumFractionDigits: 3 });
  const short = written({ notation: "compact", maximumFractionDigits: 1 });
  const percent = written({ style: "percent", maximumFractionDigits: 1 });

  // The tooltip of a chart in which one name may have two lines (its unfinished end is dashed): each name and value once.
  const told = (write) => (points) => {
    const known = points.filter((point) => typeof point.value === "number");
    const once = known.filter((point, place) => known.findIndex((other) => other.seriesName === point.seriesName) === place);
    return [points[0].axisValueLabel, ...once.map((point) => `${point.marker} ${point.seriesName}  ${write(point.value)}`)].join("\n");
  };

  // An option is data: a formatter is named in it ("count", "percent"), never code; so is a colour ("palette:0", the first; "palette:text",
  // "palette:on" for text on one of these).
  const FORMATTERS = { count, short, percent, lines: told(count), shares: told(percent) };
  const COLOURED = ["color", "borderColor"]; // an event may be called "palette:0", too
  const coloured = (name, theme) => ({ text: TEXT, on: ON_PALETTE })[name]?.[theme] ?? PALETTE[theme][name % PALETTE[theme].length];
  const named = (part, theme) => {
    if (Array.isArray(part)) return part.map((each) => named(each, theme));
    if (!part || typeof part !== "object") return part;
    const each = (key, value) => {
      if ((key === "formatter" || key === "valueFormatter") && FORMATTERS[value]) return FORMATTERS[value];
      const colour = COLOURED.includes(key) && typeof value === "string" && value.startsWith("palette:");
      return colour ? coloured(value.slice(8), theme) : named(value, theme);
    };
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, each(key, value)]));
  };

  const themed = (option, theme) => {
    const dark = theme === "dark";
    const text = TEXT[theme];
    const line = dark ? "#2a3441" : "#e4e7eb";
    // Below a chart days go without their year, which the tooltip says; the first and the last keep to a chart of lines or of many bars.
    const day = (label) => String(label).replace(/^\d{4}年(?=\d+月\d+日$)/, "").replace(/^(\d+ \p{L}+) \d{4}$/u, "$1");
    const below = (one) => {
      if (one.type !== "category") return one;
      const narrow = one.data?.length > 12 && one.data.some((label) => day(label?.value ?? label).length > 7);
      const long = one.boundaryGap === false || narrow;
      return { ...one, axisLabel: { formatter: day, ...(long ? { alignMinLabel: "left", alignMaxLabel: "right" } : {}), ...one.axisLabel } };
    };
    const axis = (one) => {
      const style = {
        axisLine: { lineStyle: { color: line } },
        axisTick: { show: false },
        axisLabel: { color: text, hideOverlap: true, ...(one.type === "value" && !one.axisLabel?.formatter ? { formatter: short } : {}), ...one.axisLabel },
        splitLine: { lineStyle: { color: line }, ...(one.splitLine ?? {}) },
        nameTextStyle: { color: text },
      };
      return { ...one, ...style };
    };
    const each = (part, change) => (Array.isArray(part) ? part.map(change) : part ? change(part) : part);
    const tint = dark ? ["#14403c", "#2dd4bf"] : ["#d5ebe8", "#0f766e"];
    const visual = (one) => ({ inRange: { color: tint }, ...one, textStyle: { color: text, ...one.textStyle } });
    const drawn = (one) =>
      one.type === "map"
        ? {
            selectedMode: false,
            label: { color: dark ? "#f1f5f9" : "#1d2733", fontSize: 10 },
            emphasis: { label: { show: false }, itemStyle: { areaColor: PALETTE[theme][1] } },
            itemStyle: { areaColor: dark ? "#2a3644" : "#dfe5ea", borderColor: dark ? "#17202a" : "#ffffff", borderWidth: 0.6 },
            left: 0, right: 0, top: 8, bottom: 8, preserveAspect: true,
            ...one,
          }
        : one;
    return {
      color: PALETTE[theme],
      animation: false, // a chart is drawn once for its answer: moving into place would only be waited for
      ...option,
      backgroundColor: "transparent",
      darkMode: dark, // of labels that have no colour of their own
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: text, ...option.textStyle },
      legend: each(option.legend, (one) => ({ type: "scroll", pageTextStyle: { color: text }, ...one, textStyle: { color: text, ...one.textStyle } })),
      visualMap: each(option.visualMap, visual),
      series: each(option.series, drawn),
      xAxis: each(option.xAxis, (one) => axis(below(one))),
      yAxis: each(option.yAxis, axis),
      // Drawn on the canvas: the page's security policy allows no styles in markup.
      tooltip: option.tooltip && {
        valueFormatter: (value) => (typeof value === "number" ? count(value) : value ?? "–"),
        ...option.tooltip,
        renderMode: "richText",
        confine: true,
        backgroundColor: dark ? "#0b1117" : "#ffffff",
        borderColor: line,
        textStyle: { color: dark ? "#dde4ec" : "#1d2733", fontSize: 13 },
      },
    };
  };

  // Charts are drawn one after the other, those in view first, and the browser may paint and hear the reader in between.
  const SLICE = 80; // milliseconds until it may
  const toDraw = new Set();
  let drawing = false;
  const rest = () => new Promise((done) => setTimeout(done));
  const inView = (chart) => {
    const { top, bottom } = chart.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };
  const drawSoon = async (chart) => {
    toDraw.add(chart);
    if (drawing) return;
    drawing = true;
    await rest(); // until those that come with it are here, too
    let begun = performance.now();
    let viewing = true; // until all in view are drawn
    while (toDraw.size) {
      const seen = [...toDraw].find(inView);
      if ((viewing && !seen) || performance.now() - begun >= SLICE) {
        viewing &&= Boolean(seen);
        await rest();
        begun = performance.now();
        continue;
      }
      const next = seen ?? [...toDraw][0];
      toDraw.delete(next);
      try {
        next.draw();
      } catch (error) {
        console.error(error); // the others are drawn nevertheless
      }
    }
    drawing = false;
  };

  // How each chart looked is kept as long as its tab: who comes back to the same answer sees it at once, and the library, which takes longer
  // to read than all else of a page, is read when that is painted, or when the reader comes to a chart. A picture is of one answer, language,
  // theme and size; those of another reader are forgotten, and who is not signed in keeps none.
  const PICTURE = "bihuan.picture:";
  const READER = "bihuan.reader";
  const LONGEST = 50_000; // characters of an option whose picture is kept
  const forget = () => Object.keys(sessionStorage).forEach((key) => key.startsWith(PICTURE) && sessionStorage.removeItem(key));
  const reader = script.dataset.reader ?? "";
  if (sessionStorage.getItem(READER) !== reader) {
    forget();
    sessionStorage.setItem(READER, reader);
  }
  const keep = (key, picture) => {
    for (const clear of [forget, () => null]) {
      try {
        return sessionStorage.setItem(key, picture);
      } catch {
        clear(); // the browser keeps no more than some megabytes
      }
    }
  };
  const idle = (limit) => new Promise((done) => (window.requestIdleCallback ?? ((call) => setTimeout(call, 200)))(done, { timeout: limit }));
  const asText = (blob) =>
    new Promise((done) => {
      const file = Object.assign(new FileReader(), { onload: () => done(file.result) });
      file.readAsDataURL(blob);
    });

  class Chart extends HTMLElement {
    connectedCallback() {
      this.redraw = () => this.prepare();
      this.watch = new MutationObserver(this.redraw);
      this.watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
      this.size = new ResizeObserver(() => this.fit());
      this.size.observe(this);
      this.prepare();
    }

    // What is fetched for a chart keeps no other one waiting.
    async prepare() {
      this.text ??= this.querySelector("script")?.textContent;
      if (!this.text) return;
      if (!this.chart && !this.picture) await this.remember();
      this.option ??= JSON.parse(this.text);
      this.library = await echarts().catch(() => null);
      this.whole = this.library && (this.option.map ? await onMap(this.library, this.option).catch(() => null) : this.option);
      if (this.whole) drawSoon(this);
    }

    // Under this name a picture of the chart as it is to be drawn now is kept. It is long, so it is made once for each look.
    get remembered() {
      const { lang, dataset } = document.documentElement;
      const look = [lang, dataset.bsTheme, this.clientWidth, this.clientHeight, devicePixelRatio].join(" ");
      if (look !== this.look) [this.look, this.key] = [look, `${PICTURE}${look} ${this.text}`];
      return this.key;
    }

    // Show the picture, if there is one, until there is time to draw the chart or the reader wants to do something with it.
    async remember() {
      const src = reader && sessionStorage.getItem(this.remembered);
      if (!src) return;
      this.picture = this.appendChild(Object.assign(new Image(), { className: "bh-chart-picture", alt: "", src }));
      await this.picture.decode().catch(() => null);
      this.dataset.pictured = "true";
      const wanted = new Promise((done) => {
        this.want = done;
        ["pointerenter", "touchstart"].forEach((name) => this.addEventListener(name, done, { once: true, passive: true }));
      });
      await Promise.race([wanted, new Promise(requestAnimationFrame).then(() => idle(2000))]);
    }

    // When the chart is on its canvas. No picture is kept of what the reader points at: a label may be drawn over it.
    async finished() {
      this.picture?.remove();
      this.picture = null;
      const key = this.remembered;
      if (!reader || key.length > LONGEST || sessionStorage.getItem(key)) return;
      await idle(5000);
      if (!this.chart || this.matches(":hover") || key !== this.remembered) return;
      const blob = await new Promise((done) => this.chart.renderToCanvas({ pixelRatio: devicePixelRatio }).toBlob(done));
      if (blob) keep(key, await asText(blob));
    }

    draw() {
      if (!this.isConnected) return;
      this.chart?.dispose();
      this.place ??= this.appendChild(Object.assign(document.createElement("div"), { className: "bh-chart-place" }));
      this.place.style.height = "100%";
      const theme = document.documentElement.dataset.bsTheme ?? "light";
      this.chart = this.library.init(this.place, null, { renderer: "canvas" });
      this.chart.on("finished", () => this.finished());
      this.chart.setOption(themed(named(this.whole, theme), theme));
      this.chart.on("click", ({ data }) => this.open(data?.cell));
      this.dataset.drawn = "true";
    }

    // An observer also tells of the size that a chart was just drawn in.
    fit() {
      if (this.picture && !sessionStorage.getItem(this.remembered)) this.want?.();
      if (!this.chart) return;
      const { clientWidth, clientHeight } = this.place;
      if (this.chart.getWidth() !== clientWidth || this.chart.getHeight() !== clientHeight) this.chart.resize();
    }

    // A click on a number leads to the people behind it, where the answer says how.
    open(cell) {
      const people = this.closest("[data-people]")?.dataset.people;
      if (!people || !cell) return;
      const part = new URLSearchParams(Object.entries(cell).map(([name, value]) => [`cell.${name}`, value]));
      location.assign(`${people}&${part}`);
    }

    disconnectedCallback() {
      this.watch?.disconnect();
      this.size?.disconnect();
      this.chart?.dispose();
      this.chart = null;
      this.picture?.remove();
      this.picture = null;
    }
  }
  customElements.define("bh-chart", Chart);
})();
