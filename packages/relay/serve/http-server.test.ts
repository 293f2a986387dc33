import { expect, onTestFinished, test } from "vitest";
import { startRelayServer } from "./http-server.ts";
import { RelayMetrics } from "./metrics.ts";
import type { PublicationStatus } from "./relay-status.ts";

const FINAL: PublicationStatus = {
  topic: "final-topic",
  finality: "finalized",
  captured: 5,
  published: 3,
  backlog: 2,
  inDoubt: 0,
  blockedKeys: 0,
  haltedReason: null,
  feed: { lastOffset: 7, numberedTo: 5 },
  lines: [
    {
      line: 137,
      finalThrough: 90,
      gate: "on",
      verifiedThrough: 80,
      unproven: null,
      basis: "proof",
      heldAt: 85,
      because: "hole at block 81",
    },
    {
      line: 10,
      finalThrough: 70,
      gate: "off",
      verifiedThrough: null,
      unproven: null,
      basis: null,
      heldAt: null,
      because: null,
    },
  ],
};

test("what final rows wait for stands in /status and in /metrics", async () => {
  const view = {
    hangsBecause: () => null,
    notReadyBecause: () => null,
    publications: async () => [FINAL],
  };
  const server = await startRelayServer(
    { hostname: "127.0.0.1", port: 0 },
    view,
    new RelayMetrics(),
  );
  onTestFinished(() => server.close());
  const read = async (path: string) => await fetch(`http://127.0.0.1:${server.port}${path}`);
  expect(await (await read("/status")).json()).toEqual({ publications: [FINAL] });
  const metrics = await (await read("/metrics")).text();
  expect(metrics.split("\n").filter((line) => /^relay_(final|verified)/.test(line))).toEqual([
    'relay_final_block{line="137"} 90',
    'relay_final_block{line="10"} 70',
    'relay_verified_block{line="137"} 80',
    'relay_final_held{line="137"} 1',
    'relay_final_held{line="10"} 0',
  ]);
});

test("a relay that hangs says so in /health", async () => {
  let reason: string | null = null;
  const view = {
    hangsBecause: () => reason,
    notReadyBecause: () => "no leases",
    publications: async () => [],
  };
  const where = { hostname: "127.0.0.1", port: 0 };
  const server = await startRelayServer(where, view, new RelayMetrics());
  onTestFinished(() => server.close());
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/health`);
    return [response.status, await response.text()];
  };
  expect(await health()).toEqual([200, ""]);
  reason = "renewing the leases has taken 200 s";
  expect(await health()).toEqual([503, reason]);
});
