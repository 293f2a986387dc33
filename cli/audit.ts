import "./load-env-file.ts";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError } from "../config/config-error.ts";
import { EXIT_CONFIG, EXIT_RETRY, exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import manifest from "../package.json" with { type: "json" };
import { type AuditCommand, parseAuditOptions } from "../proof/audit/audit-options.ts";
import { AuditedStore } from "../proof/audit/audited-store.ts";
import { BadCertificate, parseCertificate, writeCertificate } from "../proof/audit/certificate.ts";
import { checkCertificate } from "../proof/audit/check-certificate.ts";
import { type AuditedChain, parseAuditConfig } from "../proof/audit/parse-audit-config.ts";
import { printAudit } from "../proof/audit/print-audit.ts";
import { ProgressFile } from "../proof/audit/progress-file.ts";
import { progressLine } from "../proof/audit/progress-line.ts";
import { runAudit } from "../proof/audit/run-audit.ts";
import { RpcEndpoint } from "../source/rpc-endpoint.ts";
import { RpcProblem } from "../source/rpc-problem.ts";

/*
 * `npm run audit`: compares the event store with the chain itself and writes a certificate. Exit
 * code 0 when they are equal and nothing is unknown, 1 when not.
 */

const HELP = `Usage: npm run audit -- [--chain <id | name>]… [--from-block <n>] [--to-block <n>] [--thorough]
                        [--allow-unknown <topic>]… [--out <file>] [--limit <n>]
       npm run audit -- --check <file>

Reads everything that the factories and their escrows logged from the chain, compares it with the
event store, and writes a certificate. Needs DATABASE_URL, the indexer's chain variables and, for a
proof that does not hang on the indexer's provider, AUDIT_RPC_URL or AUDIT_RPC_URL_<chain id>. An
audit that was ended goes on where it was. Exit code 0 when nothing was found, 1 when something was.

  --chain          audits this chain only
  --from-block     begins here (default: the first block that is followed)
  --to-block       ends here (default: the last block that is final and indexed)
  --thorough       looks at every block's bloom filter, one request for each (default: 200 blocks)
  --allow-unknown  a signature (topic 0, or "anonymous") that is known to be none of ours
  --out            the certificate (default audit-certificate.json); beside it <file>.progress
  --limit          findings to name of each kind (default 1000)
  --check          compares the event store with what a certificate says, without the chain`;
const ENDED = 130;

try {
  const { values } = parseArgs({
    options: {
      chain: { type: "string", multiple: true, default: [] },
      "from-block": { type: "string" },
      "to-block": { type: "string" },
      thorough: { type: "boolean", default: false },
      "allow-unknown": { type: "string", multiple: true, default: [] },
      out: { type: "string", default: "audit-certificate.json" },
      limit: { type: "string", default: "1000" },
      check: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  process.exitCode =
    values.check === undefined ? await audit(parseAuditOptions(values)) : await check(values.check);
} catch (error) {
  if (!(error instanceof RpcProblem)) exitWith(error);
  console.error(error.message);
  process.exit(error.kind === "refused" ? EXIT_CONFIG : EXIT_RETRY);
}

async function audit(command: AuditCommand): Promise<number> {
  const { databaseUrl } = parseProcessConfig(process.env);
  const { chains, requestsPerSecond, timeoutMs } = parseAuditConfig(process.env, command.chains);
  await checkDatabase(databaseUrl);
  const store = await AuditedStore.open(databaseUrl);
  const file = openProgress(`${command.out}.progress`);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const line = progressLine(process.stderr);
  try {
    for (const chain of chains.filter(({ independence }) => independence !== "independent"))
      line.say(`chain ${chain.chainId}: ${chain.independence}: weaker proof`);
    const endpointOf = ({ url }: AuditedChain): RpcEndpoint =>
      new RpcEndpoint({ url, requestsPerSecond, timeoutMs, say: line.say });
    const certificate = await runAudit({
      ...command,
      tool: `${manifest.name} ${manifest.version}`,
      chains: chains.map((chain) => ({ chain, rpc: endpointOf(chain) })),
      ...{ store, file, signal: stop.signal, say: line.say, onProgress: line.show },
    });
    writeCertificate(command.out, certificate);
    file.remove();
    line.end();
    console.log(printAudit(certificate).join("\n"));
    console.log(`certificate ${resolve(command.out)}`);
    return certificate.result === "complete" ? 0 : 1;
  } catch (error) {
    line.end();
    line.say(`what was read is kept in ${file.path}; the same command goes on from there`);
    if (stop.signal.aborted) return ENDED;
    throw error;
  } finally {
    await store.close();
  }
}

async function check(path: string): Promise<number> {
  const { databaseUrl } = parseProcessConfig(process.env);
  if (!existsSync(path))
    throw new ConfigError([{ where: "--check", what: `there is no file ${path}` }]);
  const store = await AuditedStore.open(databaseUrl);
  try {
    const certificate = parseCertificate(readFileSync(path, "utf8"));
    const checked = await checkCertificate(certificate, store);
    for (const { chainId, from, to, certified, store: today, matches } of checked)
      console.log(
        `chain ${chainId}, blocks ${from} to ${to}: ${matches ? "the event store is what the chain was" : `the event store is NOT what the chain was: ${today.events} events, ${certified.events} certified; npm run audit names them`}`,
      );
    const isWhole = checked.every(({ matches }) => matches);
    if (certificate.result === "findings")
      console.log("the certificate itself lists findings: see the file");
    return isWhole && certificate.result === "complete" ? 0 : 1;
  } catch (error) {
    if (!(error instanceof BadCertificate)) throw error;
    console.error(`${path} is no certificate that can be checked: ${error.message}`);
    return 1;
  } finally {
    await store.close();
  }
}

function openProgress(path: string): ProgressFile {
  try {
    return new ProgressFile(path);
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError([{ where: "--out", what: `${path} cannot be written: ${message}` }]);
  }
}
