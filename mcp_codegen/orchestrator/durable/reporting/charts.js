"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const language = document.documentElement.lang;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const HEIGHT = 240;
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
  const units = [[86400000, "d"], [3600000, "h"], [60000, "min"], [1000, "s"], [1, "ms"]];
  const duration = (ms, step = ms) => {
    const [size, word] = units.find(([size]) => Math.abs(step) >= size && (size < 60000 || step % size === 0)) || [1, "ms"];
    return `${number.format(ms / size)} ${word}`;
  };
  const moment = (seconds, precise) => new Intl.DateTimeFormat(language, {
    timeZone: "UTC", hour: "2-digit", minute: "2-digit", ...(precise && { second: "2-digit" }), hourCycle: "h23",
  }).format(seconds * 1000);
  const day = (seconds) => new Intl.DateTimeFormat(language, { timeZone: "UTC", day: "numeric", month: "short" }).format(seconds * 1000);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const bars = (gap) => uPlot.paths.bars({ size: [gap, 100], align: 1 });

  const axis = (more) => ({
    stroke: colour("dim"), font: "12px system-ui, sans-serif", grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false }, ...more,
  });
  const series = (label, shade, more) => ({
    label, stroke: colour(shade), fill: colour(shade), width: 0, paths: bars(0.9), points: { show: false }, ...more,
  });
  const y = (range) => ({ range: (plot, low, high) => [0, Math.max(high, range) * 1.08] });

  function throughput(place, { start, width, succeeded, others }) {
    const words = place.dataset, per = width / 1000;
    const times = succeeded.map((_, position) => (start + position * width) / 1000);
    const all = succeeded.map((count, position) => (count + others[position]) / per);
    const good = succeeded.map((count) => count / per);
    const last = times[times.length - 1] + per, long = last - times[0] > 86400;
    const value = (counts) => (plot, raw, index, position) => (position == null ? "–" : number.format(counts[position] / per));
    return [[times, all, good], {
      scales: { x: { time: true, range: () => [times[0], last] }, y: y(0) },
      axes: [axis({ grid: { show: false }, space: 76, incrs: STEPS, values: (plot, ticks, i, space, step) => ticks.map((tick) => (step >= 86400 ? day(tick) : moment(tick, step < 60))) }),
        axis({ size: 56, values: (plot, ticks) => ticks.map((tick) => number.format(tick)) })],
      series: [{ label: words.time, value: (plot, raw) => (raw == null ? "–" : (long ? `${day(raw)} ` : "") + moment(raw, per < 60)) },
        series(words.others, "bad", { value: value(others) }), series(words.succeeded, "good", { value: value(succeeded) })],
    }];
  }

  function durations(place, { width, bars: counts }) {
    const words = place.dataset, starts = counts.map((_, position) => position * width);
    return [[starts, counts], {
      scales: { x: { time: false, range: () => [0, counts.length * width] }, y: y(1) },
      axes: [axis({ grid: { show: false }, values: (plot, ticks, i, space, step) => ticks.map((tick) => (tick ? duration(tick, step) : "0")) }),
        axis({ size: 56, values: (plot, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? number.format(tick) : "")) })],
      series: [{ label: words.duration, value: (plot, raw) => (raw == null ? "–" : `${duration(raw)} – ${duration(raw + width)}`) },
        series(words.runs, "accent", { value: (plot, raw) => (raw == null ? "–" : number.format(raw)) })],
    }];
  }

  const drawn = [];
  function draw() {
    drawn.splice(0).forEach((plot) => plot.destroy());
    for (const [name, make] of [["throughput", throughput], ["durations", durations]]) {
      const place = document.getElementById(name);
      if (!place || !figures[name]) continue;
      const [data, options] = make(place, figures[name]);
      drawn.push(new uPlot({
        width: place.clientWidth, height: HEIGHT, tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), "Etc/UTC"),
        padding: [10, 28, 0, 0], cursor: { y: false, points: { show: false }, drag: { x: false, y: false } }, legend: { live: true }, ...options,
      }, data, place));
    }
  }
  const onPaper = (paper) => { document.documentElement.classList.toggle("paper", paper); draw(); };
  draw();
  window.addEventListener("resize", () => drawn.forEach((plot) => plot.setSize({ width: plot.root.parentElement.clientWidth, height: HEIGHT })));
  window.addEventListener("beforeprint", () => onPaper(true));
  window.addEventListener("afterprint", () => onPaper(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  const filter = document.getElementById("filter");
  if (filter) {
    filter.parentElement.hidden = false;
    const rows = [...document.querySelectorAll("#failures tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
    filter.addEventListener("input", () => {
      const wanted = filter.value.trim().toLowerCase();
      rows.forEach(([row, text]) => { row.hidden = !text.includes(wanted); });
    });
  }
})();
