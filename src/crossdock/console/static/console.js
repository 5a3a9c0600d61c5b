// What the pages do with scripts: dialogs, live numbers, copying. Without it every page works by links and forms.
"use strict";

(() => {
  const dialog = document.getElementById("dialog");
  const body = document.getElementById("dialog-body");

  // what somebody has unfolded stays so when its part of the page is read again
  let unfolded = [];
  document.body.addEventListener("htmx:beforeSwap", () => {
    unfolded = [...document.querySelectorAll("main details[open][id]")].map((one) => one.id);
  });

  // an act's form was put into the dialog
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== body) {
      unfolded.forEach((id) => { document.getElementById(id)?.setAttribute("open", ""); });
      return settle(document);
    }
    settle(body);
    if (!dialog.open) dialog.showModal();
    const heading = body.querySelector("h2");
    if (heading) dialog.setAttribute("aria-label", heading.textContent);
    const first = body.querySelector("[autofocus], textarea, input:not([type=hidden]), button");
    if (first) first.focus();
  });

  // what the page asks by itself does not tell that somebody is there: their session ends all the same
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.triggeringEvent && event.detail.triggeringEvent.type === "changed") {
      event.detail.headers["X-Crossdock-Background"] = "1";
    }
  });

  // a refusal is a page of its own: go to where it is told
  document.body.addEventListener("htmx:responseError", (event) => {
    const from = event.detail.elt.getAttribute("href");
    if (from && event.detail.target === body) window.location.assign(from);
  });

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    if (dialog && dialog.open && (event.target === dialog || event.target.closest("#dialog [data-close]"))) {
      event.preventDefault();
      dialog.close();
      return;
    }
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  if (dialog) dialog.addEventListener("close", () => { body.replaceChildren(); });

  function copy(button) {
    const text = button.parentElement.querySelector("code").textContent;
    navigator.clipboard.writeText(text).then(
      () => { button.textContent = "Copied"; },
      () => { button.textContent = "Select it"; },
    );
  }

  // what only scripts can do is shown by scripts
  function settle(root) {
    if (navigator.clipboard) root.querySelectorAll("[data-copy]").forEach((one) => { one.hidden = false; });
    root.querySelectorAll("time[datetime]:not([title])").forEach((one) => {
      one.title = new Date(one.dateTime).toLocaleString(undefined, { timeZoneName: "short" }) + " where you are";
    });
  }

  // what an action came to is said once, not again when the page is loaded again
  const here = new URL(window.location.href);
  if (here.searchParams.has("told")) {
    here.searchParams.delete("told");
    here.searchParams.delete("n");
    window.history.replaceState(null, "", here);
  }

  // counts come as server-sent events; whoever shows them reads its own part of the page again
  const live = document.getElementById("live");
  const dead = new Map();
  function shown(state, text) {
    live.hidden = false;
    live.dataset.state = state;
    live.querySelector(".text").textContent = text;
  }
  const REMEMBERED_MS = 2500;
  const AGES_MS = 15000;
  const AGAIN_MS = 10000;
  let later = 0;
  function changed() {
    if (document.visibilityState === "visible") window.htmx.trigger(document.body, "changed");
  }
  function listen() {
    const events = new EventSource("/api/v1/events");
    let first = true;
    events.addEventListener("hello", () => { first = true; shown("on", "live"); });
    events.addEventListener("counts", (event) => {
      if (first) dead.clear();
      for (const one of JSON.parse(event.data)) dead.set(one.flow + "\n" + one.target, one.dead);
      const sum = [...dead.values()].reduce((total, count) => total + count, 0);
      document.querySelectorAll("[data-count=dead]").forEach((one) => {
        one.textContent = sum.toLocaleString("en");
        one.hidden = sum === 0;
      });
      first = false;
      // the first one too: something may have changed between the page and now
      changed();
      // once more when no answer that is remembered can be older than this change
      clearTimeout(later);
      later = setTimeout(changed, REMEMBERED_MS);
    });
    events.addEventListener("error", () => {
      shown("off", "not live: connecting again");
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
    });
    window.addEventListener("pagehide", () => { events.close(); });
  }

  settle(document);
  if (live) {
    listen();
    // ages grow while nothing happens
    setInterval(changed, AGES_MS);
    document.addEventListener("visibilitychange", changed);
  }
})();
