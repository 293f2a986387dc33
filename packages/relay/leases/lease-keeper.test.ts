import type { Kysely } from "kysely";
import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { LeaseKeeper } from "./lease-keeper.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("A turn of leases that no database answers lasts, and one that fails is over", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const answer = Promise.withResolvers<never>();
  const db = { transaction: () => ({ execute: () => answer.promise }) };
  const leases = new LeaseKeeper({
    db: db as unknown as Kysely<unknown>,
    instance: "one",
    publications: [],
    log: pino({ level: "silent" }),
    leaseMs: 10_000,
    inFlight: () => 0,
    onChange: () => undefined,
  });
  expect(leases.turnLastsMs).toBe(0);
  const running = leases.run();
  vi.advanceTimersByTime(200_000);
  expect(leases.turnLastsMs).toBe(200_000);
  leases.stop();
  answer.reject(new Error("Connection terminated unexpectedly"));
  await running;
  expect(leases.turnLastsMs).toBe(0);
});
