// A real dsfd with certificates and an allow-list of its own, for clients that nobody here wrote.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import https from 'node:https';

const start_timeout_ms = 30_000;
const sid = 'http://dsf.dev/sid/', profiles = 'http://dsf.dev/fhir/StructureDefinition/';
export const read_all = { system: 'http://dsf.dev/fhir/CodeSystem/read-access-tag', code: 'ALL' };
export const read_local = { ...read_all, code: 'LOCAL' };

export function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => done(port)); });
  });
}

const reference = (full_url) => ({ reference: full_url });
const concept = (system, code) => ({ coding: [{ system, code }] });
const uuid = (kind, n) => `urn:uuid:00000000-0000-4000-8000-${kind}${String(n).padStart(11, '0')}`;

// What a consortium looks like as a transaction: `members` are {name, role, thumbprint, address}.
export function allowList(members) {
  const meta = (profile) => ({ profile: [profiles + profile], tag: [read_all] });
  const identifier = (kind, value) => [{ system: `${sid}${kind}-identifier`, value }];
  const put = (fullUrl, resource, url) => ({ fullUrl, resource, request: { method: 'PUT', url } });
  const parent = uuid(1, 0);
  const entry = [put(parent, { resourceType: 'Organization', meta: meta('organization-parent'), identifier: identifier('organization', 'parent.example'), active: true, name: 'Parent' },
    `Organization?identifier=${sid}organization-identifier|parent.example`)];
  members.forEach(({ name, role, thumbprint, address }, i) => {
    const organization = uuid(1, i + 1), endpoint = uuid(2, i + 1);
    entry.push(
      put(organization, { resourceType: 'Organization', meta: meta('organization'), extension: [{ url: `${profiles}extension-certificate-thumbprint`, valueString: thumbprint }],
        identifier: identifier('organization', `${name}.example`), active: true, name, endpoint: [reference(endpoint)] }, `Organization?identifier=${sid}organization-identifier|${name}.example`),
      put(endpoint, { resourceType: 'Endpoint', meta: meta('endpoint'), identifier: identifier('endpoint', `${name}.localhost`), status: 'active',
        connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' }, name, managingOrganization: reference(organization),
        payloadType: [concept('http://hl7.org/fhir/resource-types', 'Task')], payloadMimeType: ['application/fhir+json', 'application/fhir+xml'], address },
      `Endpoint?identifier=${sid}endpoint-identifier|${name}.localhost`),
      put(uuid(3, i + 1), { resourceType: 'OrganizationAffiliation', meta: meta('organization-affiliation'), active: true, organization: reference(parent),
        participatingOrganization: reference(organization), code: [concept('http://dsf.dev/fhir/CodeSystem/organization-role', role)], endpoint: [reference(endpoint)] },
      `OrganizationAffiliation?primary-organization:identifier=${sid}organization-identifier|parent.example&participating-organization:identifier=${sid}organization-identifier|${name}.example`));
  });
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

// Certificates for sites in a folder; the thumbprints of their client certificates by name.
export function makeCertificates(build, folder, names) {
  const made = spawnSync(resolve(build, 'site/dsfctl'), ['--json', 'pki', '--out', folder, ...names.flatMap((n) => ['--site', n])], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`dsfctl pki: ${made.stdout}${made.stderr}`);
  return Object.fromEntries(JSON.parse(made.stdout).certificates.filter((c) => c.use === 'client').map((c) => [c.who, c.thumbprint]));
}

export class Site {
  // `build` holds site/dsfd and site/dsfctl. `more(site)`, if given, says more for the settings: members of `fhir` and of `store`, further
  // lines; certificates are there then.
  static async start(build, more = async () => ({})) {
    const site = new Site();
    site.folder = mkdtempSync(join(tmpdir(), 'dsfd-clients-'));
    const thumbprints = makeCertificates(build, join(site.folder, 'pki'), ['site-a', 'site-b']);
    const port = await freePort();
    site.base = `https://localhost:${port}/fhir`;
    writeFileSync(join(site.folder, 'allow-list.json'), JSON.stringify(allowList([
      { name: 'site-a', role: 'DIC', thumbprint: thumbprints['site-a'], address: site.base },
      { name: 'site-b', role: 'HRP', thumbprint: thumbprints['site-b'], address: 'https://site-b.localhost/fhir' }])));
    const { fhir = '', store = '', lines = '' } = await more(site);
    writeFileSync(join(site.folder, 'site.yaml'), `name: site-a
roles: [fhir]
organization: {identifier: site-a.example}
endpoint: {identifier: site-a.localhost}
fhir: {base_url: '${site.base}', port: ${port}, allow_list: allow-list.json${fhir}}
status: {port: 0}
admin: {socket: admin.sock}
store: {path: store, low_water_mark: 0${store}}
log: {file: log.jsonl}
tls:
  server: {certificate: pki/site-a/server.pem, key: pki/site-a/server.key, trust: pki/ca.pem}
  client: {certificate: pki/site-a/client.pem, key: pki/site-a/client.key, trust: pki/ca.pem}
${lines}`);
    const log = openSync(join(site.folder, 'output.log'), 'w');
    site.process = spawn(resolve(build, 'site/dsfd'), ['--config', join(site.folder, 'site.yaml')], { stdio: ['ignore', log, log] });
    for (const end = Date.now() + start_timeout_ms; ;) {
      if (await site.answers()) return site;
      if (site.process.exitCode !== null || Date.now() > end) throw new Error(`dsfd did not start: ${readFileSync(join(site.folder, 'output.log'), 'utf8')}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  // Who presents what: certificate, key and trusted authority as PEM.
  identity(who) {
    const read = (name) => readFileSync(join(this.folder, 'pki', name), 'utf8');
    return { ca: read('ca.pem'), cert: read(`${who}/client.pem`), key: read(`${who}/client.key`) };
  }

  answers() {
    return new Promise((done) => {
      const request = https.get(`${this.base}/metadata`, { ...this.identity('site-a'), timeout: 2000 }, (answer) => { answer.resume(); done(answer.statusCode === 200); });
      request.on('error', () => done(false));
    });
  }

  async stop() {
    if (this.process.exitCode === null) {
      const ended = new Promise((done) => this.process.once('exit', done));
      this.process.kill('SIGTERM');
      await Promise.race([ended, new Promise((done) => setTimeout(done, 10_000))]);
      this.process.kill('SIGKILL');
    }
    if (process.env.DSF_TEST_KEEP) console.log(`kept: ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true });
  }
}
