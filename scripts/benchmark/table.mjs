// Tables for a terminal.

/** Prints rows of text under their heads: the first two columns flush left, the others right. */
export function printTable(heads, rows) {
  const all = [heads, ...rows];
  const widths = heads.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  for (const row of all) {
    const cells = row.map((cell, i) => i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
    console.log(cells.join("  ").trimEnd());
  }
}
