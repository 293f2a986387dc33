import { readSources } from "./sources.ts";

type LogEvent = { event: string; level: string; text: string; path: string };

/** `log.warn({ event: "lease.lost", … }, "what it says")`, over several lines or in one. */
const CALL =
  /\blog\.(debug|info|warn|error|fatal)\(\s*\{\s*(?:\.\.\.[\w.]+,\s*)?event: "([^"]+)"[^;]*?\},\s*(?:"([^"]*)"|`([^`]*)`)?/gi;
/** `say("source.lie", "what it says")`: what somebody logs as a warning. */
const SAID = /\bsay\(\s*"([^"]+\.[^"]+)",\s*(?:"([^"]*)"|`((?:[^`$]|\$\{[^}]*\})*)`)?/g;
/** A line of the log that says a sentence alone. */
const UNNAMED =
  /\blog\.(?:debug|info|warn|error|fatal)\((?!\s*\{\s*(?:\.\.\.[\w.]+,\s*)?event\b).*/gi;
const NAME = /^[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)+$/;

/**
 * The page of all events that processes log.
 *
 * @throws when a line is logged without an event, or with one whose name has not the form
 *   `subject.what-happened`
 */
export function logEventReference(root: string): string {
  const sources = readSources(root);
  const unnamed = sources.flatMap(({ path, text }) =>
    [...text.matchAll(UNNAMED)].map(([call]) => `${path}: ${call}`),
  );
  if (unnamed.length > 0)
    throw new Error(`logged without an event, as its first field:\n${unnamed.join("\n")}`);
  const events = sources.flatMap(({ path, text }) => [
    ...[...text.matchAll(CALL)].map(([, level = "", event = "", plain, template]) =>
      logEvent(path, level, event, plain ?? template),
    ),
    ...[...text.matchAll(SAID)].map(([, event = "", plain, template]) =>
      logEvent(path, "warn", event, plain ?? template),
    ),
  ]);
  const wrong = events.filter(({ event }) => !NAME.test(event));
  if (wrong.length > 0)
    throw new Error(
      `events are named subject.what-happened, and not: ${wrong.map(({ event, path }) => `${event} (${path})`).join(", ")}`,
    );
  const rows = events
    .sort((a, b) => (a.event < b.event ? -1 : a.event > b.event ? 1 : 0))
    .map(
      ({ event, level, text, path }) =>
        `| \`${event}\` | ${level} | ${text.replaceAll("|", "\\|")} | \`${path}\` |`,
    );
  return `${[
    "# Log events",
    "<!-- Made by `npm run generate` from the sources. Do not edit. -->",
    "Processes log one JSON object in a line. `event` is a stable name to search and to alert for; `msg` is a sentence for a person and may change; other fields say what it was about. On a terminal some commands print the sentences alone.",
    ["| `event` | Level | Says | Where |", "|---|---|---|---|", ...rows].join("\n"),
  ].join("\n\n")}\n`;
}

function logEvent(path: string, level: string, event: string, text = ""): LogEvent {
  const sentence = text.replace(/\$\{[^}]*\}/g, "…").replace(/\s+/g, " ");
  return { event, level, text: sentence, path };
}
