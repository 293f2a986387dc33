/** Who may do what in the database: a process of ours is one of these, and never a superuser. */
export type RoleNames = {
  /** Owns the deployments, the views, what the witness knows and the cache of RPC answers. */
  indexer: string;
  /** Owns the journal; reads the views. */
  relay: string;
  /** Read the views and the feed. One for each program or person: a role may end its own sessions. */
  readers: readonly string[];
};

export const USUAL_ROLES: RoleNames = {
  indexer: "escrow_indexer",
  relay: "escrow_relay",
  readers: ["escrow_reader"],
};

/** The schemas of ours that every database has; deployments are found by what is in them. */
export const SCHEMAS = { views: "escrow", witness: "witness", journal: "relay" } as const;

/** Made when there is a use for them; whose they are follows from the role that makes them. */
export const MADE_LATER = ["ponder_sync", "rebuild"];

/** What readers may see of the journal. */
export const FEED = ["feed", "feed_publication"];

/**
 * How a reader is told from other roles: by the comment on it, which it cannot change itself, unlike
 * its settings and its password.
 */
export const READER_MARK = "escrow-stream reader";
