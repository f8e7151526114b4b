// What pages do beyond links and forms: charts, the reader's own time, light or dark, and what is said to screen readers.
"use strict";

(() => {
  const root = document.documentElement;
  const language = root.lang || "en";
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const moment = new Intl.DateTimeFormat(language, {
    year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });

  /* Light or dark: as the system has it, until somebody chooses. */
  const isDark = () => {
    const chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `orchestrator-theme=${root.dataset.theme}; Path=/ui; Max-Age=31536000; SameSite=Lax${secure}`;
    draw();
  });

  /* A link to another language keeps what is looked at. */
  for (const link of document.querySelectorAll(".languages a")) {
    const here = new URL(location.href);
    here.searchParams.set("lang", link.lang);
    link.href = here.pathname + here.search;
  }

  const tellTimes = (part) => {
    for (const each of part.querySelectorAll("time[datetime]")) {
      each.title = each.dateTime;
      each.textContent = moment.format(new Date(each.dateTime));
    }
  };
  tellTimes(document);

  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  /* The part of a page that is kept current. What is open stays open; what is the same is left alone. */
  const opened = () => new Set([...document.querySelectorAll("#live details[open]")].map((each) => each.id));
  let before = "";
  let open = new Set();
  let said = "";
  let saidAt = 0;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.serverResponse === before) event.detail.shouldSwap = false;
    before = event.detail.serverResponse;
    open = opened();
  });
  document.addEventListener("htmx:afterSettle", () => {
    const live = document.getElementById("live");
    if (!live) return;
    tellTimes(live);
    for (const each of live.querySelectorAll("details")) if (open.has(each.id)) each.open = true;
    for (const name of ["throughput", "success", "latency", "backlog"]) {
      const place = document.getElementById(`n-${name}`);
      const value = live.getAttribute(`data-n-${name}`);
      if (place && value !== null) place.textContent = value;
    }
    const words = live.dataset.announce;
    if (words && words !== said && Date.now() - saidAt > 5000) {
      said = words;
      saidAt = Date.now();
      document.getElementById("announce").textContent = words;
    }
  });

  const state = document.getElementById("link-state");
  const tellLink = (word) => {
    state.textContent = state.dataset[word];
    state.className = `link-state ${word}`;
  };
  let source = null;
  document.addEventListener("htmx:sseOpen", (event) => {
    source = event.detail.source;
    tellLink("live");
  });

  /* A browser has few connections to one host: a page that nobody sees gives its own back, and begins anew when seen. */
  let rest = null;
  let rests = false;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(rest);
    if (document.hidden && source) rest = setTimeout(() => { source.close(); rests = true; }, 10000);
    else if (rests) location.reload();
  });
  document.addEventListener("htmx:sseError", () => tellLink("lost"));

  /* Charts. */
  const charts = document.querySelector("[data-figures]");
  const plots = [];
  let figures = null;
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const SERIES = {
    throughput: [["succeeded", "--ok", "ok", true], ["failed", "--bad", "bad", true]],
    success: [["share", "--ok", "ok", true]],
    latency: [["median", "--accent", "median", false], ["slow", "--held", "slow", false]],
    backlog: [["backlog", "--accent", "", true]],
  };

  const options = (kind, place) => {
    const line = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: colour("--muted"), grid: line, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    return {
      width: place.clientWidth,
      height: 132,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      padding: [8, 16, 0, 0],
      scales: { x: { time: true }, y: { range: (_, low, high) => range(kind, high) } },
      axes: [
        { ...axis, grid: { show: false }, size: 22, space: 70, values: (_, all) => all.map((each) => clock.format(each * 1000)) },
        { ...axis, size: 44, space: 32, values: (_, all) => all.map((each) => number.format(each)) },
      ],
      series: [{}, ...SERIES[kind].map(([, name, , filled]) => ({
        stroke: colour(name), width: 1.75, spanGaps: true,
        fill: filled ? `${colour(name)}22` : undefined,
        points: { show: kind === "success" || kind === "latency", size: 4 },
      }))],
      hooks: { setCursor: [(plot) => tellPoint(kind, place, plot)] },
    };
  };

  const range = (kind, high) => (kind === "success" ? [0, 100] : [0, Math.max(high || 0, kind === "backlog" ? 4 : 0.1) * 1.1]);

  const tellPoint = (kind, place, plot) => {
    const at = plot.cursor.idx;
    const unit = place.closest("figure").querySelector(".unit");
    unit.dataset.text ??= unit.textContent;
    if (at === null || at === undefined) {
      unit.textContent = unit.dataset.text;
      return;
    }
    const words = SERIES[kind].map(([name, , label]) => {
      const value = figures[name][at];
      const shown = value === null ? "–" : number.format(value);
      return label && charts.dataset[label] ? `${charts.dataset[label]} ${shown}` : shown;
    });
    unit.textContent = `${new Date(figures.times[at] * 1000).toLocaleTimeString(language, { hourCycle: "h23" })} · ${words.join(" · ")}`;
  };

  function draw() {
    if (!charts || !figures) return;
    while (plots.length) plots.pop()[1].destroy();
    for (const place of charts.querySelectorAll("[data-chart]")) {
      const kind = place.dataset.chart;
      const data = [figures.times, ...SERIES[kind].map(([name]) => figures[name])];
      plots.push([kind, new uPlot(options(kind, place), data, place)]);
    }
  }

  const renew = async () => {
    try {
      const answer = await fetch(charts.dataset.figures, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const first = figures === null;
      figures = await answer.json();
      if (first) draw();
      else for (const [kind, plot] of plots) plot.setData([figures.times, ...SERIES[kind].map(([name]) => figures[name])]);
      charts.dataset.drawn = String(figures.times.at(-1));
    } catch {
      /* the service is away; the stream of changes says so */
    }
  };

  if (charts) {
    let waiting = null;
    const soon = () => {
      waiting ??= setTimeout(() => { waiting = null; renew(); }, 1500);
    };
    renew();
    setInterval(() => { if (!document.hidden) soon(); }, 10000);
    document.addEventListener("htmx:sseMessage", soon);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    let width = window.innerWidth;
    window.addEventListener("resize", () => {
      if (window.innerWidth !== width) { width = window.innerWidth; draw(); }
    });
  }
})();
