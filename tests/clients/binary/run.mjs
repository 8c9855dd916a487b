#!/usr/bin/env node
// A gigabyte as a Binary, up and down as bytes, in ranges and as a resource, by Node's own HTTPS client: run.mjs BUILD_FOLDER [--mib N]. Would find: bytes that differ,
// and a program that holds them in memory: its peak must stay below 128 MiB.
import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { Site } from '../site.mjs';

const mib = 1024 * 1024;
const at = process.argv.indexOf('--mib');
const raw_bytes = (at > 0 ? Number(process.argv[at + 1]) : 1024) * mib;
const resource_bytes = Math.min(raw_bytes, 256 * mib);
const peak_at_most = 128 * mib;

// The same bytes at any place, without keeping them: AES in counter mode over zeros.
function bytesAt(offset, length) {
  const block = Math.floor(offset / 16), skip = offset % 16;
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(block), 8);
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), counter);
  return cipher.update(Buffer.alloc(skip + length)).subarray(skip);
}

const site = await Site.start(process.argv[2]);
const agent = new https.Agent({ keepAlive: true, ...site.identity('site-a') });
const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${site.process.pid}/status`, 'utf8'))[1]) * 1024;

function open(method, path, headers) {
  return https.request(`${site.base}/${path}`, { method, agent, headers });
}
async function whole(request) {
  const [answer] = await once(request, 'response');
  const parts = [];
  for await (const part of answer) parts.push(part);
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) };
}
async function ask(method, path, headers = {}) {
  const request = open(method, path, headers);
  request.end();
  return whole(request);
}
async function feed(request, pieces) {
  let refused = false;
  request.once('response', () => { refused = true; });
  for await (const piece of pieces) {
    if (refused) break;
    if (!request.write(piece)) await once(request, 'drain');
  }
  request.end();
}
function* pieces(size, step = 3 * 256 * 1024) {
  for (let offset = 0; offset < size; offset += step) yield bytesAt(offset, Math.min(step, size - offset));
}
const digest = (size) => {
  const hash = createHash('sha256');
  for (const piece of pieces(size)) hash.update(piece);
  return hash.digest('hex');
};

const found = JSON.parse((await ask('GET', 'Organization?identifier=http://dsf.dev/sid/organization-identifier%7Csite-a.example', { Accept: 'application/fhir+json' })).body);
const context = `Organization/${found.entry[0].resource.id}`;
let id;
const cases = {
  async [`${raw_bytes / mib} MiB go up as bytes`]() {
    const request = open('POST', 'Binary', { 'Content-Type': 'application/octet-stream', 'X-Security-Context': context, 'Content-Length': raw_bytes, Accept: 'application/fhir+json' });
    const answer = whole(request);
    await feed(request, pieces(raw_bytes));
    const { status, body } = await answer;
    assert.equal(status, 201, String(body));
    ({ id } = JSON.parse(body));
  },
  async 'and come down the same'() {
    const request = open('GET', `Binary/${id}`, { Accept: 'application/octet-stream' });
    request.end();
    const [answer] = await once(request, 'response');
    assert.equal(answer.statusCode, 200);
    assert.equal(Number(answer.headers['content-length']), raw_bytes);
    const hash = createHash('sha256');
    for await (const part of answer) hash.update(part);
    assert.equal(hash.digest('hex'), digest(raw_bytes));
  },
  async 'in ranges too'() {
    for (const [first, last] of [[0, 0], [65_535, 65_536], [raw_bytes - 1, raw_bytes - 1], [12_345_67, 2_345_678], [raw_bytes / 2, raw_bytes / 2 + 999_999]]) {
      const { status, headers, body } = await ask('GET', `Binary/${id}`, { Accept: '*/*', Range: `bytes=${first}-${last}` });
      assert.equal(status, 206);
      assert.equal(headers['content-range'], `bytes ${first}-${last}/${raw_bytes}`);
      assert.ok(body.equals(bytesAt(first, last - first + 1)), `bytes ${first}-${last}`);
    }
    const { body } = await ask('GET', `Binary/${id}`, { Accept: '*/*', Range: 'bytes=-17' });
    assert.ok(body.equals(bytesAt(raw_bytes - 17, 17)));
    assert.equal((await ask('HEAD', `Binary/${id}`, { Accept: '*/*' })).headers['content-length'], String(raw_bytes));
  },
  async [`${resource_bytes / mib} MiB go up as a resource, in JSON and in XML, and come down in the other form`]() {
    for (const [up, down, before, behind] of [
      ['json', 'xml', `{"resourceType":"Binary","contentType":"image/png","securityContext":{"reference":"${context}"},"data":"`, '"}'],
      ['xml', 'json', `<Binary xmlns="http://hl7.org/fhir"><contentType value="image/png"/><securityContext><reference value="${context}"/></securityContext><data value="`, '"/></Binary>']]) {
      const request = open('POST', 'Binary', { 'Content-Type': `application/fhir+${up}`, Accept: 'application/fhir+json' });
      const answer = whole(request);
      await feed(request, (function* text() {
        yield before;
        for (const piece of pieces(resource_bytes)) yield piece.toString('base64');
        yield behind;
      })());
      const made = await answer;
      assert.equal(made.status, 201, String(made.body).slice(0, 1000));
      const reading = open('GET', `Binary/${JSON.parse(made.body).id}`, { Accept: `application/fhir+${down}` });
      reading.end();
      const [got] = await once(reading, 'response');
      assert.equal(got.statusCode, 200);
      const hash = createHash('sha256');
      let rest = '', data = false, size = 0, left = '';
      const decode = (text) => {
        const all = left + text, cut = all.length - (all.length % 4);
        left = all.slice(cut);
        const bytes = Buffer.from(all.slice(0, cut), 'base64');
        size += bytes.length;
        hash.update(bytes);
      };
      got.setEncoding('latin1');
      for await (let part of got) {
        if (!data) {
          rest += part;
          const found_at = /("data":"|<data value=")/.exec(rest);
          if (!found_at) continue;
          data = true;
          part = rest.slice(found_at.index + found_at[0].length);
        }
        const end = part.indexOf('"');
        decode(end < 0 ? part : part.slice(0, end));
        if (end >= 0) break;
      }
      got.destroy();
      assert.equal(size, resource_bytes);
      assert.equal(hash.digest('hex'), digest(resource_bytes), `${up} to ${down}`);
    }
  },
  async 'the program never held them'() {
    console.log(`  peak of resident memory: ${Math.round(peak() / mib)} MiB`);
    assert.ok(peak() < peak_at_most, `${peak()} bytes`);
  },
};

let passed = 0, failed = 0;
for (const [name, run] of Object.entries(cases)) {
  const began = Date.now();
  try {
    await run();
    ++passed;
    console.log(`ok: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (e) {
    ++failed;
    console.log(`FAILED: ${name}: ${e.stack}`);
  }
}
agent.destroy();
await site.stop();
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed ? 1 : 0);
