import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newKey, sha256Of } from "../../apps/api/access/api-key.ts";
import { addKey, ensureKeyTable, revokeKey } from "../../apps/api/access/key-table.ts";
import { withClient } from "../../db/with-client.ts";
import { type ApiBed, startApiBed } from "../support/api-bed.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { waitUntil } from "../support/wait-until.ts";

/* Who may ask the API, by what name, and how often. */

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

const KEY = newKey();
const OF_CONFIGURATION = {
  name: "grafana",
  sha256: sha256Of(KEY),
  scopes: ["read"],
  expiresAtMs: null,
} as const;

describe("A key of the configuration", () => {
  test("is needed from then on, but for what says nothing about anybody's data", async () => {
    const bed = await startApiBed(world, { settings: { keys: [OF_CONFIGURATION] } });
    for (const path of ["/v1/chains", "/v1/escrows", "/graphql", "/status", "/metrics"]) {
      const refused = await ask(bed, path);
      expect({ path, status: refused.status }).toEqual({ path, status: 401 });
      expect(refused.headers.get("www-authenticate")).toContain("Bearer");
      expect(await refused.json()).toMatchObject({ code: "ES-KEY-REFUSED" });
    }
    for (const path of ["/health", "/ready", "/docs", "/openapi.json"])
      expect({ path, status: (await ask(bed, path)).status }).toEqual({ path, status: 200 });
    const explorer = await ask(bed, "/graphql", { accept: "text/html" });
    expect(explorer.headers.get("content-type")).toContain("text/html");
    const asked = await ask(bed, "/graphql?query={chains{chainId}}", { accept: "text/html" });
    expect(asked.status).toBe(401);
    expect((await ask(bed, "/v1/chains", { authorization: `Bearer ${KEY}` })).status).toBe(200);
    expect((await ask(bed, "/v1/chains", { "x-api-key": KEY })).status).toBe(200);
    for (const wrong of [`Bearer ${KEY}x`, `Basic ${KEY}`, "Bearer", `Bearer ${newKey()}`])
      expect((await ask(bed, "/v1/chains", { authorization: wrong })).status).toBe(401);
  });

  test("may do what its scopes say", async () => {
    const bed = await startApiBed(world, {
      settings: { keys: [{ ...OF_CONFIGURATION, scopes: ["feed"] }] },
    });
    const answer = await ask(bed, "/v1/chains", { authorization: `Bearer ${KEY}` });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: "ES-SCOPE" });
  });
});

test("A key that npm run keys makes is needed and valid within seconds, and refused as soon after it is revoked or expires", async () => {
  const bed = await startApiBed(world);
  expect((await ask(bed, "/v1/chains")).status).toBe(200);
  const key = newKey();
  const short = newKey();
  await withClient(bed.databaseUrl, async (client) => {
    await ensureKeyTable(client);
    const scopes = ["read"] as const;
    expect(
      await addKey(client, { name: "a", sha256: sha256Of(key), scopes, expiresAt: null }),
    ).toBe(true);
    expect(
      await addKey(client, { name: "a", sha256: sha256Of(short), scopes, expiresAt: null }),
    ).toBe(false);
    const past = new Date(Date.now() - 1_000);
    await addKey(client, { name: "b", sha256: sha256Of(short), scopes, expiresAt: past });
  });
  const status = async (presented?: string) =>
    (await ask(bed, "/v1/chains", presented === undefined ? {} : { "x-api-key": presented }))
      .status;
  await waitUntil("nobody is answered without", async () => (await status()) === 401);
  expect(await status(key)).toBe(200);
  expect(await status(short)).toBe(401);
  await withClient(bed.databaseUrl, (client) => revokeKey(client, "a"));
  await waitUntil("the key is revoked", async () => (await status(key)) === 401);
  expect(await status()).toBe(401);
});

test("An API that others can reach does not start without a key, unless that is allowed by name", async () => {
  await expect(startApiBed(world, { settings: { hostname: "0.0.0.0" } })).rejects.toThrow(
    /^ES-VARIABLE: API_HOST: others can reach 0\.0\.0\.0, and there is no key: .*API_ANONYMOUS=true/,
  );
  for (const settings of [{ isAnonymousAllowed: true }, { keys: [OF_CONFIGURATION] }]) {
    const bed = await startApiBed(world, { settings: { hostname: "0.0.0.0", ...settings } });
    expect((await ask(bed, "/health")).status).toBe(200);
  }
});

test("An API for its own machine is not asked by another name, but by those that are allowed", async () => {
  const bed = await startApiBed(world, { settings: { hosts: ["api.example"] } });
  const statusAs = (host: string) => askAs(bed, host);
  for (const host of ["localhost", "localhost:80", "127.0.0.1:1", "[::1]:80", "api.example:443"])
    expect({ host, status: await statusAs(host) }).toEqual({ host, status: 200 });
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io"])
    expect({ host, status: await statusAs(host) }).toEqual({ host, status: 403 });
});

test("Who asks more often than a minute allows is told when to ask again, each key and address for itself", async () => {
  const other = newKey();
  const keys = [OF_CONFIGURATION, { ...OF_CONFIGURATION, name: "other", sha256: sha256Of(other) }];
  const bed = await startApiBed(world, { settings: { keys, requestsPerMinute: 5, proxies: 1 } });
  const from = (address: string, key: string) =>
    ask(bed, "/v1/chains", { "x-api-key": key, "x-forwarded-for": `1.1.1.1, ${address}` });
  const first = await from("10.0.0.1", KEY);
  expect(first.headers.get("ratelimit-limit")).toBe("5");
  expect(first.headers.get("ratelimit-remaining")).toBe("4");
  for (let at = 2; at <= 5; at += 1) expect((await from(`10.0.0.${at}`, KEY)).status).toBe(200);
  const refused = await from("10.0.0.9", KEY);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(refused.headers.get("ratelimit-remaining")).toBe("0");
  expect(await refused.json()).toMatchObject({ code: "ES-RATE-LIMITED" });
  expect((await from("10.0.0.8", other)).status).toBe(200);
  // Guessing keys counts against the address.
  for (let at = 1; at <= 5; at += 1) expect((await from("10.0.1.1", newKey())).status).toBe(401);
  expect((await from("10.0.1.1", other)).status).toBe(429);
});

test("Pages of sites that are allowed may ask from a browser, and no others", async () => {
  const bed = await startApiBed(world, { settings: { origins: ["https://app.example"] } });
  const origin = async (name: string) =>
    (await ask(bed, "/v1/chains", { origin: name })).headers.get("access-control-allow-origin");
  expect(await origin("https://app.example")).toBe("https://app.example");
  expect(await origin("https://evil.example")).toBeNull();
  const preflight = await fetch(`${bed.origin}/graphql`, {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "POST" },
  });
  expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
  const closed = await startApiBed(world);
  const answer = await ask(closed, "/v1/chains", { origin: "https://app.example" });
  expect(answer.headers.get("access-control-allow-origin")).toBeNull();
});

function ask({ origin }: ApiBed, path: string, headers: Record<string, string> = {}) {
  return fetch(`${origin}${path}`, { headers });
}

/** The status of an answer when the API is asked by a name; `fetch` sends its own. */
function askAs({ origin }: ApiBed, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    request({ hostname, port, path: "/health", headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on("error", reject)
      .end();
  });
}
