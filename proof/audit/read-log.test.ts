import { encodeAbiParameters, encodeEventTopics } from "viem";
import { expect, test } from "vitest";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";
import type { ChainLog } from "../../source/chain-log.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import { FollowedContracts } from "./followed-contracts.ts";
import { noteAnnouncement, readLog } from "./read-log.ts";

const address = (digit: string): Hex => `0x${digit.repeat(40)}`;
const [FACTORY, ESCROW, PERSON] = [address("f"), address("e"), address("a")];
const PERSON_WORD: Hex = `0x${"0".repeat(24)}${"a".repeat(40)}`;

function log(changes: Partial<ChainLog>): ChainLog {
  return {
    ...{ address: ESCROW, topics: [], data: "0x", blockNumber: 100, logIndex: 3 },
    blockHash: `0x${"ab".repeat(32)}`,
    transactionHash: `0x${"cd".repeat(32)}`,
    transactionIndex: 2,
    ...changes,
  };
}

const approvedTopics = encodeEventTopics({
  abi: escrowAAbi,
  eventName: "Approved",
  args: { approver: PERSON },
}) as Hex[];

function announcement(blockNumber: number): ChainLog {
  return log({
    address: FACTORY,
    blockNumber,
    topics: encodeEventTopics({
      abi: escrowFactoryBAbi,
      eventName: "EscrowDeployed",
      args: { escrow: ESCROW, payer: PERSON, payee: PERSON },
    }) as Hex[],
    data: encodeAbiParameters(
      [{ type: "address" }, { type: "uint256" }, { type: "uint256" }, { type: "uint8" }],
      [PERSON, 5n, 60n, 2],
    ),
  });
}

function contracts(revision?: "A" | "B"): FollowedContracts {
  const factory = { address: FACTORY, startBlock: 50, ...(revision ? { revision } : {}) };
  return new FollowedContracts({ factories: [factory] });
}

test("a log is read as the indexer stores it, at the engine's position", () => {
  const followed = contracts();
  noteAnnouncement(followed, announcement(100));
  expect(readLog(5, followed, log({ topics: approvedTopics }), 1_700_000_000n)).toMatchObject({
    is: "event",
    event: {
      id: `5-0x${"ab".repeat(32)}-3`,
      type: "Approved",
      revision: "B",
      stream: ESCROW,
      emitter: ESCROW,
      position: "170000000000000000000000050000000000000100000000000000000250000000000000003",
      payload: { approver: PERSON },
    },
  });
  expect(readLog(5, followed, announcement(100), 1n)).toMatchObject({
    event: { type: "EscrowDeployed", stream: ESCROW, emitter: FACTORY },
  });
});

test("an escrow is followed from the block that announces it, and a factory from its start", () => {
  const followed = contracts();
  noteAnnouncement(followed, announcement(49));
  expect(followed.children).toEqual([]);
  noteAnnouncement(followed, announcement(100));
  expect(readLog(5, followed, log({ topics: approvedTopics, blockNumber: 99 }), 1n)).toBeNull();
  expect(readLog(5, followed, log({ topics: approvedTopics }), 1n)?.is).toBe("event");
  expect(readLog(5, followed, announcement(49), 1n)).toBeNull();
});

test("what no ABI of the emitter names is unknown, also when it is of another revision", () => {
  const followed = contracts("A");
  expect(readLog(5, followed, announcement(100), 1n)).toMatchObject({
    is: "unknown",
    signature: { emittedBy: "factory", isOurs: "EscrowDeployed of the factory in revision B" },
  });
  const other = log({ address: FACTORY, topics: [`0x${"12".repeat(32)}`] });
  expect(readLog(5, followed, other, 1n)).toMatchObject({
    signature: { topic0: `0x${"12".repeat(32)}`, isOurs: null, count: 1 },
  });
  expect(readLog(5, followed, log({ address: FACTORY }), 1n)).toMatchObject({
    signature: { topic0: "anonymous" },
  });
});

test("a log of a signature of ours in another form does not decode", () => {
  const followed = contracts();
  noteAnnouncement(followed, announcement(100));
  const unindexed = log({ topics: approvedTopics.slice(0, 1), data: PERSON_WORD });
  expect(readLog(5, followed, unindexed, 1n)).toMatchObject({
    is: "undecodable",
    id: `5-0x${"ab".repeat(32)}-3`,
    detail: expect.stringContaining("Approved of the escrow in revision"),
  });
});

test("a contract that is none of ours is nobody, whatever it logs", () => {
  const strangers = log({ address: address("9"), topics: approvedTopics });
  expect(readLog(5, contracts(), strangers, 1n)).toBeNull();
});
