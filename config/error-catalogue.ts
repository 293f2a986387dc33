/** Exit codes of sysexits.h: EX_TEMPFAIL, EX_CONFIG. */
export const EXIT_RETRY = 75;
export const EXIT_CONFIG = 78;
/** The command did its work, and the answer is no. */
export const EXIT_NEGATIVE = 1;

export type ErrorEntry = {
  /** Retryable: starting or trying again may help without anybody's doing. Permanent: it will not. */
  class: "retryable" | "permanent";
  cause: string;
  remedy: string;
  /** Exit code of a process that ends because of it, where its class does not say it. */
  exit?: number;
};

/**
 * Every error that has a name of its own. Codes are stable: alerts and runbooks may cite them.
 * docs/reference/errors.md is made from this (`scripts/generate.ts`), which also checks
 * that each code is used and that none is missing.
 */
export const ERRORS = {
  "ES-VARIABLE": {
    class: "permanent",
    cause: "An environment variable is missing, malformed, or contradicts another one.",
    remedy:
      "Set it as the message says. docs/reference/configuration.md lists all; `--help` those of a command.",
  },
  "ES-ARGUMENT": {
    class: "permanent",
    cause:
      "The command line has an unknown option, a value that is not usable, or words too many or too few.",
    remedy: "See the command's `--help`.",
  },
  "ES-PORT": {
    class: "permanent",
    cause: "A port that was asked for cannot be listened on: it is taken, or reserved.",
    remedy:
      "Stop whoever has it, name another port, or leave the variable out: the system chooses one then.",
  },
  "ES-DATA-FOLDER": {
    class: "permanent",
    cause:
      "The folder of the embedded parts cannot be written, belongs to another user, or another process uses it.",
    remedy:
      "Name another folder with `--data-dir` or `DATA_DIR`, stop the other process, or give the folder to this user.",
  },
  "ES-FILE": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause:
      "A file that a command reads or writes is missing, closed to this user, or has no space.",
    remedy: "The message names the file and what the system said.",
  },
  "ES-DATABASE-UNREACHABLE": {
    class: "retryable",
    cause: "PostgreSQL does not answer, is starting or stopping, or has no connection left.",
    remedy:
      "Starting again helps once it answers. Check host and port of `DATABASE_URL`, and that the server runs.",
  },
  "ES-DATABASE-REFUSED": {
    class: "permanent",
    cause:
      "PostgreSQL refuses the user, the password or the database's name, or lacks a privilege.",
    remedy: "Correct `DATABASE_URL`, or grant what the message names.",
  },
  "ES-DATABASE-OLD": {
    class: "permanent",
    cause: "PostgreSQL is older than 14.",
    remedy: "Use PostgreSQL 14 or newer.",
  },
  "ES-UNREACHABLE": {
    class: "retryable",
    cause: "Something that is needed does not answer on the network.",
    remedy: "The message names it. Starting again helps once it answers.",
  },
  "ES-RPC-UNREACHABLE": {
    class: "retryable",
    cause: "No RPC endpoint of a chain answers, or it answers only with temporary refusals.",
    remedy:
      "Starting again helps once one answers. A second endpoint in `RPC_URL` takes over by itself.",
  },
  "ES-RPC-REFUSED": {
    class: "permanent",
    cause: "An RPC endpoint refuses for good: a wrong key, or a method that it does not serve.",
    remedy: "Correct the endpoint's URL, or use another provider.",
  },
  "ES-RPC-NO-STATE": {
    class: "permanent",
    cause:
      "No RPC endpoint can say who the first arbiter of an escrow of revision A was: none has the state of the block of its creation, and none of a newer one.",
    remedy:
      'Add an archive endpoint to `RPC_URL`. Or give the chain `"arbiters": "skip"` in `deployments.ts` or `DEPLOYMENTS`: these arbiters stay unknown then, and all is indexed again.',
  },
  "ES-CHAIN": {
    class: "permanent",
    cause:
      "What is configured is not on the chain: the endpoint is of another chain, there is no contract at a factory's address, or the start block lies ahead.",
    remedy: "Correct `RPC_URL`, `CHAIN_ID`, `CONTRACT_ADDRESS`, `START_BLOCK` or `DEPLOYMENTS`.",
  },
  "ES-FINAL-BLOCK-REPLACED": {
    class: "permanent",
    cause: "The chain replaced a block that was indexed as final: a reorg deeper than finality.",
    remedy: "Needs operator action: docs/how-to/a-reorg-deeper-than-finality.md.",
  },
  "ES-TOPIC-UNUSABLE": {
    class: "permanent",
    cause: "A topic or subscription is missing or closed to us, or there are no credentials.",
    remedy:
      "Create it (`PUBSUB_CREATE=true` lets the relay do that), grant the role that the message names, or set up credentials.",
  },
  "ES-PUBSUB-UNREACHABLE": {
    class: "retryable",
    cause: "Pub/Sub does not answer.",
    remedy:
      "Starting again helps once it does. Check `PUBSUB_EMULATOR_HOST`, or the way to Google Cloud.",
  },
  "ES-NOT-READY": {
    class: "retryable",
    cause: "What a command needs is not there yet, or is in use at the moment.",
    remedy: "The message says what it waits for. Try again when that is done.",
  },
  "ES-NOTHING-TO-SHOW": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause: "The escrow or block that was asked for is not known here.",
    remedy: "The message says what is known.",
  },
  "ES-EVENT-UNREADABLE": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause: "A stored event has a shape or schema version that this build cannot read.",
    remedy: "Use the build that wrote it, or a newer one. `npm run verify` names every such event.",
  },
  "ES-EXPORT-BAD": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause: "A file is no export, was cut off or changed, or does not fit this build.",
    remedy: "Export again. Nothing was imported.",
  },
  "ES-CERTIFICATE-BAD": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause: "A file is no audit certificate, or was changed after it was written.",
    remedy: "Audit again.",
  },
  "ES-REPLAY-FAILED": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause: "A replay could not build its deployment. The live one serves on.",
    remedy: "The message has the engine's last lines. Run it again when their cause is removed.",
  },
  "ES-HEAL-STUCK": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause:
      "The live deployment differs from the chain, and replays out of a cache that was asked again did not change that.",
    remedy: "Needs operator action: docs/how-to/a-hole-in-the-cache.md.",
  },
  "ES-AUDIT-SUBSCRIPTION": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause: "The subscription that a topic is audited through does not exist, or exists already.",
    remedy: "Create it with `npm run audit:topic -- --create`, or name it with `--subscription`.",
  },
  "ES-ADOPT-REFUSED": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause:
      "A publication is not halted, so there is nothing to adopt; or the topic contradicts the journal.",
    remedy: "docs/how-to/back-up-and-restore.md.",
  },
  "ES-JOURNAL-CONFLICT": {
    class: "permanent",
    cause:
      "An event id came with other bytes than those that the journal holds. The publication is halted; no message is sent twice.",
    remedy: "Needs operator action: docs/how-to/a-publication-is-halted.md.",
  },
  "ES-JOURNAL-OUTDATED": {
    class: "permanent",
    cause:
      "A topic holds messages that the journal does not know: the journal was restored from a backup. The publication is closed until both agree.",
    remedy:
      "The relay reads back what was published; where the receipts do not reach back so far, `npm run adopt:topic`.",
  },
  "ES-REQUEST-BAD": {
    class: "permanent",
    cause:
      "A request to the API has a parameter that there is none of, or a value of the wrong form.",
    remedy: "The answer names the parameter and what was expected. `/openapi.json` lists all.",
  },
  "ES-NOT-FOUND": {
    class: "permanent",
    cause: "The API knows no such path, chain, escrow or party.",
    remedy:
      "The answer names what is known. An escrow may not be indexed yet: see `x-indexed-block`.",
  },
  "ES-FEED-OFFSET": {
    class: "permanent",
    cause:
      "A feed was asked for what follows an offset that no message has, or that is older than what is kept: of another database, or of a journal that was restored from an older backup.",
    remedy: "The answer says where to begin (`begin_after`). What was read before may come again.",
  },
  "ES-METHOD": {
    class: "permanent",
    cause: "The API has the path that was asked for, but not with that method.",
    remedy: "Read with GET; `/graphql` takes POST as well.",
  },
  "ES-KEY-REFUSED": {
    class: "permanent",
    cause: "The API needs a key, and got none, or one that is unknown, expired or revoked.",
    remedy: "`npm run keys -- create <name>` makes one. Send it as `Authorization: Bearer <key>`.",
  },
  "ES-SCOPE": {
    class: "permanent",
    cause: "A key lacks the scope of what was asked for.",
    remedy: "Make a key with that scope: `npm run keys -- create <name> --scopes read,feed`.",
  },
  "ES-HOST-REFUSED": {
    class: "permanent",
    cause:
      "An API that serves only its own machine was asked by another name, as a page of another site might do.",
    remedy: "Ask `localhost` or `127.0.0.1`, or allow the name in `API_HOSTS`.",
  },
  "ES-RATE-LIMITED": {
    class: "retryable",
    cause: "A key or an address asked more often than `API_REQUESTS_PER_MINUTE` allows.",
    remedy: "Ask again after `Retry-After`; `RateLimit-Remaining` says how many are left.",
  },
  "ES-ANSWER-TOO-LARGE": {
    class: "permanent",
    cause: "An answer of the API would cost more than one request may.",
    remedy: "Ask for less at once, or take an export.",
  },
  "ES-BUSY": {
    class: "retryable",
    cause: "The API has more requests than it may work on, or what is read is being replaced.",
    remedy: "Ask again after `Retry-After`. More instances share the work.",
  },
  "ES-CATCHING-UP": {
    class: "retryable",
    cause: "The engine was restarted and indexes again what it reverted; readers wait meanwhile.",
    remedy: "docs/how-to/readers-get-503.md.",
  },
  "ES-QUERY-TIMEOUT": {
    class: "retryable",
    cause: "A query of the API took longer than it may.",
    remedy: "Ask for less at once. When all queries are slow, look at the database.",
  },
  "ES-STOP-TIMEOUT": {
    class: "retryable",
    cause:
      "A publish request in flight did not finish while the relay stopped. It is recorded as in doubt.",
    remedy: "Nothing to do: the next relay asks the receipts whether it was accepted.",
  },
  "ES-GAVE-UP": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause: "`npm start` gave up on one of its processes: starting it again does not help.",
    remedy: "The message has the process's last line, and its code.",
  },
  "ES-NOT-PUBLISHED": {
    class: "permanent",
    exit: EXIT_NEGATIVE,
    cause: "When `npm start --for` ended, not everything that was indexed was published.",
    remedy: "The message counts what is missing. `npm start` again goes on from there.",
  },
  "ES-UNEXPECTED": {
    class: "retryable",
    cause: "Something that nobody foresaw; most likely a fault of this program.",
    remedy: "Report it with its stack trace. Starting again may help.",
  },
  "ES-WITNESS-DIFFERS": {
    class: "permanent",
    cause:
      "The witness has proven what the chain logged, and the event store or the outbox has something else: an event is missing, too much, or says something otherwise.",
    remedy:
      "The final publication waits before the block that is named. See docs/how-to/the-final-topic-stands.md.",
  },
  "ES-WITNESS-BRANCH": {
    class: "permanent",
    cause:
      "The chain has another block than the one that was proven, below what it and the engine called final: a reorg deeper than finality, or endpoints of another chain.",
    remedy:
      "Compare what the endpoints say of that block. If the chain did replace it, see docs/how-to/a-reorg-deeper-than-finality.md.",
  },
  "ES-WITNESS-UNPROVABLE": {
    class: "permanent",
    cause:
      "Headers of the chain make their hash in no layout that is known here (a fork brought a new field), or no endpoint gives receipts.",
    remedy:
      "What becomes final rests on what FINAL_REQUIRES names next. Update, or name an endpoint that gives receipts; proof is tried again every ten minutes.",
  },
} satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && code in ERRORS;
}

/** Exit code of a process that ends because of such an error. */
export function exitCodeOf(code: ErrorCode): number {
  const entry: ErrorEntry = ERRORS[code];
  return entry.exit ?? (entry.class === "retryable" ? EXIT_RETRY : EXIT_CONFIG);
}
