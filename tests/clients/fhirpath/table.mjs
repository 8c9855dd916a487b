// The table by function, operator and type, and what it may not show.
import { rows } from './rows.mjs';

const least_pairs = 20, most_empty = 0.3;

export function table(pairs, whole) {
  const lines = ['| | name | pairs | empty | errors | agree | explained | differ |', '|---|---|---:|---:|---:|---:|---:|---:|'], failures = [];
  for (const row of rows) {
    const own = pairs.filter((p) => p.uses.includes(`${row.kind} ${row.name}`));
    const count = (test) => own.filter(test).length;
    const empty = count((p) => p.ours.result?.length === 0), agree = count((p) => p.agrees), explained = count((p) => !p.agrees && p.why);
    const name = row.name.replace(/\|/g, '\\|');
    lines.push(`| ${row.kind} | \`${name}\` | ${own.length} | ${empty} | ${count((p) => 'error' in p.ours)} | ${agree} | ${explained} | ${own.length - agree - explained} |`);
    if (whole && own.length < least_pairs) failures.push(`${row.kind} ${row.name} has ${own.length} pairs, and needs ${least_pairs}`);
    if (whole && empty > own.length * most_empty) failures.push(`${row.kind} ${row.name}: ${empty} of ${own.length} results are empty`);
  }
  return { text: lines.join('\n') + '\n', failures };
}
