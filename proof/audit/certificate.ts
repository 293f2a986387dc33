import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import { FINDING_KINDS } from "./finding.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const history = z.object({ events: z.int(), sha256 });
const counted = z.record(
  z.enum(Object.keys(FINDING_KINDS) as [keyof typeof FINDING_KINDS]),
  z.int(),
);

const certifiedChain = z.object({
  chainId: z.int(),
  name: z.string(),
  factories: z.array(
    z.object({ address: z.string(), startBlock: z.int(), revision: z.enum(["A", "B"]).optional() }),
  ),
  /** Both included; `finality` says what makes the last block final. */
  range: z.object({
    from: z.int(),
    to: z.int(),
    lastBlockHash: z.string(),
    isWholeHistory: z.boolean(),
    finality: z.string(),
  }),
  rpc: z.object({
    host: z.string(),
    client: z.string(),
    independence: z.string(),
    requests: z.int(),
  }),
  escrows: z.int(),
  chain: history,
  store: history,
  eventsByType: z.record(z.string(), z.int()),
  blooms: z.object({ examined: z.int(), readWhole: z.int(), areUsable: z.boolean() }),
  counts: counted,
  findings: z.array(
    z.object({ kind: z.string(), subject: z.string(), block: z.int(), detail: z.string() }),
  ),
  unknownSignatures: z.array(
    z.object({
      topic0: z.string(),
      emittedBy: z.string(),
      isOurs: z.string().nullable(),
      isAllowed: z.boolean(),
      count: z.int(),
      first: z.object({
        block: z.int(),
        transaction: z.string(),
        logIndex: z.int(),
        emitter: z.string(),
      }),
    }),
  ),
});

const content = z.object({
  kind: z.literal("escrow-stream audit certificate"),
  version: z.literal(1),
  tool: z.string(),
  result: z.enum(["complete", "findings"]),
  startedAt: z.string(),
  finishedAt: z.string(),
  /** How often the audit was gone on with after it had been ended. */
  resumed: z.int(),
  thorough: z.boolean(),
  /** The deployment whose event store was read. */
  schema: z.string(),
  /** The newest version of each event's payload, in which payloads are hashed. */
  payloadVersions: z.record(z.string(), z.int()),
  chains: z.array(certifiedChain),
  /** Events of chains that are not followed. */
  outsiders: z.object({
    count: z.int(),
    first: z.array(z.object({ chainId: z.int(), id: z.string(), block: z.int() })),
  }),
});

export type CertifiedChain = z.infer<typeof certifiedChain>;
export type CertificateContent = z.infer<typeof content>;
/** The content, and the SHA-256 of its canonical JSON. */
export type Certificate = CertificateContent & { digest: string };

/** The file is no certificate, or was changed after it was written. */
export class BadCertificate extends Error {
  override name = "BadCertificate";
  readonly code = "ES-CERTIFICATE-BAD";
}

/** Writes a certificate in one piece: a reader sees the old file or the new one. */
export function writeCertificate(path: string, certificate: CertificateContent): void {
  const sealed = { ...certificate, digest: digestOf(certificate) };
  const draft = `${path}.draft`;
  const file = openSync(draft, "w");
  writeSync(file, `${JSON.stringify(JSON.parse(canonicalJson(sealed)), null, 2)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
}

/** @throws BadCertificate when it cannot be trusted, with the reason */
export function parseCertificate(text: string): Certificate {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BadCertificate("it is no JSON", { cause });
  }
  const parsed = content.extend({ digest: sha256 }).strict().safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BadCertificate(`${issue?.path.join(".") || "it"}: ${issue?.message}`);
  }
  const { digest, ...rest } = json as Certificate;
  if (digestOf(rest) !== digest)
    throw new BadCertificate("its digest is not that of its content: it was changed");
  return parsed.data;
}

function digestOf(certificate: CertificateContent): string {
  return createHash("sha256").update(canonicalJson(certificate)).digest("hex");
}
