#!/usr/bin/env node
// Ping-pong between dsfd and an installation of Java DSF 1.x, in mixes of halves; README.md tells how, and what was seen.
//   run.mjs --build FOLDER --fhir HOME --bpe HOME --plugin JAR [--mix NAME ...]
// HOME holds dsf_fhir.jar or dsf_bpe.jar, lib/ and conf/; JAR is the ping-pong plugin of Java DSF.
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allowList, freePort, makeCertificates } from '../clients/site.mjs';
import { Database, JavaEndpoint, JavaEngine, OwnEndpoint, OwnEngine, OwnSite, Party } from './parts.mjs';

const ping_timeout_s = 90;
// The halves of the two sites: endpoint and engine of the first, then of the second.
const mixes = {
  'java-peer': { about: 'our site, a Java site as its peer', halves: [['own'], ['java', 'java']] },
  'java-endpoint': { about: 'our engine at a Java endpoint, our site as its peer', halves: [['java', 'own'], ['own']] },
  'java-engine': { about: 'a Java engine at our endpoint, our site as its peer', halves: [['own', 'java'], ['own']] },
  'crossed': { about: 'our engine at a Java endpoint, a Java engine at our endpoint', halves: [['java', 'own'], ['own', 'java']] },
};

const { values } = parseArgs({ options: { build: { type: 'string' }, fhir: { type: 'string' }, bpe: { type: 'string' }, plugin: { type: 'string' }, mix: { type: 'string', multiple: true }, keep: { type: 'boolean' } } });
const source = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const build = resolve(values.build ?? join(source, 'build/release'));
const homes = { fhir: values.fhir && resolve(values.fhir), bpe: values.bpe && resolve(values.bpe), plugin: values.plugin && resolve(values.plugin) };
if (!homes.fhir || !homes.bpe || !homes.plugin) {
  console.log('SKIP: interop: no installation of Java DSF was named (--fhir, --bpe, --plugin)');
  console.log('0 passed, 0 failed, 0 skipped');
  process.exit(0);
}

function partsOf(site, [endpoint, engine]) {
  if (!engine) return [new OwnSite(site)];
  return [endpoint === 'java' ? new JavaEndpoint(site) : new OwnEndpoint(site), engine === 'java' ? new JavaEngine(site) : new OwnEngine(site)];
}

// A Java endpoint of 1.x has the Task profile under its older name task-base, and knows no profiles of definitions; our processes name those of 2.x, so
// an operator brings along what is not there.
async function bringProfiles(site) {
  const folder = join(source, 'fhir/conformance'), brought = [];
  for (const file of readdirSync(folder).filter((f) => /^structure-definition-(meta|task|structure-definition|code-system|value-set|activity-definition|naming-system)\.json$/.test(f)).sort()) {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    if ((await site.get(`StructureDefinition?url=${profile.url}`)).json.total > 0) continue;
    delete profile.meta.profile;
    const posted = await site.send('POST', 'StructureDefinition', profile);
    if (posted.status !== 201) throw new Error(`${site.name} does not take ${profile.url}: ${posted.status} ${posted.text.slice(0, 800)}`);
    brought.push(profile.url.split('/').pop());
  }
  console.log(`  profiles brought to the Java endpoint of ${site.name}: ${brought.join(', ')}`);
}

const organization = (site) => ({ type: 'Organization', identifier: { system: 'http://dsf.dev/sid/organization-identifier', value: `${site.name}.example` } });

// A Task that starts ping, as the site's own people would post it; the Task when it has ended.
async function ping(site) {
  const task = { resourceType: 'Task', meta: { profile: ['http://dsf.dev/fhir/StructureDefinition/task-start-ping|1.0'] }, instantiatesCanonical: 'http://dsf.dev/bpe/Process/ping|1.0',
    status: 'requested', intent: 'order', authoredOn: new Date().toISOString(), requester: organization(site), restriction: { recipient: [organization(site)] },
    input: [{ type: { coding: [{ system: 'http://dsf.dev/fhir/CodeSystem/bpmn-message', code: 'message-name' }] }, valueString: 'startPing' }] };
  const posted = await site.send('POST', 'Task', task);
  if (posted.status !== 201) throw new Error(`${site.name} does not take the start of ping: ${posted.status} ${posted.text.slice(0, 600)}`);
  for (const end = Date.now() + ping_timeout_s * 1000; Date.now() < end; await new Promise((done) => setTimeout(done, 1000))) {
    const now = (await site.get(`Task/${posted.json.id}`)).json;
    if (['completed', 'failed'].includes(now?.status)) return now;
  }
  throw new Error(`ping of ${site.name} has not ended after ${ping_timeout_s} s`);
}

// What ping says of each target: "pong-received" and the like.
const statusOf = (task) => (task.output ?? []).map((o) => o.valueCoding?.code ?? o.valueString ?? o.type?.coding?.[0]?.code).join(', ') || 'no output';

async function run(name, { about, halves }) {
  const folder = mkdtempSync(join(tmpdir(), 'dsfd-interop-'));
  chmodSync(folder, 0o755);
  const names = ['first', 'second'], pki = join(folder, 'pki'), thumbprints = makeCertificates(build, pki, names);
  const sites = [];
  for (const n of names) sites.push(new Party(n, folder, pki, thumbprints[n], await freePort()));
  const list = allowList(sites.map((s) => ({ name: s.name, role: 'DIC', thumbprint: s.thumbprint, address: s.base })));
  for (const s of sites) s.allow_list = list;
  const database = new Database(join(folder, 'postgres')), running = [];
  let failures = 0;
  try {
    if (halves.flat().includes('java')) {
      running.push(database);
      await database.begin(sites.flatMap((s) => [`${s.name}_fhir`, `${s.name}_bpe`]));
    }
    for (const [i, site] of sites.entries()) {
      for (const part of partsOf(site, halves[i])) {
        running.push(part);
        await part.begin({ homes, build, source, database });
        console.log(`  ${part.name} is up`);
        if (part instanceof JavaEndpoint && halves[i][1] === 'own') await bringProfiles(site);
      }
    }
    for (const site of sites) {
      const task = await ping(site), status = statusOf(task);
      const good = task.status === 'completed' && /pong-received/.test(status) && !/not-/.test(status);
      if (!good) ++failures;
      console.log(`  ${good ? 'seen' : 'failed'}: ${name}: ping from the ${site.name} site is ${task.status}: ${status}`);
    }
  } catch (e) {
    ++failures;
    console.log(`  failed: ${name} (${about}): ${e.stack}`);
  } finally {
    for (const part of running.reverse()) await part.stop();
    if (values.keep || failures > 0) console.log(`  kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
  return failures === 0;
}

let passed = 0, failed = 0;
for (const [name, mix] of Object.entries(mixes)) {
  if (values.mix && !values.mix.includes(name)) continue;
  console.log(`${name}: ${mix.about}`);
  if (await run(name, mix)) ++passed;
  else ++failed;
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
