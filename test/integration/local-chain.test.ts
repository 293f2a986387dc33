import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Address, encodeFunctionData, numberToHex } from "viem";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { connectToChain } from "../../local/chain/chain-client.ts";
import { deployFactories } from "../../local/chain/deploy-factories.ts";
import { startTraffic, type TrafficOptions } from "../../local/chain/escrow-traffic.ts";
import { HISTORY_SECONDS, playHistory } from "../../local/chain/play-history.ts";
import { reorgChain } from "../../local/chain/reorg-chain.ts";
import { seedEscrows } from "../../local/chain/seed-escrows.ts";
import { type AnvilOptions, type RunningAnvil, startAnvil } from "../../local/chain/start-anvil.ts";
import { LyingNode } from "../lies/lying-node.ts";

const CHAIN_ID = 31337;
const GENESIS = 1_700_000_000;
const FAST = 1_000_000;

let folder: string;
let running: RunningAnvil[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "local-chain-"));
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((anvil) => anvil.stop()));
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<AnvilOptions> = {}) {
  const anvil = await startAnvil({ chainId: CHAIN_ID, genesisTimestamp: GENESIS, ...options });
  running.push(anvil);
  return { ...anvil, client: connectToChain(anvil.rpcUrl) };
}

/** How far the chain's newest block lies behind the wall clock. */
async function secondsBehind(client: ReturnType<typeof connectToChain>): Promise<number> {
  return Date.now() / 1_000 - Number((await client.getBlock()).timestamp);
}

describe("The local chain", () => {
  test("answers for its chain id on the loopback interface and leaves no process behind", async () => {
    const { client, rpcUrl, stop, process: anvil } = await start();
    expect(rpcUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await client.getChainId()).toBe(CHAIN_ID);
    await Promise.all([stop(), stop()]);
    expect(() => process.kill(Number(anvil.pid), 0)).toThrow("ESRCH");
  });

  test("goes on where it stopped, in its blocks and in its time", async () => {
    const stateFile = join(folder, "new", "chain.json");
    const first = await start({ stateFile });
    await deployFactories(first);
    await first.client.increaseTime({ seconds: 86_400 });
    await first.client.mine({ blocks: 3 });
    const last = await first.client.getBlock();
    await first.stop();

    const second = await start({ stateFile });
    expect((await second.client.getBlock()).hash).toBe(last.hash);
    await second.client.mine({ blocks: 1 });
    const next = await second.client.getBlock();
    expect(next.number).toBe(last.number + 1n);
    expect(next.timestamp - last.timestamp).toBeLessThan(60n);
    expect(next.timestamp).toBeGreaterThanOrEqual(last.timestamp);
  });

  test("comes back from a hard kill with its last whole save", async () => {
    const stateFile = join(folder, "chain.json");
    const first = await start({ stateFile, stateIntervalSeconds: 1 });
    const factories = await deployFactories(first);
    await first.client.mine({ blocks: 5 });
    const second = async () => {
      await vi.waitFor(() => expect(existsSync(stateFile)).toBe(true), { timeout: 20_000 });
      first.process.kill("SIGKILL");
      await first.stop();
      return start({ stateFile });
    };
    expect(await deployFactories(await second())).toEqual(factories);
  });

  test("goes on at the wall clock when it was told to", async () => {
    const stateFile = join(folder, "chain.json");
    const first = await start({ stateFile });
    await first.client.mine({ blocks: 1 });
    await first.stop();
    const { client } = await start({ stateFile, resumesNow: true });
    await client.mine({ blocks: 1 });
    expect(Math.abs(await secondsBehind(client))).toBeLessThan(10);
  });

  test("that was saved at once is whole after a hard kill", async () => {
    const stateFile = join(folder, "chain.json");
    const first = await start({ stateFile, stateIntervalSeconds: 3_600 });
    const factories = await deployFactories(first);
    await seedEscrows({ ...first, factories, count: 3, seed: 1 });
    const logs = await first.client.getLogs({ fromBlock: 0n });
    await first.save();
    first.process.kill("SIGKILL");
    await first.stop();
    const { client } = await start({ stateFile });
    expect(await client.getLogs({ fromBlock: 0n })).toEqual(logs);
  });

  test("names the file to delete when the saved chain cannot be read", async () => {
    const stateFile = join(folder, "chain.json");
    writeFileSync(stateFile, '{"block":');
    await expect(start({ stateFile })).rejects.toThrow(`Delete ${stateFile}`);
    expect(existsSync(stateFile)).toBe(true);
  });

  test("fails with anvil's own words when its port is taken", async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toThrow("Address already in use");
  });

  test("mines at its interval when a block time is given", async () => {
    const { client } = await start({ blockTimeSeconds: 1 });
    await vi.waitFor(async () => expect(await client.getBlockNumber()).toBeGreaterThan(1n), {
      timeout: 10_000,
    });
  });

  test("keeps the logs of old blocks readable although it forgets their state", async () => {
    const anvil = await start({ keepStates: 2 });
    const factories = await deployFactories(anvil);
    const seeded = await seedEscrows({ ...anvil, factories, count: 5, seed: 1 });
    await anvil.client.mine({ blocks: 100 });
    const blockNumber = BigInt(seeded.firstBlock);
    const logs = await anvil.client.getLogs({ fromBlock: blockNumber, toBlock: blockNumber });
    expect(logs).toHaveLength(10);
    await expect(
      anvil.client.getBalance({ address: factories.revisionA.address, blockNumber }),
    ).rejects.toThrow("BlockOutOfRange");
  });

  test("has its factories also where a node is slow to have a receipt, and no other block comes", async () => {
    const anvil = await start();
    const node = await LyingNode.start(anvil.rpcUrl);
    const asked = new Map<unknown, number>();
    node.lie = ({ method, params: [hash] }, answer) => {
      if (method !== "eth_getTransactionReceipt") return answer;
      const times = (asked.get(hash) ?? 0) + 1;
      asked.set(hash, times);
      return times > 4 ? answer : null;
    };
    try {
      const { revisionA, revisionB } = await deployFactories({ rpcUrl: node.url });
      expect([revisionA.startBlock, revisionB.startBlock]).toEqual([1, 2]);
      expect(asked.size).toBe(2);
    } finally {
      await node.stop();
    }
  });

  test("has each factory at the same address and finds it again", async () => {
    const [one, other] = [await start(), await start()];
    const deployed = await deployFactories(one);
    expect(await deployFactories(one)).toEqual(deployed);
    expect(await deployFactories(other)).toEqual(deployed);
    expect([deployed.revisionA.startBlock, deployed.revisionB.startBlock]).toEqual([1, 2]);
  });
});

describe("A reorg of the local chain", () => {
  test("gives the newest blocks other hashes and takes their logs away", async () => {
    const anvil = await start();
    const factories = await deployFactories(anvil);
    await seedEscrows({ ...anvil, factories, count: 4, seed: 1, escrowsPerBlock: 2 });
    const { client } = anvil;
    const hashes = async () => {
      const latest = Number(await client.getBlockNumber());
      const blocks = Array.from({ length: latest + 1 }, (_, n) =>
        client.getBlock({ blockNumber: BigInt(n) }),
      );
      return (await Promise.all(blocks)).map((block) => block.hash);
    };
    const before = await hashes();
    const logsBefore = await client.getLogs({ fromBlock: 0n });
    const { firstBlock, lastBlock } = await reorgChain({ ...anvil, depth: 2 });
    const after = await hashes();
    const logsAfter = await client.getLogs({ fromBlock: 0n });

    expect([firstBlock, lastBlock]).toEqual([before.length - 2, before.length - 1]);
    expect(after.slice(0, -2)).toEqual(before.slice(0, -2));
    expect(after.at(-2)).not.toBe(before.at(-2));
    expect(after.at(-1)).not.toBe(before.at(-1));
    expect(logsAfter).toEqual(logsBefore.filter((log) => Number(log.blockNumber) < firstBlock));
    expect(logsAfter.length).toBeLessThan(logsBefore.length);
  });

  test("can replace blocks again that have just been replaced", async () => {
    const anvil = await start();
    await anvil.client.mine({ blocks: 1 });
    const hash = async () => (await anvil.client.getBlock()).hash;
    const hashes = new Set([await hash()]);
    for (let reorg = 0; reorg < 3; reorg++) {
      await reorgChain({ ...anvil, depth: 1 });
      hashes.add(await hash());
    }
    expect(hashes.size).toBe(4);
  });

  test("can let something else happen in the new blocks", async () => {
    const anvil = await start();
    const factories = await deployFactories(anvil);
    const { lastBlock } = await seedEscrows({ ...anvil, factories, count: 1, seed: 1 });
    const [approval] = await anvil.client.getLogs({ fromBlock: BigInt(lastBlock) });
    const escrow = approval?.address as Address;
    const contract = { address: escrow, abi: escrowBAbi } as const;
    const payee = await anvil.client.readContract({ ...contract, functionName: "payee" });
    const data = encodeFunctionData({ abi: escrowBAbi, functionName: "approve" });

    await reorgChain({ ...anvil, depth: 1, transactions: [{ from: payee, to: escrow, data }] });
    const logs = await anvil.client.getLogs({ fromBlock: BigInt(lastBlock) });
    expect(logs.map((log) => [log.address, log.blockNumber])).toEqual([
      [escrow, BigInt(lastBlock)],
    ]);
    expect(logs[0]?.topics[1]).toContain(payee.slice(2).toLowerCase());
    expect(logs[0]?.blockHash).not.toBe(approval?.blockHash);
  });
});

describe("Escrow traffic", () => {
  async function playTraffic(anvil: RunningAnvil, options: Partial<TrafficOptions>) {
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const factories = await deployFactories(anvil);
    const traffic = startTraffic({
      rpcUrl: anvil.rpcUrl,
      chainId: CHAIN_ID,
      factories,
      seed: 1,
      eventsPerSecond: FAST,
      onError,
      ...options,
    });
    return { traffic, errors };
  }

  async function transactionsOf({ client }: Awaited<ReturnType<typeof start>>) {
    const latest = Number(await client.getBlockNumber());
    const blocks = await Promise.all(
      Array.from({ length: latest + 1 }, (_, n) =>
        client.getBlock({ blockNumber: BigInt(n), includeTransactions: true }),
      ),
    );
    return blocks.flatMap((block) =>
      block.transactions.map(({ from, to, input, value }) => [from, to, input, numberToHex(value)]),
    );
  }

  test("is the same for the same seed and another for another seed", async () => {
    const played = async (mining: Partial<AnvilOptions>, seed: number, maxSteps: number) => {
      const anvil = await start(mining);
      const { traffic, errors } = await playTraffic(anvil, { seed, maxSteps });
      await traffic.ended;
      expect(errors).toEqual([]);
      return transactionsOf(anvil);
    };
    const first = await played({}, 7, 150);
    expect(first).toHaveLength(2 + 150);
    expect(await played({}, 7, 150)).toEqual(first);
    expect(await played({ blockTimeSeconds: 1 }, 7, 150)).toEqual(first);
    expect(await played({}, 8, 150)).not.toEqual(first);
  });

  test("shows every kind of event, refunds too, and keeps chain time behind the wall clock", async () => {
    const anvil = await start();
    const { traffic, errors } = await playTraffic(anvil, { maxSteps: 500 });
    await traffic.ended;
    const stats = traffic.stats();

    expect(errors).toEqual([]);
    for (const count of Object.values(stats)) expect(count).toBeGreaterThan(0);
    const logs = await anvil.client.getLogs({ fromBlock: 0n });
    const { created, approved, released, refunded, arbiterChanged } = stats;
    expect(logs).toHaveLength(2 * created + approved + released + refunded + arbiterChanged);
    const { timestamp } = await anvil.client.getBlock();
    expect(Number(timestamp)).toBeGreaterThan(GENESIS + 31 * 86_400);
    expect(Number(timestamp)).toBeLessThan(Date.now() / 1_000);
  });

  test("never jumps past the wall clock on a chain that begins now", async () => {
    const anvil = await start({ genesisTimestamp: Math.floor(Date.now() / 1_000) });
    const { traffic, errors } = await playTraffic(anvil, { maxSteps: 60 });
    await traffic.ended;
    const { timestamp } = await anvil.client.getBlock();
    expect(errors).toEqual([]);
    expect(Number(timestamp)).toBeLessThan(Date.now() / 1_000 + 60);
  });

  test("carries on with the open deals of a chain that has a history", async () => {
    const anvil = await start();
    const before = await playTraffic(anvil, { maxSteps: 300 });
    await before.traffic.ended;
    const logsBefore = await anvil.client.getLogs({ fromBlock: 0n });
    const after = await playTraffic(anvil, { maxSteps: 100 });
    await after.traffic.ended;
    const logsAfter = (await anvil.client.getLogs({ fromBlock: 0n })).slice(logsBefore.length);
    const knownEscrows = new Set(logsBefore.map((log) => log.address));
    const { revisionA, revisionB } = await deployFactories(anvil);
    for (const { address } of [revisionA, revisionB]) {
      knownEscrows.delete(address.toLowerCase() as Address);
    }

    expect([before.errors, after.errors]).toEqual([[], []]);
    const onKnownEscrows = logsAfter.filter((log) => knownEscrows.has(log.address));
    expect(onKnownEscrows.length).toBeGreaterThan(20);
  });

  test("survives the chain going away and coming back", async () => {
    const stateFile = join(folder, "chain.json");
    const anvil = await start({ stateFile });
    const { traffic, errors } = await playTraffic(anvil, {});
    await vi.waitFor(() => expect(traffic.stats().created).toBeGreaterThan(3), { timeout: 20_000 });
    await anvil.stop();
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1), { timeout: 20_000 });
    await start({ stateFile, port: anvil.port });
    const { created } = traffic.stats();
    await vi.waitFor(() => expect(traffic.stats().created).toBeGreaterThan(created), {
      timeout: 20_000,
    });
    await traffic.stop();
  });

  test("survives a reorg that takes its newest escrows away", async () => {
    const anvil = await start();
    const { traffic } = await playTraffic(anvil, {});
    await vi.waitFor(() => expect(traffic.stats().created).toBeGreaterThan(10), {
      timeout: 20_000,
    });
    await reorgChain({ ...anvil, depth: 10 });
    const { created } = traffic.stats();
    await vi.waitFor(() => expect(traffic.stats().created).toBeGreaterThan(created + 10), {
      timeout: 40_000,
    });
    await traffic.stop();
  });

  test("keeps to the wanted rate and ends on a signal", async () => {
    const anvil = await start();
    const abort = new AbortController();
    const paced = await playTraffic(anvil, { eventsPerSecond: 30, maxSteps: 20 });
    const begin = performance.now();
    await paced.traffic.ended;
    expect(performance.now() - begin).toBeGreaterThan(400);

    const slow = await playTraffic(anvil, { eventsPerSecond: 0.001, signal: abort.signal });
    abort.abort();
    await slow.traffic.ended;
  });
});

describe("A history", () => {
  async function play(anvil: Awaited<ReturnType<typeof start>>, seed = 1) {
    const factories = await deployFactories(anvil);
    await anvil.client.setAutomine(false);
    await playHistory({ rpcUrl: anvil.rpcUrl, chainId: CHAIN_ID, factories, seed });
    return anvil.client.getLogs({ fromBlock: 0n });
  }
  const begun = () => ({ genesisTimestamp: Math.floor(Date.now() / 1_000) - HISTORY_SECONDS });

  test("ends now, with every kind of event, and most of it under 30 blocks", async () => {
    const anvil = await start(begun());
    const logs = await play(anvil);
    const topics = new Set(logs.map((log) => log.topics[0]));
    expect(topics.size).toBe(8);
    expect(Math.abs(await secondsBehind(anvil.client))).toBeLessThan(10);
    const head = Number(await anvil.client.getBlockNumber());
    const final = logs.filter((log) => Number(log.blockNumber) <= head - 30);
    expect(final.length).toBeGreaterThan(logs.length / 3);
  });

  test("is the same for the same seed", async () => {
    const played = async (seed: number) =>
      (await play(await start(begun()), seed)).map(({ address, topics }) => [address, topics]);
    const first = await played(3);
    expect(await played(3)).toEqual(first);
    expect(await played(4)).not.toEqual(first);
  });

  test("is played once", async () => {
    const anvil = await start(begun());
    const logs = await play(anvil);
    expect(await play(anvil)).toEqual(logs);
  });

  test("that cannot be played says why", async () => {
    const anvil = await start({ ...begun(), accounts: 3 });
    await expect(play(anvil)).rejects.toThrow("3 unlocked accounts");
  });
});

describe("A chain filled in bulk", () => {
  test("has exactly three events per escrow, in the blocks it says, and mines as before", async () => {
    const anvil = await start();
    const factories = await deployFactories(anvil);
    const seeded = await seedEscrows({ ...anvil, factories, count: 500, seed: 1 });
    const logs = await anvil.client.getLogs({
      fromBlock: BigInt(seeded.firstBlock),
      toBlock: BigInt(seeded.lastBlock),
    });
    const perBlock = Map.groupBy(logs, (log) => log.blockNumber);
    const emitters = logs.map((log) => log.address);
    const { revisionA, revisionB } = factories;

    expect(seeded).toMatchObject({ escrows: 500, events: 1_500 });
    expect(logs).toHaveLength(1_500);
    expect(await anvil.client.getLogs({ fromBlock: 0n })).toHaveLength(1_500);
    expect(Math.max(...[...perBlock.values()].map((block) => block.length))).toBe(150);
    expect(emitters).toContain(revisionA.address.toLowerCase());
    expect(emitters).toContain(revisionB.address.toLowerCase());
    expect(await anvil.client.getAutomine()).toBe(true);
  });
});
