import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { childProcesses } from "../support/child-processes.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { waitUntil } from "../support/wait-until.ts";

const KILLS = 3;
const POLL_MS = 100;

const folder = mkdtempSync(join(tmpdir(), "escrow-stream-steady-"));
chmodSync(folder, 0o711);
const service = new ServiceProcess("start", {
  args: ["--data-dir", join(folder, "data"), "--events-per-second", "6"],
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the service says where a part is. */
function toldUrl(pattern: RegExp): string | undefined {
  return service.lines.map((line) => pattern.exec(line)?.[1]).find((url) => url !== undefined);
}

async function countEscrows(graphql: string): Promise<number | null> {
  const response = await fetch(graphql, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ escrows { totalCount } }" }),
  }).catch(() => null);
  if (response?.status !== 200) return null;
  const { data } = (await response.json()) as { data: { escrows: { totalCount: number } } };
  return data.escrows.totalCount;
}

function indexerPid(): number | undefined {
  return childProcesses(service.pid).find(({ command }) => command.includes("indexer.ts"))?.pid;
}

test("a client that polls GraphQL never sees the number of escrows fall while the engine is killed and started again", async () => {
  const graphql = await waitUntil("the API is named", () => toldUrl(/(http:\S+\/graphql)/));
  const database = await waitUntil("the database is named", () => toldUrl(/(postgres:\S+?)"/));
  await waitUntil("escrows are there", async () => ((await countEscrows(graphql)) ?? 0) > 5);

  const counts: number[] = [];
  let isPolling = true;
  const polling = (async () => {
    while (isPolling) {
      const count = await countEscrows(graphql);
      if (count !== null) counts.push(count);
      await sleep(POLL_MS);
    }
  })();
  for (let kill = 0; kill < KILLS; kill++) {
    const killed = await waitUntil("an indexer runs", indexerPid);
    process.kill(killed, "SIGKILL");
    await waitUntil("another one runs", () => (indexerPid() ?? killed) !== killed);
    const before = counts.at(-1) ?? 0;
    await waitUntil("new escrows are counted", () => (counts.at(-1) ?? 0) > before + 2);
  }
  isPolling = false;
  await polling;

  const falls = counts.filter((count, at) => count < (counts[at - 1] ?? 0));
  expect(falls).toEqual([]);
  const pool = new pg.Pool({ connectionString: database });
  const { rows } = await pool.query(
    "select count(*) filter (where kind = 'retraction')::int as retractions from relay.message",
  );
  await pool.end();
  expect(rows[0].retractions).toBe(0);
});
