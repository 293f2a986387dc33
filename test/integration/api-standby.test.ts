import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { newKey, sha256Of } from "../../apps/api/access/api-key.ts";
import { addKey, revokeKey } from "../../apps/api/access/key-table.ts";
import { startApi } from "../../apps/api/start-api.ts";
import { checkDatabase } from "../../db/check-database.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { roleBed } from "../support/role-bed.ts";
import { waitUntil } from "../support/wait-until.ts";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

test("A standby serves the API to its reader, says how far it is behind, and learns of keys", async () => {
  const bed = await roleBed(world);
  const url = new URL(bed.urlAs(bed.reader));
  url.port = String(await world.startStandby());
  await checkDatabase(url.href, { variable: "API_DATABASE_URL", use: "reader" });
  const api = await startApi({
    ...{ hostname: "127.0.0.1", port: 0, databaseUrl: url.href, connections: 2, log: quiet },
    ...{ keys: [], origins: [], hosts: [], proxies: 0, isAnonymousAllowed: false },
    ...{ requestsPerMinute: 6_000, requestTimeoutMs: 15_000, statementTimeoutMs: 5_000 },
    ...{ streams: 10, streamsPerClient: 10 },
  });
  onTestFinished(() => api.stop());
  const ask = (key = "") =>
    fetch(`http://127.0.0.1:${api.port}/v1/chains`, { headers: key ? { "x-api-key": key } : {} });

  await bed.deployment.holds([], [{ chainId: 7, latest: 12, finalized: 5 }]);
  const answer = await waitUntil("the standby has it", async () => {
    const response = await ask();
    return response.headers.get("x-indexed-block") === "7=12" && response;
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-standby-lag")).toMatch(/^\d+\.\d$/);

  const key = newKey();
  const scopes = ["read"] as const;
  await addKey(bed.owner, { name: "k", sha256: sha256Of(key), scopes, expiresAt: null });
  await waitUntil("a key is needed", async () => (await ask()).status === 401);
  expect((await ask(key)).status).toBe(200);
  await revokeKey(bed.owner, "k");
  await waitUntil("the key is revoked", async () => (await ask(key)).status === 401);
});
