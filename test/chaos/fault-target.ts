import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { instrumentPool } from "./instrument-pool.ts";
import { jumpClock } from "./process-clock.ts";
import type { Order } from "./process-fault.ts";
import { ProcessFaults } from "./process-faults.ts";

/**
 * Makes this process one that the suite can do harm to: instruments its pool and takes orders. It
 * ends when the suite is gone.
 */
export function becomeFaultTarget(pool: pg.Pool): ProcessFaults {
  const faults = new ProcessFaults();
  instrumentPool(pool, faults);
  const obey = (order: Order): void => {
    const { fault } = order;
    faults.arm(order);
    if (fault.kind === "clock-jump") jumpClock(fault.byMs);
    if (fault.kind === "clock-jump") faults.fired(order);
    if (fault.kind === "pool-dry") void holdEveryConnection(pool, fault.forMs, order, faults);
  };
  process.on("message", (message) => obey(message as Order));
  process.on("disconnect", () => process.exit(0));
  const first = process.env.CHAOS_ORDER;
  if (first) obey(JSON.parse(first) as Order);
  dropNotifications(faults);
  faults.tell({ type: "started" });
  return faults;
}

async function holdEveryConnection(
  pool: pg.Pool,
  forMs: number,
  order: Order,
  faults: ProcessFaults,
): Promise<void> {
  const held = await Promise.allSettled(
    Array.from({ length: pool.options.max ?? 10 }, () => pool.connect()),
  );
  faults.fired(order);
  await setTimeout(forMs);
  for (const each of held) if (each.status === "fulfilled") each.value.release();
}

function dropNotifications(faults: ProcessFaults): void {
  const { emit } = pg.Client.prototype;
  pg.Client.prototype.emit = function (this: pg.Client, event: string, ...args: unknown[]) {
    if (event === "notification" && faults.isOn("deaf")) return false;
    return emit.call(this, event, ...args);
  } as typeof emit;
}
