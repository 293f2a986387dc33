import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openRelayPool } from "../../packages/relay/relay-pool.ts";
import { RelayBed } from "../support/relay-bed.ts";
import { silent } from "../support/relay-world.ts";
import { subscribe } from "../support/restore-story.ts";
import { TcpGate } from "../support/tcp-gate.ts";
import { waitUntil } from "../support/wait-until.ts";

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

const STATEMENT_TIMEOUT_MS = 500;

describe("A relay whose database connections fall silent", () => {
  test.each([
    ["at once", null],
    ["within a turn of its leases", "update relay.lease set expires_at"],
    ["before a claim is sent", "/* claim */"],
  ])("publishes on over others, each once (%s)", async (_when, statement) => {
    const gate = await TcpGate.to(bed.url);
    onTestFinished(() => gate.stop());
    const through = gate.through(bed.url);
    const seen = await subscribe(bed);
    let isArmed = false;
    const forget = (): void => {
      isArmed = false;
      gate.forget();
    };
    bed.startRelay({ DATABASE_URL: through }, undefined, (parts) => {
      parts.pool = openRelayPool(through, silent, STATEMENT_TIMEOUT_MS);
      parts.pool.on("connect", (client) =>
        before(client, (text) => {
          if (isArmed && statement !== null && text.includes(statement)) forget();
        }),
      );
    });
    await bed.outbox.append({ key: "a", block: 1 });
    await waitUntil("the first is published", () => seen.length === 1, 15_000);
    isArmed = true;
    if (statement === null) forget();
    await waitUntil("they have fallen silent", () => !isArmed, 15_000);
    await bed.outbox.append({ key: "a", block: 2 });
    await waitUntil("the second is published", () => seen.length === 2, 18_000);
    expect(seen).toEqual(["a#1 e-1-0", "a#2 e-2-0"]);
  });
});

test("A claim that is executed when nobody waits for it any more is found, and published once [G-4]", async () => {
  const seen = await subscribe(bed);
  let isArmed = false;
  bed.startRelay({}, undefined, ({ pool }) => {
    pool.on("connect", (client) => {
      const query = client.query.bind(client) as (text: string, values?: unknown[]) => unknown;
      client.query = (async (text: string, values?: unknown[]) => {
        if (isArmed && text.includes("/* claim */")) {
          const { rows } = await bed.pool.query(text, values);
          if (rows.length > 0) isArmed = false;
        }
        return await query(text, values);
      }) as pg.PoolClient["query"];
    });
  });
  await bed.outbox.append({ key: "a", block: 1 });
  await waitUntil("the first is published", () => seen.length === 1, 15_000);
  isArmed = true;
  await bed.outbox.append({ key: "a", block: 2 });
  await waitUntil("it is claimed unseen", () => !isArmed, 15_000);
  await waitUntil("the second is published", () => seen.length === 2, 18_000);
  expect(seen).toEqual(["a#1 e-1-0", "a#2 e-2-0"]);
});

function before(client: pg.PoolClient, look: (text: string) => void): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((...args: unknown[]) => {
    look(String(args[0]));
    return query(...args);
  }) as pg.PoolClient["query"];
}
