#!/usr/bin/env node
// HAPI FHIR's client and parser against a real dsfd: run.mjs BUILD_FOLDER TARGET_FOLDER [--mib N]. Maven fetches HAPI and compiles, unless that is done.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Site } from '../site.mjs';

const here = dirname(fileURLToPath(import.meta.url)), target = resolve(process.argv[3]), list = join(target, 'classpath');
const sources = join(here, 'src/main/java/dsfd/clients');
const newest = Math.max(statSync(join(here, 'pom.xml')).mtimeMs, ...readdirSync(sources).map((f) => statSync(join(sources, f)).mtimeMs));
if (!existsSync(list) || statSync(list).mtimeMs < newest) {
  const made = spawnSync('mvn', ['-B', '-q', '-f', join(here, 'pom.xml'), `-Dtarget=${target}`, 'compile', 'dependency:build-classpath', `-Dmdep.outputFile=${list}`, '-Dmdep.includeScope=runtime'], { encoding: 'utf8' });
  if (made.status !== 0) {
    console.log(`failed: mvn compile: ${(made.stdout + made.stderr).split('\n').slice(0, 15).join('\n')}`);
    console.log('0 passed, 1 failed, 0 skipped');
    process.exit(1);
  }
}
const at = process.argv.indexOf('--mib');
const mebibytes = at > 0 ? Number(process.argv[at + 1]) : 1024;
const site = await Site.start(process.argv[2]);
let status = 1;
try {
  status = spawnSync('java', ['-XX:TieredStopAtLevel=1', `-Xmx${512 + 9 * mebibytes}m`,  // the client holds a Binary whole, more than once
    '-cp', `${join(target, 'classes')}:${readFileSync(list, 'utf8').trim()}`, 'dsfd.clients.Main', site.base, join(site.folder, 'pki'), String(mebibytes)], { stdio: 'inherit' }).status;
} finally {
  await site.stop();
}
process.exit(status ?? 1);
