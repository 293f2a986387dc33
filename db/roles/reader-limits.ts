/** What a session of a reader begins with. It may change these: `reap-readers.ts` ends what does. */
export const READER_SETTINGS = {
  default_transaction_read_only: "on",
  statement_timeout: "30s",
  lock_timeout: "2s",
  idle_in_transaction_session_timeout: "20s",
  // From PostgreSQL 17 on.
  transaction_timeout: "60s",
};

/** No transaction of a reader lasts longer, whatever its session has set, in milliseconds. */
export const READER_TRANSACTION_MS = 75_000;

/** Of one reader: an instance of the API takes up to sixteen. */
export const READER_CONNECTIONS = 40;

/** What one session may write to disk for sorts and the like. A reader cannot change it. */
export const READER_TEMP_FILES = "512MB";
