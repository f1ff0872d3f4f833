import assert from "node:assert/strict";
import { test } from "node:test";
import { formatServer, formatSummary, type ServerReport } from "../../../cli/doctor/report.ts";

const REDIS: ServerReport = {
  name: "Redis",
  variable: "REDIS_URL",
  configured: true,
  findings: [
    { level: "ok", check: "version", found: "Redis 7.0.15" },
    { level: "warning", check: "persistence", found: "off\u001b[2J", fix: "Turn it on" },
  ],
};

const NATS: ServerReport = { name: "NATS", variable: "NATS_URL", configured: false, findings: [] };

test("each finding is a line, with what to fix below it, and none can control the terminal", () => {
  assert.equal(
    formatServer(REDIS, (style, text) => `<${style}>${text}`),
    "Redis\n" +
      "  <good>ok       version:             Redis 7.0.15\n" +
      "  <warning>warning  persistence:         off\\u001b[2J\n" +
      "           fix: Turn it on\n\n",
  );
});

test("a server that is not configured is named with its variable", () => {
  const text = formatServer(NATS, (_, text) => text);
  assert.equal(text, "NATS: not configured, NATS_URL is not set\n\n");
});

test("the summary counts", () => {
  const report = { healthy: true, servers: [REDIS, NATS] };
  assert.equal(formatSummary(report), "0 failed, 1 to look at, 1 fine\n");
});
