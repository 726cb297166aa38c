// What pages do beyond links and forms: choosing from lists, conditions, cancelling, copying. Every part is a custom
// element or a `data-` attribute, so that whatever htmx swaps in works without wiring.
(() => {
  // --- Choosing from lists ------------------------------------------------------------------------------------------------
  const choose = (element) => {
    if (element.tomselect || element.closest("template")) return;
    const create = element.hasAttribute("data-create");
    new TomSelect(element, {
      create,
      createOnBlur: create,
      persist: false,
      maxOptions: 500,
      refreshThrottle: 0, // who types and presses Enter at once gets what was typed
      allowEmptyOption: false,
      plugins: element.multiple || element.tagName === "INPUT" ? ["remove_button"] : ["dropdown_input"],
      hidePlaceholder: true,
      render: {
        no_results: () => Object.assign(document.createElement("div"), { className: "no-results", textContent: "–" }),
        option_create: (data, escape) => `<div class="create">+ <strong>${escape(data.input)}</strong></div>`,
      },
    });
  };
  const prepare = (root) => {
    root.querySelectorAll?.("[data-choose]").forEach(choose);
    root.querySelectorAll?.("[data-period]").forEach(period);
    root.querySelectorAll?.("[data-repeat]").forEach(repeat);
    root.querySelectorAll?.("[data-shown-with]").forEach(shownWith);
    root.querySelectorAll?.("[data-switched]").forEach(switched);
    root.querySelectorAll?.("details[data-fold]").forEach(fold);
    root.querySelectorAll?.("[data-place]").forEach(place);
  };

  // --- The form of a question: on a narrow screen it is folded, but not while something in it is wrong --------------------------
  const fold = (element) => {
    element.open = !matchMedia("(max-width: 1199.98px)").matches || document.querySelector("[data-mistakes]") !== null;
  };

  // --- A mistake is called by the label of its field, and leads there --------------------------------------------------------------
  const place = (element) => {
    const name = CSS.escape(element.dataset.place);
    const field = document.querySelector(`[data-question] [name="${name}"], [data-question] [name="${name}[]"]`);
    if (!field) return;
    const group = field.closest("fieldset, .mb-3")?.querySelector("legend, .form-label");
    const own = field.labels?.[0] ?? group;
    const said = [group?.textContent, own === group ? field.getAttribute("aria-label") : own.textContent].filter(Boolean);
    if (!said.length) return;
    const label = said.map((each) => each.trim()).join(" · ");
    const link = Object.assign(document.createElement("a"), { href: "#", textContent: label });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      (field.tomselect ?? field).focus();
    });
    element.replaceWith(link);
  };

  // --- A period: either the last days, or from a day to a day ---------------------------------------------------------------
  const period = (element) => {
    if (element.dataset.ready) return;
    element.dataset.ready = "true";
    const last = element.querySelector("[data-period-last]");
    const between = element.querySelector("[data-period-between]");
    const complete = element.querySelector("[data-period-complete]");
    const apply = () => {
      const custom = last.value === "";
      between.hidden = !custom;
      complete.hidden = custom;
      between.querySelectorAll("input").forEach((input) => (input.disabled = !custom));
      complete.querySelectorAll("input").forEach((input) => (input.disabled = custom));
    };
    last.addEventListener("change", apply);
    apply();
  };

  // --- A part that belongs to one choice ------------------------------------------------------------------------------------
  const shownWith = (element) => {
    const choice = document.querySelector(element.dataset.shownWith);
    if (!choice || element.dataset.ready) return;
    element.dataset.ready = "true";
    const apply = () => (element.hidden = !element.dataset.shownFor.split(" ").includes(choice.value));
    choice.addEventListener("change", apply);
    apply();
  };

  // --- A choice whose fields depend on what is chosen: only the fields of the chosen case are shown and sent ------------------
  const switched = (element) => {
    if (element.dataset.ready) return;
    element.dataset.ready = "true";
    const choice = element.querySelector("[data-switch]");
    const cases = [...element.querySelectorAll("[data-case]")].filter((each) => each.parentElement.closest("[data-switched]") === element);
    const apply = () =>
      cases.forEach((each) => {
        each.disabled = each.hidden = !each.dataset.case.split(" ").includes(choice.value);
      });
    choice.addEventListener("change", apply);
    apply();
  };

  // --- Lists that the reader makes longer or shorter ------------------------------------------------------------------------
  const repeat = (list) => {
    if (list.dataset.ready) return;
    list.dataset.ready = "true";
    const rows = list.querySelector("[data-rows]");
    const template = [...list.children].find((child) => child.tagName === "TEMPLATE");
    let next = rows.children.length;
    const changed = () => list.closest("form")?.dispatchEvent(new Event("change", { bubbles: true }));
    list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button || button.closest("[data-repeat]") !== list) return;
      const row = button.closest("[data-row]");
      if (button.hasAttribute("data-add-row")) {
        const fresh = template.cloneNode(true);
        fresh.innerHTML = fresh.innerHTML.replaceAll(template.dataset.place || "__n__", String(next++));
        const added = fresh.content.firstElementChild;
        rows.append(added);
        prepare(added);
        added.querySelector("select, input")?.focus();
      } else if (button.hasAttribute("data-remove-row")) {
        row.remove();
        changed();
      } else if (button.hasAttribute("data-up") && row.previousElementSibling) {
        row.previousElementSibling.before(row);
        renumber(rows);
        changed();
      } else if (button.hasAttribute("data-down") && row.nextElementSibling) {
        row.nextElementSibling.after(row);
        renumber(rows);
        changed();
      }
    });
  };
  // Gaps do not matter, order does: after a move the rows swap their numbers.
  const renumber = (rows) => {
    const numbered = [...rows.children];
    const pattern = (row) => row.querySelector("[name]")?.name.match(/^(.*?\.)(\d+)(\.|$)/);
    const head = pattern(numbered[0])?.[1];
    numbered.forEach((row, place) =>
      row.querySelectorAll("[name], bh-filter").forEach((field) => {
        const attribute = field.tagName === "BH-FILTER" ? "prefix" : "name";
        const name = field.getAttribute(attribute);
        if (head && name.startsWith(head)) field.setAttribute(attribute, head + name.slice(head.length).replace(/^\d+/, String(place)));
      }),
    );
  };

  // --- Conditions ---------------------------------------------------------------------------------------------------------
  const LEAVES = ["property", "person", "did", "segment"];
  const kindOf = (node) => LEAVES.find((kind) => node && typeof node === "object" && kind in node);
  const BARE = ["set", "not_set", "is_true", "is_false"]; // comparisons that take no value
  const plain = (tree) => {
    if (!tree || !Object.keys(tree).length) return { mode: "all", rows: [] };
    if (kindOf(tree)) return { mode: "all", rows: [tree] };
    const mode = tree.any ? "any" : tree.all ? "all" : null;
    const rows = mode ? Object.values(tree[mode]) : [];
    return mode && rows.every((row) => kindOf(row) && !row.where && !row.also) ? { mode, rows } : null;
  };

  class Filter extends HTMLElement {
    connectedCallback() {
      if (this.body) return;
      const tree = JSON.parse(this.querySelector("[data-tree]")?.textContent || "null") ?? {};
      this.querySelectorAll("input[type=hidden]").forEach((input) => input.remove());
      this.body = this.appendChild(document.createElement("div"));
      this.hidden_ = this.appendChild(document.createElement("div"));
      const simple = plain(tree);
      simple ? this.asRows(simple) : this.asJson(tree);
      this.form = this.closest("form");
      // Fields are written just before the form is sent, so that their numbers have no gaps.
      this.form?.addEventListener("submit", () => this.write(), { capture: true });
      this.form?.addEventListener("bihuan:write", () => this.write());
      this.write();
    }

    part(name) {
      return this.querySelector(`template[data-part="${name}"]`).content.cloneNode(true);
    }

    asRows({ mode, rows }) {
      this.body.replaceChildren(this.part("head"));
      this.body.querySelector("[data-mode]").value = mode;
      rows.forEach((row) => this.add(kindOf(row), row));
      this.body.querySelectorAll("[data-add]").forEach((button) =>
        button.addEventListener("click", () => this.add(button.dataset.add, {}).querySelector("select, input")?.focus()),
      );
      this.body.querySelector("[data-advanced]").addEventListener("click", () => this.asJson(this.tree()));
      this.body.addEventListener("change", () => this.headShown());
      this.headShown();
    }

    asJson(tree) {
      this.body.replaceChildren(this.part("advanced"));
      this.json = this.body.querySelector("[data-json]");
      this.json.value = JSON.stringify(tree, null, 2);
      this.json.addEventListener("input", () => this.write());
    }

    add(kind, values) {
      const row = this.part(kind).firstElementChild;
      for (const field of row.querySelectorAll("[data-field]")) {
        const value = values[field.dataset.field];
        if (value === undefined || value === null) continue;
        if (field.tagName === "SELECT" && ![...field.options].some((option) => option.value === String(value)))
          field.add(new Option(value, value));
        field.value = value;
      }
      const list = row.querySelector("[data-values]");
      if (list) {
        const given = Object.values(values.values ?? {}).map(String);
        const select = Object.assign(document.createElement("select"), { className: list.className, multiple: true });
        [...list.attributes].forEach((each) => select.setAttribute(each.name, each.value));
        given.forEach((value) => select.add(new Option(value, value, true, true)));
        select.setAttribute("data-create", "");
        list.replaceWith(select);
        choose(select);
        const op = row.querySelector('[data-field="op"]');
        const apply = () => (select.tomselect.wrapper.hidden = BARE.includes(op.value));
        op.addEventListener("change", apply);
        apply();
      }
      row.querySelectorAll("[data-choose]").forEach(choose);
      row.querySelector("[data-remove]").addEventListener("click", () => {
        row.remove();
        this.headShown();
        this.form?.dispatchEvent(new Event("change", { bubbles: true }));
      });
      this.body.querySelector("[data-rows]").append(row);
      this.headShown();
      return row;
    }

    headShown() {
      const head = this.body.querySelector(".bh-filter-head");
      if (head) head.hidden = this.body.querySelectorAll(".bh-filter-row").length < 2;
    }

    tree() {
      if (this.json?.isConnected) return JSON.parse(this.json.value || "{}");
      const rows = [...this.body.querySelectorAll(".bh-filter-row")].map((row) => {
        const node = {};
        row.querySelectorAll("[data-field]").forEach((field) => {
          const text = field.value;
          if (text !== "") node[field.dataset.field] = field.type === "number" ? Number(text) : text;
        });
        const list = row.querySelector("select[data-values]");
        if (list && !BARE.includes(node.op)) node.values = [...list.selectedOptions].map((option) => option.value);
        const whole = !list || BARE.includes(node.op) || node.values.length;
        return node[row.dataset.kind] && whole ? node : null;
      });
      const kept = rows.filter(Boolean);
      return kept.length ? { [this.body.querySelector("[data-mode]").value]: kept } : {};
    }

    write() {
      let tree;
      try {
        tree = this.tree();
        this.json?.classList.remove("is-invalid");
      } catch {
        this.json?.classList.add("is-invalid");
        return;
      }
      const fields = [];
      const walk = (value, name) => {
        if (value && typeof value === "object") Object.entries(value).forEach(([key, inner]) => walk(inner, `${name}.${key}`));
        else if (value !== "" && value !== null) {
          fields.push(Object.assign(document.createElement("input"), { type: "hidden", name, value: String(value) }));
        }
      };
      walk(tree, this.getAttribute("prefix"));
      this.hidden_.replaceChildren(...fields);
    }
  }
  customElements.define("bh-filter", Filter);

  // --- Small things -------------------------------------------------------------------------------------------------------
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const given = button.dataset.copy;
    const text = given === "address" ? location.href : given || button.closest(".bh-command").querySelector("code").textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const done = button.dataset.done;
    if (done) toast(done);
  });

  const toast = (text) => {
    const place = document.getElementById("toasts");
    if (!place) return;
    const note = Object.assign(document.createElement("div"), { className: "toast show", role: "status" });
    note.append(Object.assign(document.createElement("div"), { className: "toast-body", textContent: text }));
    place.append(note);
    setTimeout(() => note.remove(), 2500);
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    if (form.matches(".bh-preferences") && button?.name === "look") {
      event.preventDefault();
      document.cookie = `bihuan_look=${button.value}; path=/; max-age=31536000; samesite=lax`;
      document.documentElement.dataset.look = button.value;
      window.dispatchEvent(new Event("bihuan:look"));
      return;
    }
    const asked = form.dataset.confirm ?? button?.dataset.confirm;
    if (asked && !window.confirm(asked)) event.preventDefault();
    // An address holds what was chosen, not the empty fields.
    if (form.method === "get" && !event.defaultPrevented) {
      form.querySelectorAll("input, select, textarea").forEach((field) => {
        if (field.name && field.value === "" && !field.disabled) {
          field.disabled = true;
          setTimeout(() => (field.disabled = false));
        }
      });
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // --- Panels ---------------------------------------------------------------------------------------------------------------
  // Every request for an answer has a name of its own, by which it can be stopped; an address has no empty parameters.
  const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const panel = ctx.target?.closest?.(".bh-panel");
    if (panel) {
      panel.dataset.query = ctx.request.headers["X-Query-Id"] = fresh();
    }
    if (ctx.request.method === "GET" && ctx.sourceElement.matches("form")) {
      ctx.sourceElement.dispatchEvent(new Event("bihuan:write"));
      const kept = [...new FormData(ctx.sourceElement)].filter(([key, value]) => value !== "" && key !== "csrfmiddlewaretoken");
      [...ctx.request.body.keys()].forEach((key) => ctx.request.body.delete(key));
      kept.forEach(([key, value]) => ctx.request.body.append(key, value));
    }
  });
  const WAITING = "bh-waiting";
  document.addEventListener("htmx:before:request", (event) => {
    const panel = event.detail.ctx.target?.closest?.(".bh-panel");
    if (!panel || panel.querySelector(`:scope > .${WAITING}`)) return;
    const template = document.getElementById("waiting");
    if (template) panel.append(template.content.cloneNode(true));
    panel.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const panel = event.detail.ctx.target?.closest?.(".bh-panel");
    panel?.removeAttribute("aria-busy");
    panel?.querySelectorAll(`:scope > .${WAITING}`).forEach((each) => each.remove());
  });
  document.addEventListener("htmx:error", (event) => {
    const panel = event.detail.ctx?.target?.closest?.(".bh-panel");
    const template = document.getElementById("unreachable");
    if (panel && template) panel.replaceChildren(template.content.cloneNode(true));
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-cancel]");
    const panel = button?.closest(".bh-panel");
    if (!panel?.dataset.query) return;
    button.disabled = true;
    const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited") || "{}");
    fetch(`${button.dataset.cancel}${panel.dataset.query}/`, { method: "POST", headers });
  });

  // --- Dialogs ----------------------------------------------------------------------------------------------------------------
  class Dialog extends HTMLElement {
    connectedCallback() {
      const dialog = this.querySelector("dialog");
      dialog.addEventListener("close", () => this.remove());
      dialog.addEventListener("click", (event) => {
        if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
      });
      dialog.showModal();
    }
  }
  customElements.define("bh-dialog", Dialog);

  document.addEventListener("DOMContentLoaded", () => prepare(document));
  document.addEventListener("htmx:after:swap", () => prepare(document));
})();
