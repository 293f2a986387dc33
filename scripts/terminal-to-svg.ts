import { readFileSync, writeFileSync } from "node:fs";

/**
 * Draws what a terminal shows as SVG: text with escape codes for colours on standard input.
 *
 *     tmux capture-pane -p -e | node scripts/terminal-to-svg.ts docs/images/live-view.svg "The live view"
 */
const CELL = { width: 8.4, height: 19, font: 14 };
const PADDING = 16;
const PAPER = "#0d1117";
const INK = "#d1d7e0";
// The sixteen colours of a terminal, as GitHub's dark theme has them.
const COLOURS = ["#656c76", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", INK];
const ESCAPE = new RegExp(`${String.fromCharCode(27)}\\[([\\d;]*)m`);

type Style = { colour: string; isBold: boolean; isDim: boolean };
const PLAIN: Style = { colour: INK, isBold: false, isDim: false };

const [file, title] = process.argv.slice(2);
if (file === undefined || title === undefined)
  throw new Error("usage: node scripts/terminal-to-svg.ts <file.svg> <title>");
writeFileSync(file, draw(readFileSync(0, "utf8").trimEnd().split("\n")));

function draw(lines: string[]): string {
  let style = PLAIN;
  let columns = 0;
  const rows = lines.map((line, row) => {
    const texts: string[] = [];
    let column = 0;
    // Split by a pattern with one group: text, codes, text, codes, …
    for (const [index, part] of line.split(ESCAPE).entries()) {
      if (index % 2 === 1) style = restyle(style, part);
      else {
        if (part.trim() !== "") texts.push(span(part, column, row, style));
        column += [...part].length;
      }
    }
    columns = Math.max(columns, column);
    return texts.join("\n");
  });
  const width = Math.ceil(columns * CELL.width + 2 * PADDING);
  const height = lines.length * CELL.height + 2 * PADDING;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${escaped(title ?? "")}</title>
<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${CELL.font}" xml:space="preserve">
${rows.filter((row) => row !== "").join("\n")}
</g>
</svg>
`;
}

function span(text: string, column: number, row: number, style: Style): string {
  const start = column + (text.length - text.trimStart().length);
  const shown = text.trim();
  const x = (PADDING + start * CELL.width).toFixed(1);
  const y = PADDING + row * CELL.height + CELL.font;
  // The length is said, so that columns stay in line with whatever font the viewer has.
  const length = ([...shown].length * CELL.width).toFixed(1);
  const weight = style.isBold ? ' font-weight="bold"' : "";
  const opacity = style.isDim ? ' opacity="0.6"' : "";
  return `<text x="${x}" y="${y}" textLength="${length}" fill="${style.colour}"${weight}${opacity}>${escaped(shown)}</text>`;
}

function restyle(style: Style, codes: string): Style {
  let next = style;
  for (const code of codes.split(";").map(Number)) {
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, isBold: true };
    else if (code === 2) next = { ...next, isDim: true };
    else if (code === 22) next = { ...next, isBold: false, isDim: false };
    else if (code === 39) next = { ...next, colour: INK };
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97))
      next = { ...next, colour: COLOURS[code % 10] ?? INK };
  }
  return next;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
