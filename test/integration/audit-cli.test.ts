import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { parseCertificate } from "../../proof/audit/certificate.ts";
import { AuditBed, type AuditScene } from "../audit/audit-bed.ts";
import { Refusal } from "../audit/audit-provider.ts";
import { auditedChain } from "../audit/audited-chain.ts";
import { FACTORIES } from "../forks/deal.ts";

const bed = new AuditBed();
const root = join(import.meta.dirname, "../..");
const children: ChildProcess[] = [];
let folder = "";

beforeAll(() => bed.start());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "escrow-stream-audit-cli-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
  await bed.endTest();
});
afterAll(() => bed.stop());

const certificatePath = () => join(folder, "certificate.json");

function start(scene: AuditScene, args: string[], env: Record<string, string> = {}): ChildProcess {
  const deployments = [
    {
      name: "simulated",
      chainId: scene.chain.chainId,
      factories: [
        { address: FACTORIES.A, startBlock: 1, revision: "A" },
        { address: FACTORIES.B, startBlock: 1, revision: "B" },
      ],
    },
  ];
  const child = spawn("node", ["cli/audit.ts", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      DATABASE_URL: scene.url,
      DEPLOYMENTS: JSON.stringify(deployments),
      RPC_URL: "https://indexer.example.com",
      AUDIT_RPC_URL: scene.provider.url,
      AUDIT_RPC_REQUESTS_PER_SECOND: "1000",
      ...env,
    },
  });
  children.push(child);
  return child;
}

async function run(scene: AuditScene, args: string[], env: Record<string, string> = {}) {
  const child = start(scene, args, env);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout as never),
    text(child.stderr as never),
    once(child, "exit"),
  ]);
  return { out, err, code };
}

test("an audit writes a certificate, which can be checked until the store changes", async () => {
  const scene = await bed.scene(auditedChain("cli"));
  const audited = await run(scene, ["--out", certificatePath()]);
  expect(audited).toMatchObject({ code: 0, err: expect.stringContaining("block 61 of 61") });
  expect(audited.out).toContain("complete: chain and event store are equal");
  const certificate = readFileSync(certificatePath(), "utf8");
  expect(parseCertificate(certificate)).toMatchObject({
    result: "complete",
    chains: [{ rpc: { independence: "independent", client: "simulated/v1" } }],
  });
  expect(certificate + audited.out).not.toContain("s3cret-path-key");
  expect(existsSync(`${certificatePath()}.progress`)).toBe(false);

  const check = ["--check", certificatePath()];
  expect(await run(scene, check)).toMatchObject({ code: 0 });
  const id = scene.events[3]?.id;
  await scene.pool.query("delete from escrow_standin.event where id = $1", [id]);
  const afterwards = await run(scene, check);
  expect(afterwards).toMatchObject({ code: 1 });
  expect(afterwards.out).toContain("NOT what the chain was");

  const again = await run(scene, ["--out", certificatePath()]);
  expect(again.code).toBe(1);
  expect(again.out).toContain(`missing: ${id}: `);
  writeFileSync(certificatePath(), certificate.replace('"complete"', '"findings"'));
  expect(await run(scene, check)).toMatchObject({
    code: 1,
    err: expect.stringContaining("was changed"),
  });
});

test("a killed audit goes on where it was", async () => {
  const scene = await bed.scene(auditedChain("killed", { blocks: 200, deals: 20 }));
  const asked = Promise.withResolvers<void>();
  const never = new Promise<void>(() => undefined);
  scene.provider.before = async ({ method, params }) => {
    if (method !== "eth_getLogs") return;
    const { fromBlock = 0 } = params[0] as { fromBlock?: string };
    if (Number(fromBlock) <= 64) return;
    asked.resolve();
    await never;
  };
  const first = start(scene, ["--out", certificatePath()]);
  await asked.promise;
  first.kill("SIGKILL");
  await once(first, "exit");
  expect(existsSync(certificatePath())).toBe(false);

  scene.provider.before = () => undefined;
  scene.provider.asked.length = 0;
  const second = await run(scene, ["--out", certificatePath()]);
  expect(second.err).toContain("goes on: chain 31337 at block 65");
  expect(second.code).toBe(0);
  const firsts = scene.provider.logQuestions.map(({ fromBlock }) => Number(fromBlock ?? 65));
  expect(Math.min(...firsts)).toBe(65);
  expect(parseCertificate(readFileSync(certificatePath(), "utf8"))).toMatchObject({
    resumed: 1,
    chains: [{ range: { from: 1, to: 201 }, chain: { events: scene.events.length } }],
  });
});

test("the indexer's own endpoint is said to prove less", async () => {
  const scene = await bed.scene(auditedChain("cli"));
  const env = { RPC_URL: scene.provider.url, AUDIT_RPC_URL: "" };
  const { code, err, out } = await run(scene, ["--out", certificatePath()], env);
  expect(code).toBe(0);
  expect(err).toContain("chain 31337: same RPC as the indexer: weaker proof\n");
  expect(out).toContain("same RPC as the indexer: weaker proof");
});

test("what cannot be audited is told in plain words, with the exit code of its kind", async () => {
  const scene = await bed.scene(auditedChain("cli"));
  const out = ["--out", certificatePath()];
  expect(await run(scene, [...out, "--to-block", "90"])).toMatchObject({
    code: 75,
    err: expect.stringContaining("block 90 of chain 31337 (simulated) is not final"),
  });
  expect(await run(scene, ["--chain", "7"])).toMatchObject({ code: 78 });
  expect(await run(scene, ["--check", "/no/such/file"])).toMatchObject({ code: 78 });
  const factories = [{ address: FACTORIES.A, startBlock: 1 }];
  const two = ["one", "two"].map((name, at) => ({ name, chainId: at + 1, factories }));
  const env = { DEPLOYMENTS: JSON.stringify(two), RPC_URL_1: "http://a", RPC_URL_2: "http://b" };
  expect(await run(scene, out, env)).toMatchObject({
    code: 78,
    err: expect.stringContaining("AUDIT_RPC_URL: is for one chain, and 2 are followed"),
  });
  scene.provider.before = () => {
    throw new Refusal(`bad key in ${scene.provider.url}`, { status: 401 });
  };
  const refused = await run(scene, out);
  expect(refused).toMatchObject({ code: 78, err: expect.stringContaining("bad key in ***") });
  expect(refused.err).not.toContain("s3cret");
});
