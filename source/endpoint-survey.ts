import { numberToHex } from "viem";
import type { FactoryDeployment } from "../config/chain-deployment.ts";
import { checkLogs, type RawLogFilter } from "./check-logs.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { checkBlock, type RawBlock } from "./raw-block.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** A question that failed so often is taken for one that the endpoint cannot answer. */
const TRIES = 3;

/**
 * Looks at every endpoint of a chain that may be asked now: where its head is, at the same moment as
 * the others', and once what it can do. What fails here harms nobody's health.
 */
export class EndpointSurvey {
  readonly #pool: EndpointPool;
  readonly #factories: readonly FactoryDeployment[];
  readonly #failed = new Map<RpcEndpoint, number>();

  constructor(pool: EndpointPool, factories: readonly FactoryDeployment[]) {
    this.#pool = pool;
    this.#factories = factories;
  }

  async look(): Promise<void> {
    const endpoints = this.#pool.there.filter(({ health }) => health.isUsable);
    if (endpoints.length > 1) await this.#compareHeads(endpoints);
    await Promise.all(endpoints.map((endpoint) => this.#findOut(endpoint)));
  }

  async #compareHeads(endpoints: readonly RpcEndpoint[]): Promise<void> {
    const seen = await Promise.all(
      endpoints.map(async (endpoint) => ({ endpoint, block: await this.#head(endpoint) })),
    );
    const heads = seen.flatMap(({ endpoint, block }) =>
      block === null ? [] : [{ endpoint, head: Number(block.number) }],
    );
    const descending = heads.map(({ head }) => head).sort((a, b) => b - a);
    // Of three, one that invents a head makes nobody lag.
    const best = descending[heads.length > 2 ? 1 : 0] ?? 0;
    for (const { endpoint, head } of heads) {
      endpoint.health.sawHead(head);
      endpoint.health.sawLag(Math.max(0, best - head));
    }
  }

  async #head(endpoint: RpcEndpoint): Promise<RawBlock | null> {
    return await this.#try(endpoint, "eth_getBlockByNumber", ["latest", false], (answer) => {
      return checkBlock(answer, { tag: "latest" }).block;
    });
  }

  async #findOut(endpoint: RpcEndpoint): Promise<void> {
    const { abilities } = endpoint;
    const isLastTry = (this.#failed.get(endpoint) ?? 0) + 1 >= TRIES;
    if (abilities.finalizedTag === null) {
      const block = await this.#try(
        endpoint,
        "eth_getBlockByNumber",
        ["finalized", false],
        (answer) => checkBlock(answer, { tag: "finalized" }).block,
      );
      if (block !== null || isLastTry) abilities.finalizedTag = block !== null;
    }
    if (abilities.archive === null) {
      const archive = await this.#archiveOf(endpoint);
      const isWhole = archive.logs && archive.receipts;
      if (isWhole || isLastTry) abilities.archive = archive;
    }
    if (abilities.finalizedTag === null || abilities.archive === null)
      this.#failed.set(endpoint, (this.#failed.get(endpoint) ?? 0) + 1);
  }

  /** Whether it has logs and receipts of the first block that is followed. */
  async #archiveOf(
    endpoint: RpcEndpoint,
  ): Promise<{ block: number; logs: boolean; receipts: boolean }> {
    const block = Math.min(...this.#factories.map(({ startBlock }) => startBlock));
    const at = numberToHex(block);
    const filter: RawLogFilter = {
      ...{ fromBlock: at, toBlock: at },
      address: this.#factories.map(({ address }) => address),
    };
    const [logs, receipts] = await Promise.all([
      this.#try(endpoint, "eth_getLogs", [filter], (answer) => checkLogs(answer, filter)),
      this.#try(endpoint, "eth_getBlockReceipts", [at], (answer) => {
        if (!Array.isArray(answer)) throw new RpcProblem("transient", "it has no such receipts");
        return answer;
      }),
    ]);
    return { block, logs: logs !== null, receipts: receipts !== null };
  }

  async #try<T>(
    endpoint: RpcEndpoint,
    method: string,
    params: unknown[],
    parse: (answer: unknown) => T,
  ): Promise<T | null> {
    try {
      await this.#pool.mustBeOfChain(endpoint);
      return await endpoint.askOnce(method, params, { what: "", parse, isSurvey: true });
    } catch (error) {
      if (error instanceof RpcProblem) return null;
      throw error;
    }
  }
}
