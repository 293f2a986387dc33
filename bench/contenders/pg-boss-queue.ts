export const QUEUE = "outbox";

/**
 * A job whose worker died is given out again after `expireInSeconds`: 15 minutes by default. Five
 * seconds were too short: on a busy machine jobs were given out twice without any kill.
 */
export const QUEUE_OPTIONS = {
  policy: "key_strict_fifo",
  notify: true,
  retryLimit: 100,
  expireInSeconds: 15,
};
