import { type Agent, request } from "node:http";

/** `body` makes it a POST. `expects` has to stand in every answer. */
export type Question = { path: string; body?: string; expects: string };

/** Asks a server one question. */
export function ask(
  origin: string,
  agent: Agent,
  { path, body }: Question,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const sent = request(`${origin}${path}`, { agent, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
