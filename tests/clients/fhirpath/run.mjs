#!/usr/bin/env node
// Compares fhir/path with the npm package fhirpath on generated pairs of expression and resource.
//   run.mjs PROGRAM [--pairs N] [--seed S] [--table FILE] [--show N]
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { generate } from './generate.mjs';
import { sameOutcome } from './canonical.mjs';
import { differences } from './differences.mjs';
import { table } from './table.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string', default: '5000' }, seed: { type: 'string', default: '20261123' }, table: { type: 'string' }, show: { type: 'string', default: '20' } },
});
const wanted = Number(values.pairs), seed = Number(values.seed);
const pairs = generate(seed, wanted);
const input = pairs.map((p) => JSON.stringify({ expression: p.expression, resource: p.resource })).join('\n') + '\n';
const ran = spawnSync(positionals[0], { input, encoding: 'utf8', maxBuffer: 1 << 30 });
if (ran.status !== 0) {
  console.log(`failed: ${positionals[0]} ended with ${ran.status ?? ran.error}: ${ran.stderr}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}
const answers = ran.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
let agreed = 0;
const explained = new Map(), unexplained = [];
pairs.forEach((p, i) => {
  p.ours = answers[i];
  p.agrees = sameOutcome(p.ours, p.theirs);
  if (p.agrees) return void ++agreed;
  p.why = differences.find((d) => d.covers(p));
  if (p.why) explained.set(p.why.name, (explained.get(p.why.name) ?? 0) + 1);
  else unexplained.push(p);
});

for (const p of unexplained.slice(0, Number(values.show))) {
  console.log(`\n${p.expression}\n  in ${JSON.stringify(p.resource).slice(0, 1500)}\n  ours:   ${JSON.stringify(p.ours)}\n  theirs: ${JSON.stringify(p.theirs)}`);
}
const { text, failures } = table(pairs, wanted >= 5000);
if (values.table) writeFileSync(values.table, text);
for (const f of failures) console.log(`failed: ${f}`);
const report = [...explained].map(([name, n]) => `${name}: ${n}`).join(', ');
console.log(`${pairs.length} pairs, seed ${seed}: ${agreed} agree, ${pairs.length - agreed - unexplained.length} differ as explained (${report}), ${unexplained.length} differ`);
const failed = unexplained.length + failures.length;
console.log(`${failed === 0 ? 1 : 0} passed, ${failed === 0 ? 0 : 1} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
