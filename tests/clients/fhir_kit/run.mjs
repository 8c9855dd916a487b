#!/usr/bin/env node
// All interactions of the npm package fhir-kit-client against a real dsfd: run.mjs BUILD_FOLDER. Finds: an answer that a client which nobody here wrote
// does not understand.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { Site, read_local } from '../site.mjs';

// The client takes certificates only where it brings its own fetch.
for (const name of ['fetch', 'Request', 'Response', 'Headers']) globalThis[name] = undefined;
const Client = createRequire(import.meta.url)('fhir-kit-client');

const site = await Site.start(process.argv[2]);
// It makes an agent a request; kept alive, their connections would reach the limit of one certificate.
const clientOf = (who) => new Client({ baseUrl: site.base, requestOptions: { ...site.identity(who), keepAlive: false } });
const local = clientOf('site-a'), remote = clientOf('site-b');
const answerOf = (resource) => Client.httpFor(resource).response;
const group = (value, more = {}) => ({ resourceType: 'Group', meta: { tag: [read_local] }, type: 'person', actual: true, identifier: [{ system: 'http://clients.example/groups', value }], ...more });
const created = async (value = randomUUID(), more = {}) => local.create({ resourceType: 'Group', body: group(value, more) });

// The error that the call ends with: its status and the first issue of its OperationOutcome.
async function refused(call, status, text) {
  const error = await call.then(() => null, (e) => e);
  assert.ok(error, `was accepted, and should have been refused with ${status}`);
  assert.equal(error.response?.status, status, JSON.stringify(error.response ?? error.message));
  assert.equal(error.response.data.resourceType, 'OperationOutcome');
  assert.match(error.response.data.issue[0].diagnostics, text);
}

const cases = {
  async 'metadata tells which resources and interactions there are'() {
    const statement = await local.capabilityStatement();
    assert.equal(statement.resourceType, 'CapabilityStatement');
    assert.equal(statement.fhirVersion, '4.0.1');
    const task = statement.rest[0].resource.find((r) => r.type === 'Task');
    assert.ok(task.interaction.some((i) => i.code === 'create'));
    assert.ok(task.searchParam.some((p) => p.name === 'status'));
  },
  async 'create, read, vread, update, delete'() {
    const first = await created();
    assert.equal(answerOf(first).status, 201);
    assert.equal(answerOf(first).headers.get('etag'), 'W/"1"');
    assert.match(answerOf(first).headers.get('location'), new RegExp(`^${site.base}/Group/${first.id}/_history/1$`));
    const read = await local.read({ resourceType: 'Group', id: first.id });
    assert.deepEqual(read, first);
    const second = await local.update({ resourceType: 'Group', id: first.id, body: { ...read, name: 'second' } });
    assert.equal(second.meta.versionId, '2');
    assert.equal((await local.vread({ resourceType: 'Group', id: first.id, version: '1' })).name, undefined);
    assert.equal((await local.vread({ resourceType: 'Group', id: first.id, version: '2' })).name, 'second');
    const gone = await local.delete({ resourceType: 'Group', id: first.id });
    assert.equal(answerOf(gone).status, 200);
    await refused(local.read({ resourceType: 'Group', id: first.id }), 410, /deleted/);
    assert.equal((await local.vread({ resourceType: 'Group', id: first.id, version: '2' })).name, 'second');
  },
  async 'ETag, If-Match and If-None-Match'() {
    const one = await created();
    const body = { ...one, name: 'mine' };
    const mine = await local.update({ resourceType: 'Group', id: one.id, body, options: { headers: { 'If-Match': 'W/"1"' } } });
    assert.equal(answerOf(mine).headers.get('etag'), 'W/"2"');
    await refused(local.update({ resourceType: 'Group', id: one.id, body, options: { headers: { 'If-Match': 'W/"1"' } } }), 412, /expected version 1 does not match latest version 2/);
    const unchanged = await local.read({ resourceType: 'Group', id: one.id, options: { headers: { 'If-None-Match': 'W/"2"' } } }).then(() => null, (e) => e);
    assert.equal(unchanged.response.status, 304);
  },
  async 'conditional create, update and delete'() {
    const value = randomUUID(), search = `identifier=http://clients.example/groups|${value}`;
    const make = () => local.create({ resourceType: 'Group', body: group(value), options: { headers: { 'If-None-Exist': search } } });
    const first = await make();
    assert.equal(answerOf(first).status, 201);
    const found = await make();
    assert.equal(answerOf(found).status, 200);
    const searchParams = { identifier: `http://clients.example/groups|${value}` };
    const changed = await local.update({ resourceType: 'Group', searchParams, body: group(value, { name: 'by condition' }) });
    assert.equal(changed.id, first.id);
    assert.equal(changed.meta.versionId, '2');
    const gone = await local.request(`Group?${search}`, { method: 'DELETE' });
    assert.ok([200, 204].includes(answerOf(gone).status));
    assert.equal((await local.search({ resourceType: 'Group', searchParams })).total, 0);
  },
  async 'search: parameters, sorting, includes, and every page to the end'() {
    const system = `http://clients.example/pages/${randomUUID()}`, wanted = [];
    for (let i = 0; i < 45; ++i) {
      const value = `p${String(i).padStart(2, '0')}`;
      wanted.push(value);
      await created(value, { identifier: [{ system, value }] });
    }
    const searchParams = { identifier: `${system}|`, _count: 10, _sort: 'identifier' };
    const seen = [], totals = new Set();
    let page = await local.search({ resourceType: 'Group', searchParams }), last = null, pages = 0;
    for (; page; page = await local.nextPage({ bundle: page })) {
      assert.equal(page.type, 'searchset');
      totals.add(page.total);
      seen.push(...page.entry.map((e) => e.resource.identifier[0].value));
      last = page;
      ++pages;
    }
    assert.deepEqual(seen, wanted);
    assert.deepEqual([...totals], [45]);
    assert.equal(pages, 5);
    const before = await local.prevPage({ bundle: last });
    assert.equal(before.entry[0].resource.identifier[0].value, 'p30');
    const included = await local.search({ resourceType: 'Organization', searchParams: { identifier: 'http://dsf.dev/sid/organization-identifier|site-b.example', _include: 'Organization:endpoint' } });
    assert.deepEqual(included.entry.map((e) => [e.search.mode, e.resource.resourceType]), [['match', 'Organization'], ['include', 'Endpoint']]);
    const posted = await local.search({ resourceType: 'Group', searchParams, options: { postSearch: true } });
    assert.equal(posted.total, 45);
    await refused(local.search({ resourceType: 'Group', searchParams: { nonsense: 'x' }, options: { headers: { Prefer: 'handling=strict' } } }), 400, /nonsense/);
  },
  async 'references resolve'() {
    const found = await local.search({ resourceType: 'Organization', searchParams: { identifier: 'http://dsf.dev/sid/organization-identifier|site-b.example' } });
    const organization = found.entry[0].resource;
    const endpoint = await local.resolve({ reference: organization.endpoint[0].reference });
    assert.equal(endpoint.resourceType, 'Endpoint');
    assert.equal((await local.resolve({ reference: endpoint.managingOrganization.reference })).id, organization.id);
  },
  async 'histories of an instance, of a type and of the system'() {
    const one = await created();
    await local.update({ resourceType: 'Group', id: one.id, body: { ...one, name: 'two' } });
    await local.delete({ resourceType: 'Group', id: one.id });
    const own = await local.request(`Group/${one.id}/_history`);
    assert.equal(own.type, 'history');
    assert.deepEqual(own.entry.map((e) => e.request.method).sort(), ['DELETE', 'POST', 'PUT']);
    for (const path of ['Group/_history', '_history']) {
      let page = await local.request(`${path}?_since=${encodeURIComponent(one.meta.lastUpdated)}&_count=2`), entries = [];
      for (; page; page = await local.nextPage({ bundle: page })) entries.push(...(page.entry ?? []));
      assert.equal(entries.filter((e) => e.request.url.includes(one.id) || e.resource?.id === one.id).length, 3, path);
    }
  },
  async 'transaction: references between entries, and all or nothing'() {
    const full = `urn:uuid:${randomUUID()}`, value = randomUUID();
    const body = { resourceType: 'Bundle', type: 'transaction', entry: [
      { fullUrl: full, resource: group(value), request: { method: 'POST', url: 'Group', ifNoneExist: `identifier=http://clients.example/groups|${value}` } },
      { fullUrl: `urn:uuid:${randomUUID()}`, resource: group(`${value}-2`, { member: [{ entity: { reference: full } }] }), request: { method: 'POST', url: 'Group' } }] };
    const answer = await local.transaction({ body });
    assert.equal(answer.type, 'transaction-response');
    assert.deepEqual(answer.entry.map((e) => e.response.status.slice(0, 3)), ['201', '201']);
    const second = await local.search({ resourceType: 'Group', searchParams: { identifier: `http://clients.example/groups|${value}-2` } });
    assert.match(second.entry[0].resource.member[0].entity.reference, /^Group\/[-0-9a-f]{36}$/);
    const bad = structuredClone(body), other = randomUUID();
    bad.entry[0].resource = group(other);
    delete bad.entry[0].request.ifNoneExist;
    bad.entry[1].resource.member[0].entity.reference = `urn:uuid:${randomUUID()}`;
    const error = await local.transaction({ body: bad }).then(() => null, (e) => e);
    assert.equal(error.response.status, 403);
    assert.equal((await local.search({ resourceType: 'Group', searchParams: { identifier: `http://clients.example/groups|${other}` } })).total, 0);
  },
  async 'batch: each entry on its own'() {
    const one = await created();
    const answer = await local.batch({ body: { resourceType: 'Bundle', type: 'batch', entry: [
      { request: { method: 'GET', url: `Group/${one.id}` } },
      { fullUrl: `urn:uuid:${randomUUID()}`, resource: group(randomUUID()), request: { method: 'POST', url: 'Group' } },
      { request: { method: 'GET', url: `Group/${randomUUID()}` } }] } });
    assert.equal(answer.type, 'batch-response');
    assert.deepEqual(answer.entry.map((e) => e.response.status.slice(0, 3)), ['200', '201', '404']);
    assert.equal(answer.entry[0].resource.id, one.id);
  },
  async 'errors: not found, not allowed, no FHIR, a type that does not exist'() {
    // An unknown id is told by the status alone, as DSF does.
    const unknown = await local.read({ resourceType: 'Group', id: randomUUID() }).then(() => null, (e) => e);
    assert.deepEqual(unknown.response, { status: 404, data: {} });
    await refused(local.read({ resourceType: 'Group', id: 'no-uuid' }), 404, /not found/);
    await refused(remote.create({ resourceType: 'Group', body: group(randomUUID()) }), 403, /./);
    const hidden = await created();
    await refused(remote.read({ resourceType: 'Group', id: hidden.id }), 403, /./);
    await refused(local.create({ resourceType: 'Group', body: { ...group('x'), colour: 'red' } }), 403, /colour/);
    const none = await local.read({ resourceType: 'Banana', id: '1' }).then(() => null, (e) => e);
    assert.equal(none.response.status, 404);
  },
};

let passed = 0, failed = 0;
try {
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run();
      ++passed;
    } catch (e) {
      ++failed;
      console.log(`failed: ${name}: ${e.stack ?? JSON.stringify(e.response ?? e)}`);
    }
  }
} finally {
  await site.stop();
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
