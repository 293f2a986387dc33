import type { FactoryDeployment } from "../config/chain-deployment.ts";
import type { Hex } from "../src/events/escrow-event.ts";
import { agreedFinal, type FinalizedOf } from "./agreed-final.ts";
import { ArbiterSource } from "./arbiter-source.ts";
import { BlockSource } from "./block-source.ts";
import type { RawLog, RawLogFilter } from "./check-logs.ts";
import type { EndpointAbilitiesStatus } from "./endpoint-abilities.ts";
import type { EndpointStatus } from "./endpoint-health.ts";
import { type EndpointIdentity, EndpointPool, type EndpointPoolSettings } from "./endpoint-pool.ts";
import { EndpointSurvey } from "./endpoint-survey.ts";
import { LogSource } from "./log-source.ts";
import type { ProvenReceipts } from "./proven-receipts.ts";
import type { RangeFilter, RangePart } from "./range-reader.ts";
import type { RawBlock } from "./raw-block.ts";
import { type ContractCall, StateSource } from "./state-source.ts";

export type ChainSourceSettings = EndpointPoolSettings & {
  /**
   * How many endpoints have to give the same logs of a range; 1 unless given. Ranges are asked for
   * where blocks are final; new blocks, by their hash, wait for nobody.
   */
  agree?: number | undefined;
  /** Whose escrows are followed: an endpoint may demand that a question names contracts. */
  factories?: readonly FactoryDeployment[];
  /** First topics of the events that decide rows: blocks whose bloom speaks of them are proven. */
  topics: readonly Hex[];
};

export type ChainSourceStatus = {
  endpoints: (EndpointStatus & { can: EndpointAbilitiesStatus })[];
  /** Headers whose hash no known layout makes, and that every endpoint gave. */
  unprovenHeaders: number;
  /** Whether the chain's blooms are those of its blocks' logs. */
  bloom: string;
  /** How many endpoints have to agree on final logs, and how often they did not. */
  agree: { required: number; disagreements: number; last: string | null };
};

const NO_BLOOM: Hex = `0x${"0".repeat(512)}`;

/** One chain as its RPC nodes have it, believed only where it was checked. */
export class ChainSource {
  readonly #pool: EndpointPool;
  readonly #blocks: BlockSource;
  readonly #logs: LogSource;
  readonly #survey: EndpointSurvey;
  readonly #state: StateSource;
  readonly #arbiters: ArbiterSource;

  /** @throws Error when more endpoints have to agree than there are */
  constructor({ agree = 1, factories = [], topics, ...settings }: ChainSourceSettings) {
    const { chainId, endpoints } = settings;
    if (agree > endpoints.length)
      throw new Error(`${agree} endpoints cannot agree: chain ${chainId} has ${endpoints.length}`);
    this.#pool = new EndpointPool(settings);
    this.#blocks = new BlockSource(this.#pool);
    this.#logs = new LogSource(this.#pool, this.#blocks, { agree, factories, topics });
    this.#survey = new EndpointSurvey(this.#pool, factories);
    this.#state = new StateSource(this.#pool, agree);
    this.#arbiters = new ArbiterSource(
      this.#state,
      this.#blocks,
      (filter) => this.logs(filter),
      this.#pool.clock,
    );
  }

  get chainId(): number {
    return this.#pool.chainId;
  }

  /** Requests sent so far, to all endpoints. */
  get requests(): number {
    return this.#pool.requests;
  }

  get status(): ChainSourceStatus {
    return {
      endpoints: this.#pool.status,
      unprovenHeaders: this.#blocks.unproven,
      bloom: this.#logs.bloom.state,
      agree: this.#logs.agreement.status,
    };
  }

  /**
   * A block by number or hash; `isProven` unless its chain has a header layout that is not known.
   *
   * @throws RpcProblem when no endpoint has it, or none gives the truth
   */
  async block(
    asked: { number: number } | { hash: Hex },
    full = false,
  ): Promise<{ block: RawBlock; isProven: boolean }> {
    return await this.#blocks.read(asked, full);
  }

  /**
   * The block at a height as each endpoint has it now; those that do not answer are left out.
   *
   * @param isUsable leaves out the endpoints that are left alone for now
   */
  async blocksAt(
    number: number,
    isUsable = false,
  ): Promise<{ block: RawBlock; isProven: boolean; host: string }[]> {
    return await this.#blocks.ofEach({ number }, isUsable);
  }

  /** Each endpoint: which chain it says that it is of; null and the reason when it is silent. */
  async identify(): Promise<EndpointIdentity[]> {
    return await this.#pool.identify();
  }

  /** The newest block; never jumps back because some node lags. */
  async head(full = false): Promise<RawBlock> {
    return await this.#blocks.head(full);
  }

  /** The chain's own final block, as far as its endpoints agree; null where they know no such tag. */
  async finalized(): Promise<RawBlock | null> {
    return agreedFinal(await this.finalizedOfEach());
  }

  /** The same as each endpoint has it that answers, the highest first; asked twice if none does. */
  async finalizedOfEach(): Promise<FinalizedOf[]> {
    const ask = () => this.#blocks.ofEach({ tag: "finalized" }, true);
    const answers = await ask();
    return (answers.length > 0 ? answers : await ask()).toSorted(
      (a, b) => Number(b.block.number) - Number(a.block.number),
    );
  }

  /** Logs of a block by its hash, or of a range however long; in the order of the chain. */
  async logs(filter: RawLogFilter): Promise<RawLog[]> {
    if ("blockHash" in filter) return await this.#logs.ofBlock(filter);
    return await this.#logs.ofRange(filter);
  }

  /** The logs of a range, part by part, as the providers' limits have it. */
  parts(filter: RangeFilter): AsyncGenerator<RangePart> {
    return this.#logs.parts(filter);
  }

  /**
   * All receipts and logs of a block, proven by the receipts root in its header.
   *
   * @throws RpcProblem when nobody gives them; `refused` where no endpoint knows the method
   */
  async provenReceipts(block: RawBlock): Promise<ProvenReceipts> {
    return await this.#logs.proven(block);
  }

  /**
   * Looks at the endpoints: who lags behind the others is asked last from then on, and what each can
   * do is in `status`. To be called every now and then by whoever follows the chain's head.
   */
  async survey(): Promise<void> {
    await this.#survey.look();
  }

  /**
   * Logs that `provenReceipts` gave, with the hashes of their transactions: proven by the root in the
   * header, but where the chain has transactions of an encoding that is not known.
   *
   * @throws RpcProblem when nobody gives the block's transactions
   */
  async withTransactions(block: RawBlock, logs: readonly RawLog[]): Promise<RawLog[]> {
    return await this.#logs.withTransactions(block, logs);
  }

  /**
   * What a contract that is there answers at a block, as one word: who its arbiter was also where the
   * block's state is gone.
   *
   * @throws RpcProblem `no-state` when no endpoint can tell
   */
  async word(call: ContractCall, blockHash: Hex): Promise<Hex> {
    if (ArbiterSource.asks(call)) return await this.#arbiters.word(call.to, blockHash);
    return await this.#state.word(call, blockHash);
  }

  /** Any other question: whatever is answered is believed, so ask for nothing that decides rows. */
  async other(method: string, params: unknown[]): Promise<unknown> {
    return await this.#pool.ask(method, params, { what: "", parse: (answer) => answer });
  }

  /** This chain's blooms were seen to be wrong before: nothing is skipped by them. */
  distrustBlooms(): void {
    this.#logs.bloom.distrust();
  }

  /**
   * A block as whoever skips blocks by their bloom may see it: without one, until this chain's blooms
   * have shown themselves to be those of its blocks' logs.
   */
  withReliableBloom(block: RawBlock): RawBlock {
    return this.#logs.bloom.state === "trusted" ? block : { ...block, logsBloom: NO_BLOOM };
  }
}
