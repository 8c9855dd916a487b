// The halves of a DSF site: an endpoint or an engine, ours or Java DSF's, each a program with a folder, a log and ports of its own on the loopback.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join, resolve } from 'node:path';
import { freePort } from '../clients/site.mjs';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Program {
  constructor(name, folder) {
    this.name = name;
    this.folder = folder;
    this.log = join(folder, 'output.log');
    mkdirSync(folder, { recursive: true });
  }
  start(command, args, options = {}) {
    const log = openSync(this.log, 'a');
    this.process = spawn(command, args, { cwd: this.folder, stdio: ['ignore', log, log], ...options });
  }
  async until(what, timeout_s, test) {
    for (const end = Date.now() + timeout_s * 1000; ; await pause(500)) {
      if (await test()) return;
      const ended = this.process && this.process.exitCode !== null;
      if (ended || Date.now() > end) throw new Error(`${this.name}: ${what}: ${ended ? `ended with ${this.process.exitCode}` : `not within ${timeout_s} s`}; see ${this.log}`);
    }
  }
  async stop() {
    if (!this.process || this.process.exitCode !== null) return;
    const ended = new Promise((done) => this.process.once('exit', done));
    this.process.kill('SIGTERM');
    await Promise.race([ended, pause(15_000)]);
    this.process.kill('SIGKILL');
  }
}

// A PostgreSQL cluster (Debian's server programs) in a folder; run by the user postgres when we are root.
export class Database extends Program {
  constructor(folder) { super('PostgreSQL', folder); }
  as(program, args) {
    const path = [process.env.PG_BIN, '/usr/lib/postgresql/15/bin'].filter(Boolean).map((f) => join(f, program)).find(existsSync) ?? program;
    return process.getuid() === 0 ? ['runuser', ['-u', 'postgres', '--', path, ...args]] : [path, args];
  }
  async begin(databases) {
    const data = join(this.folder, 'data');
    this.port = await freePort();
    mkdirSync(data, { recursive: true });
    if (process.getuid() === 0) spawnSync('chown', ['-R', 'postgres', this.folder]);
    const made = spawnSync(...this.as('initdb', ['-D', data, '-U', 'liquibase_user', '--auth=trust', '-E', 'UTF8', '--no-sync']), { encoding: 'utf8', cwd: '/' });
    if (made.status !== 0) throw new Error(`initdb: ${made.error ?? made.stderr}`);
    this.start(...this.as('postgres', ['-D', data, '-p', String(this.port), '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${this.folder}`, '-c', 'fsync=off']), { cwd: '/' });
    for (const name of databases) {
      await this.until(`database ${name}`, 30, () => spawnSync(...this.as('createdb', ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'liquibase_user', name]), { cwd: '/' }).status === 0);
    }
  }
  url(name) { return `jdbc:postgresql://127.0.0.1:${this.port}/${name}`; }
}

const log4j = `<Configuration status="WARN"><Appenders><Console name="out" target="SYSTEM_OUT"><PatternLayout pattern="%d{HH:mm:ss.SSS} %p %c{1} %m%n"/></Console></Appenders>
<Loggers><Logger name="dev.dsf" level="DEBUG"/><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers></Configuration>`;

// `home`: an installation of Java DSF 1.x as its container has it, NAME.jar beside lib/ and conf/.
class JavaProgram extends Program {
  run(home, jar, main, memory, environment) {
    if (existsSync(join(home, 'conf'))) cpSync(join(home, 'conf'), join(this.folder, 'conf'), { recursive: true });
    mkdirSync(join(this.folder, 'conf'), { recursive: true });
    writeFileSync(join(this.folder, 'conf/log4j2.xml'), log4j);
    for (const f of ['ui', 'lib_external', 'process']) mkdirSync(join(this.folder, f), { recursive: true });
    this.start('java', [`-Xmx${memory}`, '-XX:TieredStopAtLevel=1', '-cp', `${resolve(home, 'lib')}/*:${resolve(home, jar)}`, main], { env: { PATH: process.env.PATH, ...environment } });
  }
  says(text) { return existsSync(this.log) && readFileSync(this.log, 'utf8').includes(text); }
}

const pki = (site, file) => join(site.pki, site.name, file);
const fhirClient = (site, prefix) => ({
  [`${prefix}_TRUST_SERVER_CERTIFICATE_CAS`]: join(site.pki, 'ca.pem'),
  [`${prefix}_CERTIFICATE`]: pki(site, 'client.pem'),
  [`${prefix}_CERTIFICATE_PRIVATE_KEY`]: pki(site, 'client.key'),
});

// Whom a Java endpoint knows at its first start: its own organisation, who then brings the allow-list.
function firstBundle(site) {
  const meta = (profile) => `<meta><profile value="http://dsf.dev/fhir/StructureDefinition/${profile}"/><tag><system value="http://dsf.dev/fhir/CodeSystem/read-access-tag"/><code value="ALL"/></tag></meta>`;
  const coding = (name, system, code) => `<${name}><system value="${system}"/><code value="${code}"/></${name}>`;
  const identifier = (kind, value) => `<identifier><system value="http://dsf.dev/sid/${kind}-identifier"/><value value="${value}"/></identifier>`;
  const full = (n) => `urn:uuid:00000000-0000-4000-8000-00000000000${n}`;
  const entry = (n, resource, query) => `<entry><fullUrl value="${full(n)}"/><resource>${resource}</resource><request><method value="PUT"/><url value="${query}"/></request></entry>`;
  return `<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/>${entry(1, `<Organization>${meta('organization')}
<extension url="http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint"><valueString value="${site.thumbprint}"/></extension>
${identifier('organization', `${site.name}.example`)}<active value="true"/><endpoint><reference value="${full(2)}"/></endpoint></Organization>`,
    `Organization?identifier=http://dsf.dev/sid/organization-identifier|${site.name}.example`)}
${entry(2, `<Endpoint>${meta('endpoint')}${identifier('endpoint', `${site.name}.localhost`)}<status value="active"/>
${coding('connectionType', 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', 'hl7-fhir-rest')}<managingOrganization><reference value="${full(1)}"/></managingOrganization>
<payloadType>${coding('coding', 'http://hl7.org/fhir/resource-types', 'Task')}</payloadType><payloadMimeType value="application/fhir+json"/><payloadMimeType value="application/fhir+xml"/>
<address value="${site.base}"/></Endpoint>`, `Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|${site.name}.localhost`)}</Bundle>`;
}

export class JavaEndpoint extends JavaProgram {
  constructor(site) { super(`Java endpoint of ${site.name}`, join(site.folder, 'java-fhir')); this.site = site; }
  async begin({ homes, database }) {
    const { site } = this, db = `${site.name}_fhir`, bundle = join(this.folder, 'first-bundle.xml');
    writeFileSync(bundle, firstBundle(site));
    this.run(homes.fhir, 'dsf_fhir.jar', 'dev.dsf.fhir.FhirJettyServerHttps', '1g', {
      DEV_DSF_FHIR_DB_URL: database.url(db), DEV_DSF_FHIR_DB_LIQUIBASE_PASSWORD: 'l', DEV_DSF_FHIR_DB_USER_PASSWORD: 'u', DEV_DSF_FHIR_DB_USER_PERMANENT_DELETE_PASSWORD: 'p',
      DEV_DSF_FHIR_DB_USER_GROUP: `${db}_users`, DEV_DSF_FHIR_DB_USER_USERNAME: `${db}_user`, DEV_DSF_FHIR_DB_USER_PERMANENT_DELETE_GROUP: `${db}_delete_users`,
      DEV_DSF_FHIR_DB_USER_PERMANENT_DELETE_USERNAME: `${db}_delete_user`,
      DEV_DSF_FHIR_SERVER_BASE_URL: site.base, DEV_DSF_FHIR_SERVER_ORGANIZATION_IDENTIFIER_VALUE: `${site.name}.example`, DEV_DSF_FHIR_SERVER_ORGANIZATION_THUMBPRINT: site.thumbprint,
      DEV_DSF_FHIR_SERVER_INIT_BUNDLE: bundle, ...fhirClient(site, 'DEV_DSF_FHIR_CLIENT'),
      DEV_DSF_SERVER_API_PORT: String(site.port), DEV_DSF_SERVER_STATUS_PORT: String(await freePort()), DEV_DSF_SERVER_CONTEXT_PATH: '/fhir',
      DEV_DSF_SERVER_CERTIFICATE: pki(site, 'server.pem'), DEV_DSF_SERVER_CERTIFICATE_KEY: pki(site, 'server.key'), DEV_DSF_SERVER_AUTH_TRUST_CLIENT_CERTIFICATE_CAS: join(site.pki, 'ca.pem'),
    });
    await this.until('answers at /metadata', 180, async () => (await site.get('metadata').catch(() => ({}))).status === 200);
    const loaded = await site.send('POST', '', site.allow_list);
    if (loaded.status !== 200) throw new Error(`${this.name} does not take the allow-list: ${loaded.status} ${loaded.text.slice(0, 800)}`);
  }
}

export class JavaEngine extends JavaProgram {
  constructor(site) { super(`Java engine of ${site.name}`, join(site.folder, 'java-bpe')); this.site = site; }
  async begin({ homes, database }) {
    const { site } = this, db = `${site.name}_bpe`, plugins = join(this.folder, 'process');
    mkdirSync(plugins, { recursive: true });
    cpSync(homes.plugin, join(plugins, 'plugin.jar'));
    chmodSync(join(plugins, 'plugin.jar'), 0o444);
    this.run(homes.bpe, 'dsf_bpe.jar', 'dev.dsf.bpe.BpeJettyServer', '1g', {
      DEV_DSF_BPE_DB_URL: database.url(db), DEV_DSF_BPE_DB_LIQUIBASE_PASSWORD: 'l', DEV_DSF_BPE_DB_USER_PASSWORD: 'u', DEV_DSF_BPE_DB_USER_CAMUNDA_PASSWORD: 'c',
      DEV_DSF_BPE_DB_USER_GROUP: `${db}_users`, DEV_DSF_BPE_DB_USER_USERNAME: `${db}_user`, DEV_DSF_BPE_DB_USER_CAMUNDA_GROUP: `${db}_camunda_users`, DEV_DSF_BPE_DB_USER_CAMUNDA_USERNAME: `${db}_camunda_user`,
      DEV_DSF_BPE_FHIR_SERVER_BASE_URL: site.base, ...fhirClient(site, 'DEV_DSF_BPE_FHIR_CLIENT'), DEV_DSF_BPE_PROCESS_PLUGIN_DIRECTORY: plugins,
      DEV_DSF_SERVER_API_PORT: String(await freePort()), DEV_DSF_SERVER_STATUS_PORT: String(await freePort()), DEV_DSF_SERVER_CONTEXT_PATH: '/bpe',
      DEV_DSF_SERVER_AUTH_TRUST_CLIENT_CERTIFICATE_CAS: join(site.pki, 'ca.pem'),
    });
    await this.until('has its process at the endpoint and is connected', 180, async () => (await site.hasProcess()) && this.says('Bound received'));
  }
}

// Our program with one role or both.
class OwnProgram extends Program {
  constructor(site, roles) {
    super(`our ${roles.length === 2 ? 'site' : roles[0] === 'fhir' ? 'endpoint' : 'engine'} of ${site.name}`, join(site.folder, `own-${roles.join('-')}`));
    this.site = site;
    this.roles = roles;
  }
  async begin({ build, source }) {
    const { site, roles } = this, endpoint = roles.includes('fhir'), engine = roles.includes('bpe');
    writeFileSync(join(this.folder, 'allow-list.json'), JSON.stringify(site.allow_list));
    writeFileSync(join(this.folder, 'site.yaml'), `name: ${site.name}
roles: [${roles.join(', ')}]
organization: {identifier: ${site.name}.example}
endpoint: {identifier: ${site.name}.localhost}
fhir: {base_url: '${site.base}'${endpoint ? `, port: ${site.port}, allow_list: allow-list.json` : ''}}
${engine ? `plugins: {folders: ['${resolve(source, 'processes/ping/bundle')}']}\n` : ''}${engine && !endpoint ? `bpe: {endpoint: '${site.base}'}\n` : ''}status: {port: 0}
admin: {socket: admin.sock}
store: {path: store, low_water_mark: 0}
log: {file: log.jsonl}
tls:
  server: {certificate: ${pki(site, 'server.pem')}, key: ${pki(site, 'server.key')}, trust: ${join(site.pki, 'ca.pem')}}
  client: {certificate: ${pki(site, 'client.pem')}, key: ${pki(site, 'client.key')}, trust: ${join(site.pki, 'ca.pem')}}
`);
    this.start(resolve(build, 'site/dsfd'), ['--config', 'site.yaml']);
    if (endpoint) await this.until('answers at /metadata', 60, async () => (await site.get('metadata').catch(() => ({}))).status === 200);
    if (engine) await this.until('has its process at the endpoint', 60, () => site.hasProcess());
  }
}
export class OwnEndpoint extends OwnProgram { constructor(site) { super(site, ['fhir']); } }
export class OwnEngine extends OwnProgram { constructor(site) { super(site, ['bpe']); } }
export class OwnSite extends OwnProgram { constructor(site) { super(site, ['fhir', 'bpe']); } }

// Who a site is, and the wire to its endpoint as its own organisation.
export class Party {
  constructor(name, folder, pki_folder, thumbprint, port) {
    Object.assign(this, { name, folder: join(folder, name), pki: pki_folder, thumbprint, port, base: `https://localhost:${port}/fhir` });
    mkdirSync(this.folder, { recursive: true });
  }
  send(method, path, body) {
    const identity = { ca: readFileSync(join(this.pki, 'ca.pem')), cert: readFileSync(pki(this, 'client.pem')), key: readFileSync(pki(this, 'client.key')) };
    return new Promise((done, fail) => {
      const request = https.request(`${this.base}/${path}`, { method, ...identity, timeout: 30_000, headers: { Accept: 'application/fhir+json', 'Content-Type': 'application/fhir+json' } }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part) => { text += part; });
        answer.on('end', () => done({ status: answer.statusCode, text, json: text.startsWith('{') ? JSON.parse(text) : null }));
      });
      request.on('error', fail);
      request.on('timeout', () => request.destroy(new Error('no answer')));
      request.end(body ? JSON.stringify(body) : undefined);
    });
  }
  get(path) { return this.send('GET', path); }
  async hasProcess() {
    const found = await this.get('ActivityDefinition?url=http://dsf.dev/bpe/Process/pong&status=active').catch(() => ({}));
    return (found.json?.total ?? 0) > 0;
  }
}
