import { beforeAll, expect, test, vi } from "vitest";
import { readGoldenFiles } from "../../test/support/golden-events.ts";
import { EVENT_CATALOGUE, EVENT_TYPES, REVISIONS } from "../events/event-catalogue.ts";

const { handlers, appended } = vi.hoisted(() => ({
  handlers: new Map<string, (call: object) => unknown>(),
  appended: [] as unknown[],
}));

vi.mock("ponder:registry", () => ({
  ponder: { on: (name: string, handler: () => unknown) => handlers.set(name, handler) },
}));
vi.mock("./append.ts", () => ({
  append: (_db: unknown, event: unknown) => appended.push(event),
}));

beforeAll(async () => {
  await import("./on-events.ts");
});

test("Every event of the catalogue has a handler in every revision, and nothing else has one", () => {
  const wanted = EVENT_TYPES.flatMap((type) =>
    REVISIONS.map((revision) => {
      const isOfFactory = EVENT_CATALOGUE[type].emitter === "factory";
      return `${isOfFactory ? "Factory" : "Escrow"}${revision}:${type}`;
    }),
  );
  expect([...handlers.keys()].sort()).toEqual(wanted.sort());
});

test("A handler appends the event that the log is", () => {
  const golden = readGoldenFiles()
    .filter(({ revision }) => revision === "B")
    .flatMap(({ events }) => events)
    .find(({ row }) => row.type === "Approved");
  if (golden === undefined) throw new Error("no fixture");
  const { log, row } = golden;
  handlers.get("EscrowB:Approved")?.({
    event: {
      id: log.position,
      log: { address: log.address, logIndex: log.log_index },
      block: {
        number: BigInt(log.block_number),
        hash: log.block_hash,
        timestamp: BigInt(log.block_timestamp),
      },
      transaction: { hash: log.transaction_hash },
      args: { approver: (row.payload as { approver: string }).approver },
    },
    context: { chain: { id: log.chain_id }, db: {} },
  });
  expect(appended).toEqual([
    expect.objectContaining({ id: row.id, type: "Approved", revision: "B", payload: row.payload }),
  ]);
});
