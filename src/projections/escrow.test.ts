import { describe, expect, test } from "vitest";
import {
  ARBITER,
  approved,
  arbiterChanged,
  CREATED_AT,
  created,
  deployed,
  ESCROW,
  FACTORY,
  fold,
  given,
  MAX_UINT256,
  ONE_ETHER,
  PAYEE,
  PAYER,
  RELEASE_TIME,
  refunded,
  released,
  STRANGER,
  ZERO_ADDRESS,
} from "../../test/support/given-events.ts";
import { hasEnded, isReleasable } from "./escrow.ts";

const A = { revision: "A" } as const;
const twiceApproved = [created(), approved(PAYER), approved(PAYEE)];

describe.each(["A", "B"] as const)("an escrow of revision %s", (revision) => {
  const at = { revision };
  const arbiter = revision === "B" ? ARBITER : null;

  test("is created by EscrowCreated with the terms of the deal", () => {
    given([])
      .when(created({}, at))
      .leaves({
        chainId: 11155111,
        address: ESCROW,
        status: "created",
        revision,
        factory: null,
        payer: PAYER,
        payee: PAYEE,
        arbiter,
        amount: ONE_ETHER,
        releaseTime: RELEASE_TIME,
        approvalsRequired: 2,
        approvalsGiven: 0,
        approvers: [],
        releasableFrom: null,
        createdAt: CREATED_AT,
        createdBlock: Number(CREATED_AT / 12n),
        settledAt: null,
        updatedAt: CREATED_AT,
        version: 1,
        anomalies: 0,
      });
  });

  test("learns its factory from the EscrowDeployed behind EscrowCreated in the same transaction", () => {
    given([created({}, { ...at, logIndex: 4 })])
      .when(deployed({}, { ...at, logIndex: 5 }))
      .leaves({ status: "created", factory: FACTORY, arbiter, createdAt: CREATED_AT, version: 2 });
  });

  test("is approved by its first approval and becomes releasable with its last", () => {
    given([created({}, at)])
      .when(approved(PAYER, at))
      .leaves({
        status: "approved",
        approvers: [PAYER],
        approvalsGiven: 1,
        releasableFrom: null,
      });
    given([created({}, at), approved(PAYER, at)])
      .when(approved(PAYEE, at))
      .leaves({
        status: "approved",
        approvers: [PAYER, PAYEE],
        approvalsGiven: 2,
        releasableFrom: RELEASE_TIME,
      });
  });

  test("is released to the payee once approvals and release time are reached", () => {
    const release = released({}, at);
    given([created({}, at), approved(PAYER, at), approved(PAYEE, at)])
      .when(release)
      .leaves({
        status: "released",
        releasableFrom: null,
        settledAt: RELEASE_TIME,
        settledBlock: release.blockNumber,
        settledTransaction: release.transactionHash,
      });
  });

  test("is refunded to the payer 30 days after the release time, with approvals or without", () => {
    given([created({}, at)])
      .when(refunded({}, at))
      .leaves({ status: "refunded", settledAt: RELEASE_TIME + 2_592_000n, releasableFrom: null });
    given([created({}, at), approved(PAYEE, at)])
      .when(refunded({}, at))
      .leaves({ status: "refunded", approvalsGiven: 1 });
    given([created({}, at), approved(PAYER, at), approved(PAYEE, at)])
      .when(refunded({}, at))
      .leaves({ status: "refunded", releasableFrom: null });
  });

  test("may change its arbiter before and after an approval", () => {
    given([created({}, at)])
      .when(arbiterChanged(ARBITER, STRANGER, at))
      .leaves({ status: "created", arbiter: STRANGER });
    given([created({}, at), approved(PAYER, at)])
      .when(arbiterChanged(ARBITER, STRANGER, at))
      .leaves({ status: "approved", arbiter: STRANGER, approvers: [PAYER] });
  });
});

describe("the arbiter", () => {
  test("is none when revision B names the zero address", () => {
    given([])
      .when(created({ arbiter: ZERO_ADDRESS }))
      .leaves({ arbiter: null });
    given([created({ arbiter: ZERO_ADDRESS })])
      .when(deployed({ arbiter: ZERO_ADDRESS }))
      .leaves({ arbiter: null });
  });

  test("of revision A is not known before its first change, whoever it was", () => {
    given([created({}, A)])
      .when(arbiterChanged(STRANGER, ARBITER, A))
      .leaves({ arbiter: ARBITER });
    given([created({}, A), arbiterChanged(STRANGER, ARBITER, A)])
      .when(arbiterChanged(STRANGER, PAYER, A))
      .isAnomaly(`the arbiter was not ${STRANGER}`, { arbiter: PAYER });
  });

  test("that is replaced must be the one that the escrow had", () => {
    given([created()])
      .when(arbiterChanged(STRANGER, PAYER))
      .isAnomaly(`the arbiter was not ${STRANGER}`, { arbiter: PAYER });
    given([created()])
      .when(arbiterChanged(ZERO_ADDRESS, STRANGER))
      .isAnomaly("the arbiter was not absent", { arbiter: STRANGER });
    given([created({ arbiter: ZERO_ADDRESS })])
      .when(arbiterChanged(ARBITER, STRANGER))
      .isAnomaly(`the arbiter was not ${ARBITER}`, { arbiter: STRANGER });
  });

  test("can be named where there was none, and given up", () => {
    given([created({ arbiter: ZERO_ADDRESS })])
      .when(arbiterChanged(ZERO_ADDRESS, STRANGER))
      .leaves({ arbiter: STRANGER });
    given([created()]).when(arbiterChanged(ARBITER, ZERO_ADDRESS)).leaves({ arbiter: null });
  });
});

describe("approvals", () => {
  test("count singly when two of them and the release share one transaction", () => {
    const at = (logIndex: number) => ({ timestamp: RELEASE_TIME, logIndex });
    const history = [created(), approved(PAYER, at(0)), approved(PAYEE, at(1))];
    expect(new Set(history.slice(1).map((event) => event.transactionHash)).size).toBe(1);
    expect(fold(history)).toMatchObject({ approvers: [PAYER, PAYEE], approvalsGiven: 2 });
    given(history)
      .when(released({}, at(2)))
      .leaves({ status: "released", approvalsGiven: 2, version: 4 });
  });

  test("may be more than required", () => {
    given(twiceApproved)
      .when(approved(ARBITER))
      .leaves({ approvalsGiven: 3, releasableFrom: RELEASE_TIME });
  });

  test("count once for each approver", () => {
    given([created(), approved(PAYER)])
      .when(approved(PAYER))
      .isAnomaly(`approved twice by ${PAYER}`, { approvers: [PAYER], approvalsGiven: 1 });
  });
});

describe("whether an escrow is releasable", () => {
  test("turns at the very second of its release time", () => {
    const state = { releasableFrom: fold(twiceApproved)?.releasableFrom ?? null };
    expect(state.releasableFrom).toBe(RELEASE_TIME);
    expect(isReleasable(state, RELEASE_TIME - 1n)).toBe(false);
    expect(isReleasable(state, RELEASE_TIME)).toBe(true);
    expect(isReleasable(state, RELEASE_TIME + 1n)).toBe(true);
  });

  test("is no at any time while approvals are missing, and after the end", () => {
    for (const history of [
      [created(), approved()],
      [...twiceApproved, released()],
    ]) {
      const state = { releasableFrom: fold(history)?.releasableFrom ?? null };
      expect(isReleasable(state, MAX_UINT256)).toBe(false);
    }
  });

  test("ends with a release and with a refund only", () => {
    const ended = ["unknown", "created", "approved", "released", "refunded"].map((status) =>
      hasEnded({ status }),
    );
    expect(ended).toEqual([false, false, false, true, true]);
  });
});

test("amounts and times of any uint256 are folded without loss", () => {
  const history = [
    created({ amount: MAX_UINT256, releaseTime: MAX_UINT256, approvalsRequired: 1 }),
    approved(PAYER),
  ];
  expect(fold(history)).toMatchObject({
    amount: 2n ** 256n - 1n,
    releaseTime: 2n ** 256n - 1n,
    releasableFrom: 2n ** 256n - 1n,
  });
  given(history)
    .when(released({ amount: MAX_UINT256 - 1n }))
    .isAnomaly(`released ${MAX_UINT256 - 1n} wei of ${MAX_UINT256}`, { status: "released" });
});

describe("an event that the contract cannot have produced is told and never thrown", () => {
  const unknown = "event of an escrow whose creation was never seen";

  test("EscrowDeployed without EscrowCreated: the deal is built from what the factory says", () => {
    given([])
      .when(deployed({ releaseDelay: 100n }))
      .isAnomaly("EscrowDeployed without EscrowCreated before it", {
        status: "created",
        factory: FACTORY,
        payer: PAYER,
        amount: ONE_ETHER,
        releaseTime: CREATED_AT + 100n,
        createdAt: CREATED_AT,
      });
  });

  test("any other first event: the escrow is unknown, and no money is counted", () => {
    given([])
      .when(approved(PAYER))
      .isAnomaly(unknown, { status: "unknown", approvers: [PAYER], releasableFrom: null });
    given([]).when(released()).isAnomaly(unknown, { status: "unknown", settledAt: null });
    given([]).when(refunded()).isAnomaly(unknown, { status: "unknown", settledAt: null });
    given([])
      .when(arbiterChanged(ARBITER, STRANGER))
      .isAnomaly(unknown, { status: "unknown", arbiter: STRANGER, amount: null });
  });

  test("a creation after other events: the terms are taken and earlier approvals kept", () => {
    given([approved(PAYER)])
      .when(created({ approvalsRequired: 1 }))
      .isAnomaly("creation is not first", {
        status: "approved",
        approvers: [PAYER],
        amount: ONE_ETHER,
        releasableFrom: RELEASE_TIME,
      });
    given([arbiterChanged(ARBITER, STRANGER, A)])
      .when(created({}, A))
      .isAnomaly("creation is not first", { status: "created", arbiter: STRANGER });
  });

  test("a second creation or deployment: the first one stands", () => {
    given([created()])
      .when(created({ amount: 5n, payer: STRANGER }))
      .isAnomaly("escrow was created before", { amount: ONE_ETHER, payer: PAYER });
    given([created(), deployed()])
      .when(deployed({}, { emitter: STRANGER }))
      .isAnomaly("escrow was deployed before", { factory: FACTORY });
    given([deployed()])
      .when(created())
      .isAnomaly("escrow was created before", { factory: FACTORY, status: "created" });
  });

  test.each([
    ["payer", { payer: STRANGER }],
    ["payee", { payee: STRANGER }],
    ["amount", { amount: ONE_ETHER + 1n }],
  ])(
    "EscrowDeployed with another %s than EscrowCreated: the escrow's own word stands",
    (_, args) => {
      given([created()])
        .when(deployed(args))
        .isAnomaly("EscrowDeployed and EscrowCreated disagree on the parties or amount", {
          factory: FACTORY,
          payer: PAYER,
          payee: PAYEE,
          amount: ONE_ETHER,
        });
    },
  );

  test("anything but a change of arbiter after the end: the first end stands", () => {
    const isReleased = [...twiceApproved, released()];
    const isRefunded = [created(), refunded()];
    const end = { status: "released", settledAt: RELEASE_TIME, approvalsGiven: 2 };
    given(isReleased).when(refunded()).isAnomaly("refunded after it was released", end);
    given(isReleased).when(released()).isAnomaly("released after it was released", end);
    given(isReleased).when(approved(ARBITER)).isAnomaly("approved after it was released", end);
    const other = { status: "refunded", approvalsGiven: 0 };
    given(isRefunded).when(released()).isAnomaly("released after it was refunded", other);
    given(isRefunded).when(refunded()).isAnomaly("refunded after it was refunded", other);
    given(isRefunded).when(approved()).isAnomaly("approved after it was refunded", other);
  });

  test("a release with too few approvals: the money is gone even so", () => {
    given([created(), approved(PAYER)])
      .when(released())
      .isAnomaly("released with 1 of 2 approvals", { status: "released" });
  });

  test("a release a second before its time: the money is gone even so", () => {
    given(twiceApproved)
      .when(released({}, { timestamp: RELEASE_TIME - 1n }))
      .isAnomaly(`released before its release time ${RELEASE_TIME}`, { status: "released" });
  });

  test("a refund a second before the 30 days are over: the money is gone even so", () => {
    const openFrom = RELEASE_TIME + 2_592_000n;
    given([created()])
      .when(refunded({}, { timestamp: openFrom - 1n }))
      .isAnomaly(`refunded before ${openFrom}, 30 days after its release time`, {
        status: "refunded",
      });
  });

  test("a release or refund to somebody else, or of another amount: the money is gone even so", () => {
    given(twiceApproved)
      .when(released({ payee: STRANGER }))
      .isAnomaly(`released to ${STRANGER}, not to the payee`, { status: "released", payee: PAYEE });
    given(twiceApproved)
      .when(released({ amount: 1n }))
      .isAnomaly(`released 1 wei of ${ONE_ETHER}`, { status: "released", amount: ONE_ETHER });
    given([created()])
      .when(refunded({ payer: STRANGER }))
      .isAnomaly(`refunded to ${STRANGER}, not to the payer`, { status: "refunded", payer: PAYER });
    given([created()])
      .when(refunded({ amount: 1n }))
      .isAnomaly(`refunded 1 wei of ${ONE_ETHER}`, { status: "refunded", amount: ONE_ETHER });
  });
});
