import { describe, test } from "vitest";
import {
  ARBITER,
  approved,
  arbiterChanged,
  CREATED_AT,
  created,
  deployed,
  FACTORY,
  given,
  ONE_ETHER,
  PAYEE,
  PAYER,
  RELEASE_TIME,
  refunded,
  released,
  STRANGER,
} from "../../test/support/given-events.ts";

const A = { revision: "A" } as const;
const twiceApproved = [created(), approved(PAYER), approved(PAYEE)];

describe("an event that the contract cannot have produced is kept with its reason and never thrown", () => {
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
