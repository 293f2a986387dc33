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

describe("the arbiter of revision A, observed at the end of the block of the creation,", () => {
  const OBSERVED = { ...A, observedArbiter: ARBITER };
  const inThatBlock = { ...A, timestamp: CREATED_AT, logIndex: 2 };

  test("is the escrow's from its creation on", () => {
    given([]).when(created({}, OBSERVED)).leaves({ arbiter: ARBITER });
    given([created({}, OBSERVED)])
      .when(deployed({}, A))
      .leaves({ arbiter: ARBITER });
    given([])
      .when(created({}, { ...A, observedArbiter: ZERO_ADDRESS }))
      .leaves({ arbiter: null });
  });

  test("is whom the first change replaces; another one is an anomaly", () => {
    given([created({}, OBSERVED)])
      .when(arbiterChanged(ARBITER, STRANGER, A))
      .leaves({ arbiter: STRANGER });
    given([created({}, OBSERVED)])
      .when(arbiterChanged(PAYER, STRANGER, A))
      .isAnomaly(`the arbiter was not ${PAYER}`, { arbiter: STRANGER });
  });

  test("is overruled by changes of that block, which had happened when it was observed", () => {
    const first = arbiterChanged(PAYEE, STRANGER, inThatBlock);
    given([created({}, OBSERVED)])
      .when(first)
      .leaves({ arbiter: STRANGER });
    given([created({}, OBSERVED), first])
      .when(arbiterChanged(STRANGER, ARBITER, { ...inThatBlock, logIndex: 3 }))
      .leaves({ arbiter: ARBITER });
    given([created({}, OBSERVED), arbiterChanged(PAYEE, ARBITER, inThatBlock)])
      .when(arbiterChanged(ARBITER, STRANGER, A))
      .leaves({ arbiter: STRANGER });
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
