import { beforeAll, describe, expect, test, vi } from "vitest";
import { type GoldenEvent, readGoldenFiles } from "../../test/support/golden-events.ts";
import { EVENT_CATALOGUE, EVENT_TYPES, REVISIONS } from "../events/event-catalogue.ts";

const { handlers, appended } = vi.hoisted(() => ({
  handlers: new Map<string, (call: object) => unknown>(),
  appended: [] as unknown[],
}));

const PERSON = `0x${"0a".repeat(20)}`;
const ARBITER = `0x${"ab".repeat(20)}`;
const CHECKSUMMED = `0x${"aB".repeat(20)}`;
const ABI = [{ type: "function", name: "arbiter" }];
/** What contracts were asked. */
const asked: object[] = [];

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

test("A handler appends the event that the log is", async () => {
  const { row } = await handle("EscrowB", "Approved", { approver: PERSON });
  expect(appended).toEqual([
    expect.objectContaining({
      ...{ id: row.id, type: "Approved", revision: "B" },
      ...{ payload: { approver: PERSON }, observedArbiter: null },
    }),
  ]);
  expect(asked).toEqual([]);
});

describe("The creation of an escrow of revision A", () => {
  const terms = { payer: PERSON, payee: PERSON, amount: 1n, releaseTime: 1n, approvalsRequired: 1 };

  test("is appended with the arbiter that the contract names at its block", async () => {
    const { log } = await handle("EscrowA", "EscrowCreated", terms);
    expect(appended).toEqual([expect.objectContaining({ observedArbiter: ARBITER })]);
    expect(asked).toEqual([{ abi: ABI, address: log.address, functionName: "arbiter" }]);
  });

  test("is appended without, and nobody is asked, where the configuration says so", async () => {
    await handle("EscrowA", "EscrowCreated", terms, {});
    expect(appended).toEqual([expect.objectContaining({ observedArbiter: null })]);
    expect(asked).toEqual([]);
  });

  test("of revision B names its arbiter itself", async () => {
    await handle("EscrowB", "EscrowCreated", { ...terms, arbiter: ARBITER });
    expect(appended).toEqual([
      expect.objectContaining({
        observedArbiter: null,
        payload: expect.objectContaining({ arbiter: ARBITER }),
      }),
    ]);
    expect(asked).toEqual([]);
  });
});

/** Lets a handler react to a log with these arguments, logged where a golden one of its type was. */
async function handle(
  source: "EscrowA" | "EscrowB",
  type: string,
  args: object,
  contracts: object = { ArbiterOfA: { abi: ABI } },
): Promise<GoldenEvent> {
  appended.length = 0;
  asked.length = 0;
  const golden = readGoldenFiles()
    .filter(({ revision }) => revision === source.at(-1))
    .flatMap(({ events }) => events)
    .find(({ row }) => row.type === type);
  if (golden === undefined) throw new Error("no fixture");
  const { log } = golden;
  const readContract = async (question: object) => {
    asked.push(question);
    return CHECKSUMMED;
  };
  await handlers.get(`${source}:${type}`)?.({
    event: {
      id: log.position,
      log: { address: log.address, logIndex: log.log_index },
      block: {
        number: BigInt(log.block_number),
        hash: log.block_hash,
        timestamp: BigInt(log.block_timestamp),
      },
      transaction: { hash: log.transaction_hash },
      args,
    },
    context: { chain: { id: log.chain_id }, db: {}, contracts, client: { readContract } },
  });
  return golden;
}
