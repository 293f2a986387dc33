import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiBed, startApiBed } from "../support/api-bed.ts";
import { apiBehindGate } from "../support/api-behind-gate.ts";
import { RelayWorld } from "../support/relay-world.ts";
import type { TcpGate } from "../support/tcp-gate.ts";
import { waitUntil } from "../support/wait-until.ts";

/* What readers get while the database is away, and that the API goes on when it is back. */

const READS = ["/v1/chains", "/v1/escrows", "/v1/stats", `/v1/parties/7/0x${"0".repeat(40)}`];
const FROM_MEMORY = ["/health", "/ready", "/status", "/metrics"];
/** More than the API may take for any answer here, and far less than a reader's patience. */
const BOUND_MS = 20_000;

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

describe.each([
  ["frozen", (gate: TcpGate) => gate.freeze(), (gate: TcpGate) => gate.thaw()],
  ["gone", (gate: TcpGate) => gate.shut(), (gate: TcpGate) => gate.open()],
])("While the database is %s", (_, close, open) => {
  test("every answer comes, reads are 503 with when to ask again, and what is known is still said", async () => {
    const { bed, gate } = await apiBehindGate(world);
    close(gate);
    await waitUntil(
      "readers are refused",
      async () => (await ask(bed, "/v1/chains")).status === 503,
    );
    await waitUntil("the API knows", async () => (await ask(bed, "/ready")).status === 503);
    for (const path of FROM_MEMORY) {
      const expected = path === "/ready" ? 503 : 200;
      expect({ path, status: (await ask(bed, path)).status }).toEqual({ path, status: expected });
    }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => READS).flatMap((paths) =>
        paths.map((path) => ask(bed, path)),
      ),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(answer.headers.get("x-indexed-block")).toBe("7=10");
      expect(await answer.json()).toMatchObject({ code: "ES-DATABASE-UNREACHABLE", status: 503 });
    }
    open(gate);
    await waitUntil("readers are answered again", async () => (await ask(bed, "/v1/chains")).ok);
    await waitUntil("it says so", async () => (await ask(bed, "/ready")).ok);
    expect(bed.said.map(({ event }) => event)).toEqual(["api.database-away", "api.database-back"]);
  });
});

test("Connections that the database ends are replaced, and no reader notices", async () => {
  const bed = await startApiBed(world);
  await waitUntil("the API is ready", async () => (await ask(bed, "/ready")).ok);
  for (let round = 0; round < 5; round += 1) {
    await bed.owner.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'escrow-stream api'",
    );
    const answers = await Promise.all(READS.map((path) => ask(bed, path)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404]);
  }
  expect(bed.said).toEqual([]);
});

test("Without a connection to spare, and without the right to read, readers get 503 that says so, and 200 again afterwards", async () => {
  const name = `reader_${process.pid}`;
  const bed = await startApiBed(world, {
    connectTo: async (url) => {
      const role = new URL(url);
      role.username = name;
      role.password = "secret";
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`create role ${name} login password 'secret' connection limit 0`);
      await client.end();
      return role.href;
    },
  });
  const problem = async () => (await (await ask(bed, "/v1/stats")).json()) as { code?: string };
  expect(await problem()).toMatchObject({ status: 503, code: "ES-DATABASE-UNREACHABLE" });
  await bed.owner.query(`alter role ${name} connection limit -1`);
  await waitUntil("the right to read is missed", async () => {
    return (await problem()).code === "ES-DATABASE-REFUSED";
  });
  expect((await ask(bed, "/ready")).status).toBe(503);
  await bed.owner.query(
    `grant usage on schema escrow to ${name}; grant select on all tables in schema escrow to ${name}`,
  );
  await waitUntil("readers are answered", async () => (await ask(bed, "/v1/stats")).ok);
});

function ask({ origin }: ApiBed, path: string): Promise<Response> {
  return fetch(`${origin}${path}`, { signal: AbortSignal.timeout(BOUND_MS) });
}
