import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AuditedStore } from "../../proof/audit/audited-store.ts";
import type { CertificateContent } from "../../proof/audit/certificate.ts";
import { checkCertificate } from "../../proof/audit/check-certificate.ts";
import { AuditBed, type AuditScene } from "../audit/audit-bed.ts";
import { type LogQuestion, Refusal } from "../audit/audit-provider.ts";
import { auditedChain } from "../audit/audited-chain.ts";

const bed = new AuditBed();
beforeAll(() => bed.start());
afterEach(() => bed.endTest());
afterAll(() => bed.stop());

const blocksIn = ({ fromBlock, toBlock }: LogQuestion): number =>
  Number(toBlock) - Number(fromBlock) + 1;

/** Lets the provider refuse questions for logs. */
function onLogs(scene: AuditScene, refuse: (question: LogQuestion) => void): void {
  scene.provider.before = ({ method, params }) => {
    const question = params[0] as LogQuestion;
    if (method === "eth_getLogs" && question.blockHash === undefined) refuse(question);
  };
}

function isWhole(scene: AuditScene, certificate: CertificateContent): void {
  expect(certificate.result).toBe("complete");
  expect(certificate.chains[0]?.chain.events).toBe(scene.events.length);
}

describe("An audit gets everything from a provider", () => {
  test.each([
    [5, "eth_getLogs is limited to a 5 block range"],
    [7, "exceed maximum block range: 7"],
    [3, "block range too wide"],
  ])("that answers for %i blocks at once and says: %s", async (most, words) => {
    const scene = await bed.scene(auditedChain("limits"));
    onLogs(scene, (question) => {
      if (blocksIn(question) > most) throw new Refusal(words);
    });
    isWhole(scene, await scene.audit());
    const refused = scene.provider.logQuestions.filter((each) => blocksIn(each) > most);
    expect(refused.length).toBeLessThan(20);
  });

  test("that gives few logs at once, however many a block has", async () => {
    const scene = await bed.scene(auditedChain("limits", { deals: 20 }));
    const { tells } = scene.provider;
    scene.provider.tells = (block, question) => {
      const { canonical } = scene.chain;
      const asked = canonical.slice(Number(question.fromBlock), Number(question.toBlock) + 1);
      const matching = asked
        .flatMap(({ logs }) => logs)
        .filter(({ address }) => question.address?.includes(address));
      const isNarrow = question.fromBlock === question.toBlock && question.address?.length === 1;
      if (matching.length > 3 && !question.blockHash && !isNarrow)
        throw new Refusal("query returned more than 3 results", { code: -32_005 });
      return tells(block, question);
    };
    isWhole(scene, await scene.audit());
  });

  test("that takes few addresses at once", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    onLogs(scene, ({ address = [] }) => {
      if (address.length > 2) throw new Refusal("exceed max addresses");
    });
    isWhole(scene, await scene.audit());
    isWhole(scene, await scene.audit({ manyEscrows: 2 }));
  });

  test("that answers 413 to a question that is too long", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    onLogs(scene, (question) => {
      if (blocksIn(question) > 10) throw new Refusal("", { status: 413 });
    });
    isWhole(scene, await scene.audit());
  });

  test("that says for how long to leave it alone", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    let asked = 0;
    onLogs(scene, () => {
      asked += 1;
      if (asked === 2)
        throw new Refusal("slow down", { status: 429, headers: { "retry-after": "17" } });
    });
    isWhole(scene, await scene.audit());
    const waitedMs = scene.waits.reduce((sum, ms) => sum + ms, 0);
    expect(Math.max(...scene.waits)).toBeGreaterThan(16_000);
    expect(waitedMs).toBeGreaterThanOrEqual(17_000);
  });

  test("that fails now and then", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    let asked = 0;
    scene.provider.before = () => {
      asked += 1;
      if (asked % 5 === 0) throw new Refusal("bad gateway", { status: 502 });
      if (asked % 7 === 0) throw new Refusal("header not found");
    };
    isWhole(scene, await scene.audit());
  });

  test("of which one node lags behind and does not have the last block", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    let lagging = 3;
    scene.provider.before = ({ method, params }) => {
      if (method === "eth_getBlockByNumber" && params[0] === "0x3d" && lagging-- > 0)
        throw new Refusal("block not found");
    };
    isWhole(scene, await scene.audit());
  });

  test("that answers with logs that nobody asked for, once", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    const { tells } = scene.provider;
    let isOdd = true;
    scene.provider.tells = (block, question) => {
      const logs = tells(block, question);
      const [first] = logs;
      if (!isOdd || first === undefined || !question.address?.includes(first.address)) return logs;
      isOdd = false;
      return logs.map((log) => ({ ...log, topics: ["0x12" as const] }));
    };
    isWhole(scene, await scene.audit());
  });
});

describe("An audit gives up in plain words", () => {
  test("on a provider that refuses it, at once and without its secrets", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    scene.provider.before = () => {
      throw new Refusal(`no such project: ${scene.provider.url}`, { status: 401 });
    };
    const failure = scene.audit();
    await expect(failure).rejects.toMatchObject({ name: "RpcProblem", kind: "refused" });
    await expect(failure).rejects.not.toThrow("s3cret-path-key");
    expect(scene.provider.asked).toHaveLength(1);
  });

  test("on a provider that does not recover", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    onLogs(scene, () => {
      throw new Refusal("gone", { status: 503 });
    });
    await expect(scene.audit()).rejects.toMatchObject({ kind: "transient" });
    await expect(scene.audit()).rejects.toThrow(/eth_getLogs of blocks 1 to 61/);
  });

  test("on an endpoint of another chain", async () => {
    const scene = await bed.scene(auditedChain("limits", { chainId: 31_337 }));
    Object.defineProperty(scene.provider.chain, "chainId", { value: 5 });
    await expect(scene.audit()).rejects.toThrow(/not know this chain|of chain/);
  });

  test("when it is asked for blocks that are not final", async () => {
    const scene = await bed.scene(auditedChain("limits"));
    await expect(scene.audit({ toBlock: 80 })).rejects.toThrow(
      "block 80 of chain 31337 (simulated) is not final, or not indexed: 61 is the last",
    );
  });
});

describe("An audit that is ended", () => {
  /** Ends after so many steps, and says how far it was. */
  async function endedAfter(steps: number, scene: AuditScene, more = {}): Promise<number> {
    const stop = new AbortController();
    let done = 0;
    let next = 0;
    const ended = scene.audit({
      ...more,
      signal: stop.signal,
      onProgress: (progress) => {
        next = progress.next;
        if (++done === steps) stop.abort();
      },
    });
    await expect(ended).rejects.toThrow();
    return next;
  }

  /** Small ranges, so that there are several steps. */
  async function steppedScene(): Promise<AuditScene> {
    const scene = await bed.scene(auditedChain("resumed"));
    return scene;
  }

  test.each([1, 2, 5])("after %i steps goes on there and certifies the same", async (steps) => {
    const scene = await steppedScene();
    const options = { thorough: true, blocksAtOnce: 8 };
    const whole = await (await steppedScene()).audit(options);
    const next = await endedAfter(steps, scene, options);
    scene.provider.asked.length = 0;
    const certificate = await scene.audit(options);
    expect(certificate.resumed).toBe(1);
    expect(certificate.chains[0]?.chain).toEqual(whole.chains[0]?.chain);
    expect(certificate.chains[0]?.blooms).toEqual(whole.chains[0]?.blooms);
    const firsts = scene.provider.logQuestions
      .filter(({ fromBlock }) => fromBlock !== undefined)
      .map(({ fromBlock }) => Number(fromBlock));
    expect(Math.min(...firsts)).toBe(next);
  });

  test("keeps what it had found", async () => {
    const scene = await steppedScene();
    const [first] = scene.events;
    await scene.pool.query("delete from escrow_standin.event where id = $1", [first?.id]);
    await endedAfter(4, scene, { blocksAtOnce: 8 });
    const certificate = await scene.audit({ blocksAtOnce: 8 });
    expect(certificate.chains[0]?.findings).toMatchObject([
      { kind: "missing", subject: first?.id },
    ]);
  });

  test("in the scan for signatures goes on there, with the escrows that were under way", async () => {
    const scene = await steppedScene();
    const options = { manyEscrows: 7, blocksAtOnce: 3 };
    // Few contracts and blocks at once: the scan takes several escrows' turns of several steps.
    onLogs(scene, (question) => {
      if ((question.address?.length ?? 0) > 2) throw new Refusal("exceed max addresses");
      if (blocksIn(question) > 4) throw new Refusal("block range too wide");
    });
    const stop = new AbortController();
    let underWay = 0;
    const ended = scene.audit({
      ...options,
      signal: stop.signal,
      onProgress: ({ scanned }) => {
        underWay = scanned.underWay?.escrows ?? underWay;
        if (underWay > 0) stop.abort();
      },
    });
    await expect(ended).rejects.toThrow();
    expect(underWay).toBeLessThan(8);
    isWhole(scene, await scene.audit(options));
  });

  test("in the middle of writing loses that step alone", async () => {
    const scene = await steppedScene();
    const options = { blocksAtOnce: 8 };
    await endedAfter(3, scene, options);
    const { length } = readFileSync(scene.progressPath);
    truncateSync(scene.progressPath, length - 5);
    isWhole(scene, await scene.audit(options));
    expect(existsSync(scene.progressPath)).toBe(true);
  });

  test("never certifies a range that its progress does not show", async () => {
    const scene = await steppedScene();
    const options = { blocksAtOnce: 8 };
    await endedAfter(4, scene, options);
    const lines = readFileSync(scene.progressPath, "utf8").split("\n");
    const said: string[] = [];
    truncateSync(scene.progressPath, 0);
    appendFileSync(scene.progressPath, [...lines.slice(0, 2), ...lines.slice(3)].join("\n"));
    scene.provider.asked.length = 0;
    isWhole(scene, await scene.audit({ ...options, say: (text) => said.push(text) }));
    expect(said[0]).toMatch(/the progress is damaged.*begins again/);
    const firsts = scene.provider.logQuestions.map(({ fromBlock }) => Number(fromBlock ?? 1));
    expect(Math.min(...firsts)).toBe(1);
  });

  test("begins again when it is asked for something else", async () => {
    const scene = await steppedScene();
    const said: string[] = [];
    await endedAfter(2, scene, { blocksAtOnce: 8 });
    await scene.audit({ fromBlock: 5, say: (text) => said.push(text) });
    expect(said).toEqual([expect.stringContaining("begins again")]);
  });
});

test("a range in the middle is audited with the escrows that were announced before it", async () => {
  const scene = await bed.scene(auditedChain("middle"));
  const { result, chains } = await scene.audit({ fromBlock: 20, toBlock: 50 });
  const events = scene.events.filter(({ blockNumber: n }) => n >= 20 && n <= 50);
  expect(result).toBe("complete");
  expect(chains[0]).toMatchObject({
    range: { from: 20, to: 50, isWholeHistory: false },
    chain: { events: events.length },
  });
});

test("a certificate tells whether the event store still is what the chain was", async () => {
  const scene = await bed.scene(auditedChain("checked"));
  const certificate = { ...(await scene.audit()), digest: "" };
  const store = await AuditedStore.open(scene.url);
  try {
    expect(await checkCertificate(certificate, store)).toMatchObject([{ matches: true }]);
    await scene.pool.query(
      `update escrow_standin.event set payload = payload || '{"amount": "7"}' where id = $1`,
      [scene.events[0]?.id],
    );
    expect(await checkCertificate(certificate, store)).toMatchObject([{ matches: false }]);
  } finally {
    await store.close();
  }
});

test("signatures that are known to be none of ours do not spoil a certificate", async () => {
  const { CHAIN_SIDE_CORRUPTIONS } = await import("../audit/corruptions.ts");
  const renamed = CHAIN_SIDE_CORRUPTIONS.find(({ name }) => name.includes("renamed"));
  const scene = await bed.scene(renamed?.chain?.() ?? auditedChain("renamed"));
  const [expected] = (await renamed?.plant(scene)) ?? [];
  const allowedUnknown = new Set(expected?.names);
  expect((await scene.audit({ allowedUnknown })).result).toBe("complete");
});
