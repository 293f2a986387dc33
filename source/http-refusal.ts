const MOST_WORDS = 2_000;

/** An HTTP answer that is none, with what the provider says in its body and headers. */
export class HttpRefusal extends Error {
  override name = "HttpRefusal";
  readonly status: number;
  readonly headers: Headers;

  constructor(status: number, headers: Headers, words: string) {
    super(words);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * A `fetch` that keeps what viem drops when a refusal has a JSON body, status and headers, and
 * whose time is up also while the body is on its way.
 *
 * @throws HttpRefusal on any status that is no success
 */
export function fetchWithin(timeoutMs: number): typeof fetch {
  return async (input, init) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(input, { ...init, signal });
    if (response.ok) return response;
    const body = (await response.text()).slice(0, MOST_WORDS);
    throw new HttpRefusal(response.status, response.headers, wordsIn(body) || response.statusText);
  };
}

/** The message of a JSON-RPC error, or the text as it is. */
function wordsIn(body: string): string {
  try {
    const { error } = JSON.parse(body);
    return String(error?.message ?? error ?? body);
  } catch {
    return body;
  }
}
