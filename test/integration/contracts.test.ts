import {
  type Abi,
  type Address,
  encodeFunctionData,
  getAddress,
  getContractAddress,
  type Hash,
  type Hex,
  parseEventLogs,
  toEventSelector,
  zeroAddress,
} from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";
import { partyProxyBytecode } from "../../contracts/bytecode/party-proxy.ts";
import { partyProxyAbi } from "../../contracts/test/party-proxy-abi.ts";
import { type ChainClient, connectToChain } from "../../local/chain/chain-client.ts";
import { deployFactories } from "../../local/chain/deploy-factories.ts";
import { type RunningAnvil, startAnvil } from "../../local/chain/start-anvil.ts";
import { waitForReceipt } from "../../local/chain/wait-for-receipts.ts";

const DAY = 86_400;
const AMOUNT = 5_000n;
const STATUS = { created: 0, approved: 1, released: 2, refunded: 3 };

type Terms = {
  payer?: Address;
  payee?: Address;
  arbiter?: Address;
  approvalsRequired?: number;
  releaseDelay?: number;
  amount?: bigint;
};

let anvil: RunningAnvil;
let client: ChainClient;
let payer: Address;
let payee: Address;
let arbiter: Address;
let stranger: Address;
const factories: Record<"A" | "B", Address> = { A: zeroAddress, B: zeroAddress };

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31337 });
  client = connectToChain(anvil.rpcUrl);
  const deployed = await deployFactories(anvil);
  factories.A = deployed.revisionA.address;
  factories.B = deployed.revisionB.address;
  const accounts = await client.getAddresses();
  [, payer, payee, arbiter, stranger] = accounts as [Address, Address, Address, Address, Address];
});

afterAll(() => anvil?.stop());

describe.each(["A", "B"] as const)("A revision %s escrow", (revision) => {
  const factoryAbi = (revision === "A" ? escrowFactoryAAbi : escrowFactoryBAbi) as Abi;
  const escrowAbi = (revision === "A" ? escrowAAbi : escrowBAbi) as Abi;
  let factory: Address;

  beforeEach(() => {
    factory = factories[revision];
  });

  async function send(
    from: Address,
    to: Address,
    functionName: string,
    args: readonly unknown[] = [],
    value = 0n,
    abi: Abi = [...factoryAbi, ...escrowAbi],
  ) {
    // The simulation throws with the contract's own error; the sent transaction would only fail.
    await client.simulateContract({ account: from, address: to, abi, functionName, args, value });
    const data = encodeFunctionData({ abi, functionName, args });
    const hash = await client.sendTransaction({ account: from, to, data, value, chain: null });
    return waitForReceipt(client, hash);
  }

  const termsOf = (terms: Terms) => [
    terms.payee ?? payee,
    BigInt(terms.releaseDelay ?? 0),
    terms.approvalsRequired ?? 2,
    terms.arbiter ?? zeroAddress,
  ];

  function create(terms: Terms = {}) {
    const amount = terms.amount ?? AMOUNT;
    return send(terms.payer ?? payer, factory, "createEscrow", termsOf(terms), amount);
  }

  async function escrowWith(terms: Terms = {}): Promise<Address> {
    const { logs } = await create(terms);
    const escrow = logs[0]?.address;
    if (!escrow) throw new Error("The creation left no log");
    return escrow;
  }

  const read = (escrow: Address, functionName: string, args: readonly unknown[] = []) =>
    client.readContract({ address: escrow, abi: escrowAbi, functionName, args });

  async function namesOf(hash: Hash): Promise<string[]> {
    const { logs } = await client.getTransactionReceipt({ hash });
    return parseEventLogs({ abi: [...factoryAbi, ...escrowAbi], logs }).map((log) =>
      String((log as { eventName?: string }).eventName),
    );
  }

  const passTime = async (seconds: number): Promise<void> => {
    await client.increaseTime({ seconds });
    await client.mine({ blocks: 1 });
  };

  async function deployProxy(): Promise<Address> {
    const hash = await client.sendTransaction({
      account: stranger,
      data: partyProxyBytecode,
      chain: null,
    });
    const { contractAddress } = await waitForReceipt(client, hash);
    if (!contractAddress) throw new Error("The proxy was not deployed");
    return contractAddress;
  }

  const call = (target: Address, data: Hex, value = 0n) => ({ target, value, data });
  const approveData = encodeFunctionData({ abi: escrowBAbi, functionName: "approve" });

  test("declares exactly the documented events, argument by argument", () => {
    const eventsOf = (abi: Abi) =>
      abi
        .filter((item) => item.type === "event")
        .map(({ name, inputs }) => {
          const written = inputs.map((input) =>
            [input.type, ...(input.indexed ? ["indexed"] : []), input.name].join(" "),
          );
          return `event ${name}(${written.join(", ")})`;
        })
        .sort();
    const arbiterTopic = revision === "A" ? "" : "address indexed arbiter, ";
    const arbiterData = revision === "A" ? "" : "address arbiter, ";

    expect(eventsOf(factoryAbi)).toEqual([
      `event EscrowDeployed(address indexed escrow, address indexed payer, address indexed payee, ${arbiterData}uint256 amount, uint256 releaseDelay, uint8 approvalsRequired)`,
    ]);
    expect(eventsOf(escrowAbi)).toEqual([
      "event Approved(address indexed approver)",
      "event ArbiterChanged(address indexed oldArbiter, address indexed newArbiter)",
      `event EscrowCreated(address indexed payer, address indexed payee, ${arbiterTopic}uint256 amount, uint256 releaseTime, uint8 approvalsRequired)`,
      "event EscrowRefunded(address indexed payer, uint256 amount, uint256 timestamp)",
      "event EscrowReleased(address indexed payee, uint256 amount, uint256 timestamp)",
    ]);
  });

  test("logs its creation before the factory does, with exactly the documented topics", async () => {
    const receipt = await create({ arbiter, releaseDelay: 60, approvalsRequired: 3 });
    const { timestamp } = await client.getBlock({ blockNumber: receipt.blockNumber });
    const [created, deployed] = receipt.logs;
    const escrow = created?.address;
    const signatures =
      revision === "A"
        ? [
            "EscrowCreated(address,address,uint256,uint256,uint8)",
            "EscrowDeployed(address,address,address,uint256,uint256,uint8)",
          ]
        : [
            "EscrowCreated(address,address,address,uint256,uint256,uint8)",
            "EscrowDeployed(address,address,address,address,uint256,uint256,uint8)",
          ];

    expect(receipt.logs).toHaveLength(2);
    expect(deployed?.address).toBe(factory.toLowerCase());
    expect(created?.logIndex).toBeLessThan(Number(deployed?.logIndex));
    expect(receipt.logs.map((log) => log.topics[0])).toEqual(signatures.map(toEventSelector));
    expect(created?.topics).toHaveLength(revision === "A" ? 3 : 4);
    expect(deployed?.topics).toHaveLength(4);

    const parsed = parseEventLogs({ abi: [...factoryAbi, ...escrowAbi], logs: receipt.logs });
    const named = revision === "A" ? {} : { arbiter };
    const terms = { payer, payee, ...named, amount: AMOUNT, approvalsRequired: 3 };
    expect(parsed.map((log) => (log as { args?: unknown }).args)).toEqual([
      { ...terms, releaseTime: timestamp + 60n },
      { ...terms, escrow: getAddress(escrow ?? zeroAddress), releaseDelay: 60n },
    ]);
  });

  test("lets its terms and its state be read back", async () => {
    const escrow = await escrowWith({ arbiter, releaseDelay: 60, approvalsRequired: 3 });
    const { timestamp } = await client.getBlock();

    expect(await read(escrow, "payer")).toBe(payer);
    expect(await read(escrow, "payee")).toBe(payee);
    expect(await read(escrow, "arbiter")).toBe(arbiter);
    expect(await read(escrow, "amount")).toBe(AMOUNT);
    expect(await read(escrow, "releaseTime")).toBe(timestamp + 60n);
    expect(await read(escrow, "approvalsRequired")).toBe(3);
    expect(await read(escrow, "approvalCount")).toBe(0);
    expect(await read(escrow, "getStatus")).toBe(STATUS.created);
    expect(await client.getBalance({ address: escrow })).toBe(AMOUNT);

    await send(payee, escrow, "approve");
    expect(await read(escrow, "getStatus")).toBe(STATUS.approved);
    expect(await read(escrow, "approvalCount")).toBe(1);
    expect(await read(escrow, "hasApproved", [payee])).toBe(true);
    expect(await read(escrow, "hasApproved", [payer])).toBe(false);
  });

  test("gets the address that was predicted for its salt, once", async () => {
    const salt = `0x${"5a".repeat(32)}` as const;
    const terms = termsOf({ arbiter, releaseDelay: 60 });
    const predicted = await client.readContract({
      address: factory,
      abi: factoryAbi,
      functionName: "predictEscrow",
      args: [payer, ...terms, salt],
    });
    const create2 = () =>
      send(payer, factory, "createEscrowDeterministic", [...terms, salt], AMOUNT);
    const { logs } = await create2();

    expect(getAddress(logs[0]?.address ?? zeroAddress)).toBe(predicted);
    expect(await read(predicted as Address, "payer")).toBe(payer);
    await expect(create2()).rejects.toThrow("EscrowExists");
  });

  test("is refused when its terms could never work out", async () => {
    await expect(create({ amount: 0n })).rejects.toThrow("AmountIsZero");
    await expect(create({ payee: zeroAddress })).rejects.toThrow("PartyIsZero");
    await expect(create({ payee: payer })).rejects.toThrow("PartiesNotDistinct");
    await expect(create({ arbiter: payee })).rejects.toThrow("PartiesNotDistinct");
    await expect(create({ approvalsRequired: 0 })).rejects.toThrow("ApprovalsOutOfRange");
    await expect(create({ approvalsRequired: 4 })).rejects.toThrow("ApprovalsOutOfRange");
    await expect(create({ approvalsRequired: 3 })).rejects.toThrow("ArbiterRequired");
  });

  test("pays the payee inside the last missing approval when the release time has passed", async () => {
    const escrow = await escrowWith();
    const before = await client.getBalance({ address: payee });
    await send(payee, escrow, "approve");
    const spent = before - (await client.getBalance({ address: payee }));
    const { transactionHash } = await send(payer, escrow, "approve");

    expect(await namesOf(transactionHash)).toEqual(["Approved", "EscrowReleased"]);
    expect(await client.getBalance({ address: payee })).toBe(before - spent + AMOUNT);
    expect(await client.getBalance({ address: escrow })).toBe(0n);
    expect(await read(escrow, "getStatus")).toBe(STATUS.released);
  });

  test("waits for the release time although all approvals are in", async () => {
    const escrow = await escrowWith({ releaseDelay: 600, approvalsRequired: 1 });
    const { transactionHash } = await send(payer, escrow, "approve");

    expect(await namesOf(transactionHash)).toEqual(["Approved"]);
    expect(await read(escrow, "isReleasable")).toBe(false);
    await expect(send(payee, escrow, "release")).rejects.toThrow("ReleaseTimeNotReached");
    await passTime(600);
    expect(await read(escrow, "isReleasable")).toBe(true);
    const released = await send(stranger, escrow, "release");
    expect(await namesOf(released.transactionHash)).toEqual(["EscrowReleased"]);
    expect(await read(escrow, "isReleasable")).toBe(false);
  });

  test("counts each party once and nobody else", async () => {
    const escrow = await escrowWith({ arbiter, approvalsRequired: 3 });
    await send(payer, escrow, "approve");
    await expect(send(payer, escrow, "approve")).rejects.toThrow("AlreadyApproved");
    await expect(send(stranger, escrow, "approve")).rejects.toThrow("NotAParty");
    await send(arbiter, escrow, "approve");
    await expect(send(payer, escrow, "release")).rejects.toThrow("ApprovalsMissing");
    await send(payee, escrow, "approve");
    expect(await read(escrow, "getStatus")).toBe(STATUS.released);
  });

  test("gives the money back to the payer alone, thirty days after the release time", async () => {
    const escrow = await escrowWith({ releaseDelay: 60 });
    await send(payee, escrow, "approve");
    await passTime(60 + 30 * DAY - 100);
    await expect(send(payer, escrow, "refund")).rejects.toThrow("RefundTimeNotReached");
    await passTime(100);
    await expect(send(payee, escrow, "refund")).rejects.toThrow("NotThePayer");
    const { transactionHash } = await send(payer, escrow, "refund");

    expect(await namesOf(transactionHash)).toEqual(["EscrowRefunded"]);
    expect(await client.getBalance({ address: escrow })).toBe(0n);
    expect(await read(escrow, "getStatus")).toBe(STATUS.refunded);
  });

  test("does nothing more once it is settled", async () => {
    const escrow = await escrowWith({ arbiter, approvalsRequired: 1 });
    await send(payer, escrow, "approve");
    await passTime(31 * DAY);
    for (const [from, name, args] of [
      [payee, "approve", []],
      [payee, "release", []],
      [payer, "refund", []],
      [arbiter, "changeArbiter", [stranger]],
    ] as const) {
      await expect(send(from, escrow, name, args)).rejects.toThrow("AlreadySettled");
    }
  });

  test("lets the arbiter, and nobody else, hand the role on before having approved", async () => {
    const escrow = await escrowWith({ arbiter, approvalsRequired: 3 });
    const changeTo = (from: Address, to: Address) => send(from, escrow, "changeArbiter", [to]);
    await expect(changeTo(payer, stranger)).rejects.toThrow("NotTheArbiter");
    await expect(changeTo(arbiter, payee)).rejects.toThrow("PartiesNotDistinct");
    await expect(changeTo(arbiter, zeroAddress)).rejects.toThrow("PartyIsZero");
    const { logs } = await changeTo(arbiter, stranger);

    const [changed] = parseEventLogs({ abi: escrowBAbi, logs });
    expect(changed?.eventName).toBe("ArbiterChanged");
    expect(changed?.args).toEqual({ oldArbiter: arbiter, newArbiter: stranger });
    expect(await read(escrow, "arbiter")).toBe(stranger);
    await expect(send(arbiter, escrow, "approve")).rejects.toThrow("NotAParty");
    await send(stranger, escrow, "approve");
    await expect(changeTo(stranger, arbiter)).rejects.toThrow("ArbiterHasApproved");
  });

  test("can be approved twice in one transaction", async () => {
    const [first, second] = [await deployProxy(), await deployProxy()];
    const created = encodeFunctionData({
      abi: factoryAbi,
      functionName: "createEscrow",
      args: termsOf({ payee: second, releaseDelay: 60 }),
    });
    const execute = (calls: readonly unknown[], value = 0n) =>
      send(stranger, first, "execute", [calls], value, partyProxyAbi as Abi);
    const { logs } = await execute([call(factory, created, AMOUNT)], AMOUNT);
    const escrow = logs[0]?.address as Address;
    const approveAsSecond = encodeFunctionData({
      abi: partyProxyAbi,
      functionName: "execute",
      args: [[call(escrow, approveData)]],
    });
    const both = await execute([call(escrow, approveData), call(second, approveAsSecond)]);

    expect(await namesOf(both.transactionHash)).toEqual(["Approved", "Approved"]);
    expect(await read(escrow, "approvalCount")).toBe(2);
  });

  test("keeps the money when the payee refuses it, and pays when the payee accepts", async () => {
    const proxy = await deployProxy();
    const refuse = (yes: boolean) =>
      send(stranger, proxy, "setRefusesMoney", [yes], 0n, partyProxyAbi as Abi);
    const escrow = await escrowWith({ payee: proxy, approvalsRequired: 1 });
    await refuse(true);

    await expect(send(payer, escrow, "approve")).rejects.toThrow("PaymentFailed");
    expect(await client.getBalance({ address: escrow })).toBe(AMOUNT);
    expect(await read(escrow, "getStatus")).toBe(STATUS.created);
    await refuse(false);
    await send(payer, escrow, "approve");
    expect(await client.getBalance({ address: proxy })).toBe(AMOUNT);
  });
});

test("The factories have the same addresses on every fresh chain", () => {
  const deployer = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
  expect(factories.A).toBe(getContractAddress({ from: deployer, nonce: 0n }));
  expect(factories.B).toBe(getContractAddress({ from: deployer, nonce: 1n }));
});
