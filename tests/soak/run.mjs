#!/usr/bin/env node
// Half an hour of work beside connections that stall, drop and send garbage: run.mjs BUILD_FOLDER [--seconds N] [--rounds A_SECOND] [--samples FILE].
// Would find: memory, descriptors or threads that grow; a connection that is kept although its time is over; work that suffers.
import { writeFileSync } from 'node:fs';
import { Site } from '../clients/site.mjs';
import { held, medianOf, selfTest, slopePerHour } from './figures.mjs';
import { Hostile } from './hostile.mjs';
import { Load } from './load.mjs';

const option = (name, otherwise) => { const at = process.argv.indexOf(name); return at > 0 ? process.argv[at + 1] : otherwise; };
const seconds = Number(option('--seconds', 1800));
const hostile_every_s = 3, rounds_a_second = Number(option('--rounds', 4));
// A slope is judged where there is time for one; below that only what no noise explains.
const judged_from_s = 900, slope_at_most = 2, growth_at_most = 48, spare_descriptors = 8, spare_threads = 2;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const now = () => performance.now() / 1000;

selfTest();
// Small caches and buffers are full early, and what grows then is none of them.
const site = await Site.start(process.argv[2], async () => ({ store: ', block_cache: 4MiB, write_buffers: 2MiB' }));
const load = new Load(site);
await load.prepare();
const hostile = new Hostile(site, load.organization);
const faults = [];
const begin = now();

// Caches and write buffers fill first: a tenth of the time, as much work as it takes.
for (const end = begin + seconds * 0.1; now() < end;) await Promise.all(Array.from({ length: 6 }, () => load.round()));
await sleep(2000);
const quiet_before = held(site.process.pid);

const samples = [];
let next_round = now(), next_hostile = now(), next_sample = now(), running = 0;
for (const end = begin + seconds; now() < end; await sleep(20)) {
  if (now() >= next_round) {
    next_round += 1 / rounds_a_second;
    if (running < 8) {
      ++running;
      load.round().catch((e) => faults.push(`work: ${e.message}`)).finally(() => { --running; });
    }
  }
  if (now() >= next_hostile) {
    next_hostile += hostile_every_s;
    hostile.round();
  }
  if (now() >= next_sample) {
    next_sample += Math.max(1, seconds / 180);
    samples.push({ ...held(site.process.pid), connections: hostile.open.size });
  }
  if (faults.length > 20 || site.process.exitCode !== null) break;
}
while (running) await sleep(50);
await hostile.stop();
await sleep(5000);
const quiet_after = held(site.process.pid);
if (option('--samples')) writeFileSync(option('--samples'), JSON.stringify(samples));

// The first third of the watched time still warms up.
const settled = samples.slice(Math.floor(samples.length / 3));
const slope = slopePerHour(settled, (s) => s.mib);
const thirds = [0, 1, 2].map((i) => samples.slice(Math.floor(samples.length * i / 3), Math.floor(samples.length * (i + 1) / 3)));
for (const [name, of] of [['resident MiB', (s) => s.mib], ['descriptors', (s) => s.descriptors], ['threads', (s) => s.threads], ['hostile connections', (s) => s.connections]])
  console.log(`${name}: median of each third ${thirds.map((t) => medianOf(t, of).toFixed(name === 'resident MiB' ? 1 : 0)).join(', ')}`);
console.log(`quiet before: ${quiet_before.mib.toFixed(1)} MiB, ${quiet_before.descriptors} descriptors, ${quiet_before.threads} threads; after: ${quiet_after.mib.toFixed(1)} MiB, ${quiet_after.descriptors}, ${quiet_after.threads}`);
console.log(`slope of resident memory: ${slope.toFixed(2)} MiB an hour over ${Math.round(settled.at(-1).seconds - settled[0].seconds)} s; requests: ${load.done}; connections of each kind: ${Object.entries(hostile.opened).map(([k, n]) => `${k} ${n}`).join(', ')}`);

let passed = 0, failed = 0;
function check(name, holds, told) {
  if (holds) return ++passed;
  ++failed;
  console.log(`  FAILED: ${name}: ${told}`);
}
check('the site still runs', site.process.exitCode === null, `exit code ${site.process.exitCode}`);
check('work goes on beside what is hostile', faults.length === 0 && load.done > 0, faults.slice(0, 5).join('; ') || 'nothing was done');
check('what stalls is closed in time', hostile.overdue.length === 0, hostile.overdue.slice(0, 5).join('; '));
check('each kind of connection was there', Object.keys(hostile.kinds).every((k) => hostile.ended[k] > 0), `ended: ${JSON.stringify(hostile.ended)}`);
check('descriptors are those of before', quiet_after.descriptors <= quiet_before.descriptors + spare_descriptors, `${quiet_before.descriptors} before, ${quiet_after.descriptors} after`);
check('threads are those of before', quiet_after.threads <= quiet_before.threads + spare_threads, `${quiet_before.threads} before, ${quiet_after.threads} after`);
if (seconds >= judged_from_s) check('resident memory does not grow', slope < slope_at_most, `${slope.toFixed(2)} MiB an hour, at most ${slope_at_most} are allowed`);
else check('resident memory stays about the same', quiet_after.mib < quiet_before.mib + growth_at_most, `${quiet_before.mib.toFixed(1)} MiB before, ${quiet_after.mib.toFixed(1)} after`);
load.stop();
await site.stop();
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed ? 1 : 0);
