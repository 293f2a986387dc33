import { type Address, encodeFunctionData, type Hex, numberToHex, toHex, zeroAddress } from "viem";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";
import { partyProxyBytecode } from "../../contracts/bytecode/party-proxy.ts";
import { partyProxyAbi } from "../../contracts/test/party-proxy-abi.ts";
import { type ChainClient, connectToChain } from "../../local/chain/chain-client.ts";
import { type DeployedFactories, deployFactories } from "../../local/chain/deploy-factories.ts";
import {
  type CreateTerms,
  createCall,
  type EscrowCall,
  partyCall,
} from "../../local/chain/escrow-call.ts";
import { type RunningAnvil, startAnvil } from "../../local/chain/start-anvil.ts";
import { waitForReceipt, waitForReceipts } from "../../local/chain/wait-for-receipts.ts";

export type Revision = "A" | "B";

export type DealTerms = {
  payer?: Address;
  payee?: Address;
  arbiter?: Address;
  approvalsRequired?: number;
  /** Seconds; 0 by default. */
  releaseDelay?: number;
  amount?: bigint;
  isDeterministic?: boolean;
};

type PartyCalls = Parameters<typeof partyCall>[2];

const DAY_SECONDS = 86_400;
/** So old that a test may let half a year pass and still end before the wall clock's now. */
const AGE_SECONDS = 200 * DAY_SECONDS;
/** More than twice the finality depth of 30 blocks that the engine has for a chain it knows not. */
const BLOCKS_TO_FINALITY = 70;
const ONE_ETHER = 10n ** 18n;

/** An anvil chain with both factories on it, and people who make deals. One block per transaction. */
export class TestChain {
  readonly chainId: number;
  readonly rpcUrl: string;
  readonly client: ChainClient;
  readonly factories: DeployedFactories;
  readonly payer: Address;
  readonly payee: Address;
  readonly arbiter: Address;
  readonly stranger: Address;
  readonly #anvil: RunningAnvil;
  #salts = 0;

  private constructor(
    chainId: number,
    anvil: RunningAnvil,
    client: ChainClient,
    factories: DeployedFactories,
    people: Address[],
  ) {
    const [, payer, payee, arbiter, stranger] = people;
    if (!payer || !payee || !arbiter || !stranger) throw new Error("anvil has too few accounts");
    this.chainId = chainId;
    this.rpcUrl = anvil.rpcUrl;
    this.client = client;
    this.factories = factories;
    this.#anvil = anvil;
    this.payer = payer;
    this.payee = payee;
    this.arbiter = arbiter;
    this.stranger = stranger;
  }

  /** @param keepStates how many blocks back contracts can be asked; anvil's default is few */
  static async start(chainId: number, keepStates?: number): Promise<TestChain> {
    const genesisTimestamp = Math.floor(Date.now() / 1000) - AGE_SECONDS;
    const anvil = await startAnvil({
      chainId,
      genesisTimestamp,
      ...(keepStates === undefined ? {} : { keepStates }),
    });
    const client = connectToChain(anvil.rpcUrl);
    const factories = await deployFactories(anvil);
    return new TestChain(chainId, anvil, client, factories, await client.getAddresses());
  }

  /** What follows these chains: `DEPLOYMENTS`, the endpoints, and a pace that suits a test. */
  static environment(chains: TestChain[]): Record<string, string> {
    const deployments = chains.map(({ chainId, factories }) => ({
      name: `chain-${chainId}`,
      chainId,
      factories: [
        { ...factories.revisionA, revision: "A" },
        { ...factories.revisionB, revision: "B" },
      ],
    }));
    return {
      DEPLOYMENTS: JSON.stringify(deployments),
      ...Object.fromEntries(chains.map((each) => [`RPC_URL_${each.chainId}`, each.rpcUrl])),
      POLL_INTERVAL_SECONDS: "0.2",
      RPC_REQUESTS_PER_SECOND: "500",
      // Who starts a witness as well says so.
      FINAL_REQUIRES: "trust",
    };
  }

  stop(): Promise<void> {
    return this.#anvil.stop();
  }

  /** @returns the new escrow's address */
  async create(revision: Revision, terms: DealTerms = {}): Promise<Address> {
    const { payer, factory, ...rest } = this.#termsOf(revision, terms);
    const receipt = await this.#send(createCall({ ...rest, payer, factory }));
    return escrowOf(receipt.logs);
  }

  /** A creation paid by a smart account. */
  async createThrough(proxy: Address, revision: Revision, terms: DealTerms): Promise<Address> {
    const call = createCall(this.#termsOf(revision, { ...terms, payer: proxy }));
    const receipt = await this.#execute(proxy, [call], BigInt(call.value ?? "0x0"));
    return escrowOf(receipt.logs);
  }

  /** A creation in whose block the arbiter hands on to the second of these, who does to the third. */
  async createAndHandOn(revision: Revision, arbiters: readonly Address[]): Promise<Address> {
    const [arbiter, ...others] = arbiters;
    const terms = this.#termsOf(revision, { ...(arbiter && { arbiter }), isDeterministic: true });
    const escrow = await this.#predict(terms);
    const handOns = others.map((next, at) =>
      partyCall(arbiters[at] ?? zeroAddress, escrow, { changeArbiter: next }),
    );
    await this.client.setAutomine(false);
    try {
      const hashes: Hex[] = [];
      for (const call of [createCall(terms), ...handOns])
        hashes.push(await this.client.request({ method: "eth_sendTransaction", params: [call] }));
      await this.client.mine({ blocks: 1 });
      const receipts = await waitForReceipts(this.client, hashes);
      const blocks = new Set(receipts.map(({ blockNumber }) => blockNumber));
      if (blocks.size !== 1 || receipts.some(({ status }) => status !== "0x1"))
        throw new Error(`an escrow of revision ${revision} was not handed on within its block`);
    } finally {
      await this.client.setAutomine(true);
    }
    return escrow;
  }

  /** A party's call, in a transaction of its own. */
  async call(from: Address, escrow: Address, what: PartyCalls): Promise<void> {
    await this.#send(partyCall(from, escrow, what));
  }

  /** `approve()` by two smart accounts in one transaction: one of them calls the other. */
  async approveTogether(escrow: Address, first: Address, second: Address): Promise<void> {
    const approve = partyCall(first, escrow, "approve");
    const bySecond = { to: second, data: executeData([{ ...approve, to: escrow }]) };
    await this.#execute(first, [approve, bySecond]);
  }

  /** An escrow of each revision that goes all the way: 5 events each. */
  async makeDeals(): Promise<void> {
    for (const revision of ["A", "B"] as const) {
      const escrow = await this.create(revision);
      await this.call(this.payer, escrow, "approve");
      await this.call(this.payee, escrow, "approve");
    }
  }

  async deployProxy(): Promise<Address> {
    const hash = await this.client.sendTransaction({
      account: this.stranger,
      data: partyProxyBytecode,
      chain: null,
    });
    const { contractAddress } = await waitForReceipt(this.client, hash);
    if (!contractAddress) throw new Error(`${hash} deployed no contract`);
    return contractAddress;
  }

  async passDays(days: number): Promise<void> {
    await this.client.increaseTime({ seconds: days * DAY_SECONDS });
    await this.client.mine({ blocks: 1 });
  }

  /** Mines until the engine calls everything that has happened final. */
  async makeFinal(): Promise<void> {
    await this.client.mine({ blocks: BLOCKS_TO_FINALITY });
  }

  #termsOf(revision: Revision, terms: DealTerms) {
    return {
      factory: this.factories[`revision${revision}`].address,
      payer: terms.payer ?? this.payer,
      payee: terms.payee ?? this.payee,
      arbiter: terms.arbiter,
      amount: terms.amount ?? ONE_ETHER,
      releaseDelay: terms.releaseDelay ?? 0,
      approvalsRequired: terms.approvalsRequired ?? 2,
      salt: terms.isDeterministic ? toHex(++this.#salts, { size: 32 }) : undefined,
    };
  }

  async #predict({ factory, payer, ...terms }: CreateTerms): Promise<Address> {
    const { payee, releaseDelay, approvalsRequired, arbiter = zeroAddress, salt = "0x" } = terms;
    return await this.client.readContract({
      address: factory,
      abi: escrowFactoryBAbi,
      functionName: "predictEscrow",
      args: [payer, payee, BigInt(releaseDelay), approvalsRequired, arbiter, salt],
    });
  }

  async #execute(proxy: Address, calls: { to: Address; data: Hex; value?: Hex }[], value = 0n) {
    return this.#send({
      from: this.stranger,
      to: proxy,
      value: numberToHex(value),
      gas: numberToHex(2_000_000),
      data: executeData(calls),
    });
  }

  async #send(call: EscrowCall) {
    const hash = await this.client.request({ method: "eth_sendTransaction", params: [call] });
    const [receipt] = await waitForReceipts(this.client, [hash]);
    if (receipt?.status !== "0x1") throw new Error(`transaction ${hash} failed`);
    return receipt;
  }
}

function executeData(calls: { to: Address; data: Hex; value?: Hex }[]): Hex {
  const args = calls.map(({ to, data, value = "0x0" }) => ({
    target: to,
    value: BigInt(value),
    data,
  }));
  return encodeFunctionData({ abi: partyProxyAbi, functionName: "execute", args: [args] });
}

/** The escrow's own `EscrowCreated` is the first log of its creation. */
function escrowOf(logs: { address: Address }[]): Address {
  return logs[0]?.address ?? zeroAddress;
}
