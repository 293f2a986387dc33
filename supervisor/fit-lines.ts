import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";

/**
 * A block of lines for a terminal of that many columns: the first of the ways to write it whose
 * lines all fit, so that what stands in columns stays in columns. When none does, the last one is
 * wrapped: a number is never cut.
 *
 * @param ways from the most spacious to the tersest
 */
export function fitLines(ways: string[][], columns: number): string[] {
  const fitting = ways.find((lines) => lines.every((line) => stringWidth(line) <= columns));
  return fitting ?? (ways.at(-1) ?? []).flatMap((line) => wrapLine(line, columns));
}

/**
 * Breaks a line at its spaces, continuing under its own indentation and two columns more. A word
 * that is longer than a whole line is broken where the line ends.
 */
export function wrapLine(line: string, columns: number): string[] {
  const indent = line.length - line.trimStart().length;
  const next = " ".repeat(Math.min(indent + 2, Math.floor(columns / 2)));
  const lines: string[] = [];
  let current = "";
  for (const word of line.trimEnd().split(/(?<=\S)(?=\s)/)) {
    if (stringWidth(current + word) <= columns) {
      current += word;
      continue;
    }
    if (current !== "") lines.push(current);
    current = lines.length === 0 ? word : next + word.trimStart();
    while (stringWidth(current) > columns) {
      const fits = headOf(current, columns);
      lines.push(fits);
      current = next + current.slice(fits.length);
    }
  }
  return [...lines, current];
}

/** Text that came from elsewhere, without what would move the cursor or change colours. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f]+/g, " ");
}

/** As much of the beginning as fits. */
function headOf(text: string, columns: number): string {
  let head = "";
  for (const character of text) {
    if (head !== "" && stringWidth(head + character) > columns) break;
    head += character;
  }
  return head;
}
