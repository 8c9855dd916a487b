// What a site does all day: reads, searches, a resource's whole life, Binaries as bytes, and a WebSocket that hears of changes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { randomBytes, randomUUID } from 'node:crypto';
import https from 'node:https';
import { read_all, read_local } from '../clients/site.mjs';
import { FrameSocket } from './frames.mjs';

const fhir_json = 'application/fhir+json';
const blob = randomBytes(512 * 1024);  // above the size from which a Binary is a file

export class Load {
  done = 0;
  events = 0;

  constructor(site) {
    this.site = site;
    this.agent = new https.Agent({ keepAlive: true, maxSockets: 8, ...site.identity('site-a') });
  }

  async ask(method, path, { body, type = fhir_json, headers = {}, expected }) {
    const sent = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const request = https.request(`${this.site.base}/${path}`, { method, agent: this.agent,
      headers: { Accept: fhir_json, ...(sent ? { 'Content-Type': type, 'Content-Length': sent.length } : {}), ...headers } });
    request.end(sent);
    const [answer] = await once(request, 'response');
    const parts = [];
    for await (const part of answer) parts.push(part);
    const text = Buffer.concat(parts);
    assert.equal(answer.statusCode, expected, `${method} ${path}: ${text.subarray(0, 300)}`);
    ++this.done;
    return text;
  }
  async json(method, path, options) { return JSON.parse(await this.ask(method, path, options)); }

  async prepare() {
    const found = await this.json('GET', 'Organization?identifier=http://dsf.dev/sid/organization-identifier%7Csite-a.example', { expected: 200 });
    this.organization = found.entry[0].resource.id;
    this.subscription = (await this.json('POST', 'Subscription', { expected: 201, body: { resourceType: 'Subscription', meta: { tag: [read_all] }, status: 'active', reason: 'soak',
      criteria: 'Group?identifier=http://soak.example/groups|', channel: { type: 'websocket', payload: fhir_json } } })).id;
    await this.listen();
  }

  async listen() {
    this.ear = await FrameSocket.open(this.site, 'site-a');
    this.ear.on('text', () => { ++this.events; });
    this.ear.send(`bind ${this.subscription}`);
    await once(this.ear, 'text');
  }

  // One of each; leaves the store as it was, but for histories of what is gone for ever.
  async round() {
    const group = (name) => ({ resourceType: 'Group', meta: { tag: [read_local] }, type: 'person', actual: true, name, identifier: [{ system: 'http://soak.example/groups', value: randomUUID() }] });
    await this.json('GET', `Organization/${this.organization}`, { expected: 200 });
    await this.json('GET', 'Task?status=requested&_sort=-_lastUpdated&_count=20', { expected: 200 });
    const one = await this.json('POST', 'Group', { expected: 201, body: group('first') });
    await this.json('PUT', `Group/${one.id}`, { expected: 200, body: { ...one, name: 'second' } });
    const found = await this.json('GET', `Group?identifier=${one.identifier[0].value}`, { expected: 200 });
    assert.equal(found.total, 1);
    await this.ask('DELETE', `Group/${one.id}`, { expected: 200 });
    await this.ask('POST', `Group/${one.id}/$permanent-delete`, { expected: 200 });
    const binary = await this.json('POST', 'Binary', { expected: 201, body: blob, type: 'application/octet-stream', headers: { 'X-Security-Context': `Organization/${this.organization}` } });
    assert.ok((await this.ask('GET', `Binary/${binary.id}`, { expected: 200, headers: { Accept: 'application/octet-stream' } })).equals(blob), 'a Binary came back changed');
    await this.ask('DELETE', `Binary/${binary.id}`, { expected: 200 });
    await this.ask('POST', `Binary/${binary.id}/$permanent-delete`, { expected: 200 });
  }

  stop() {
    this.ear?.destroy();
    this.agent.destroy();
  }
}
