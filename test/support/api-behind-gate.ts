import { onTestFinished } from "vitest";
import { type ApiBed, startApiBed } from "./api-bed.ts";
import type { RelayWorld } from "./relay-world.ts";
import { TcpGate } from "./tcp-gate.ts";
import { waitUntil } from "./wait-until.ts";

/** An API that is ready, whose way to the database can be closed. */
export async function apiBehindGate(world: RelayWorld): Promise<{ bed: ApiBed; gate: TcpGate }> {
  let gate: TcpGate | undefined;
  const bed = await startApiBed(world, {
    connectTo: async (url) => {
      gate = await TcpGate.to(url);
      return gate.through(url);
    },
  });
  if (gate === undefined) throw new Error("there is no gate");
  const { stop } = gate;
  onTestFinished(() => stop.call(gate));
  await waitUntil("the API is ready", async () => (await fetch(`${bed.origin}/ready`)).ok);
  return { bed, gate };
}
