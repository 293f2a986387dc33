import type { HttpBindings } from "@hono/node-server";
import type { ApiKey } from "./access/api-key.ts";
import type { ReadResult, Snapshot } from "./read/consistent-reads.ts";
import type { Progress } from "./read/progress.ts";
import type { Asked } from "./read/shared-answers.ts";

/** Reads in one snapshot, for the client of this request and no longer than they wait. */
type Read = <T>(work: (snapshot: Snapshot) => Promise<T>) => Promise<T>;

/** Reads like `Read`, for all who ask the same while nothing has changed; null is nobody else's. */
type Answer = (
  asked: Asked,
  make: (snapshot: Snapshot) => Promise<string | null>,
) => Promise<ReadResult<string | null>>;

/** What every handler finds in its context. */
export type ApiEnv = {
  Bindings: Partial<HttpBindings>;
  Variables: {
    read: Read;
    answer: Answer;
    /** Whose request it is: by their key, or else by their address. */
    client: string;
    /** The key that was presented; null when none was needed. */
    key: ApiKey | null;
    /** Aborted when the client left or the request took too long. */
    signal: AbortSignal;
    /** How far the index was in the last snapshot of this request. */
    progress: Progress | null;
    /** Set when the answer is too small to be worth compressing. */
    isSmall?: boolean;
  };
};
