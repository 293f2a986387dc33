/** The fields of a log line in JSON, or null when it is a line of text. */
export function parseLogLine(line: string): Record<string, unknown> | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** What a log line says to a person: of JSON the message and its error's. */
export function plainLogLine(line: string): string {
  const fields = parseLogLine(line);
  if (fields === null) return line.trim();
  const error = (fields.err ?? fields.error) as { message?: string } | string | undefined;
  const said = typeof error === "string" ? error : error?.message;
  const message = typeof fields.msg === "string" ? fields.msg : "";
  const parts = [message, message.includes(said ?? "") ? "" : said].filter(Boolean);
  return parts.length === 0 ? line : parts.join(": ");
}
