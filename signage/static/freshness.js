// The rule of models/freshness.py once more: a test runs both over one table. Times in ms, unknown null.
export function phase(state, observed, until, opens, now) {
  if (state === "no_data" || until === null) return observed === null ? "no_data" : "stale";
  if (state === "closed") return now < Math.max(until, opens ?? now) ? "closed" : "stale";
  if (now >= until) return "stale";
  if (state === "paused") return "paused";
  return observed === null || now <= observed + (until - observed) / 2 ? "fresh" : "ageing";
}
