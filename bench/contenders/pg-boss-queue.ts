export const QUEUE = "outbox";

/** A job whose worker died is given out again after `expireInSeconds`. */
export const QUEUE_OPTIONS = {
  policy: "key_strict_fifo",
  notify: true,
  retryLimit: 100,
  expireInSeconds: 5,
};
