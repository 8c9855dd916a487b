// Connections no site should suffer from: they stall in every phase, drop in the middle, and send what is no protocol.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { FrameSocket } from './frames.mjs';

// A ClientHello's head that announces more than ever comes.
const half_hello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);

export class Hostile {
  opened = {};
  ended = {};
  overdue = [];
  // How long a server may keep what stalls, in seconds: its own limits (10 for TLS and heads, 120 for bodies, 60 for what is not read) and some for a busy machine.
  static patience = { silent: 40, 'half a hello': 40, 'half a head': 40, 'half a body, waiting': 180 };

  constructor(site, organization) {
    this.site = site;
    this.organization = organization;
    this.url = new URL(site.base);
    this.open = new Set();
  }

  kinds = {
    silent: () => this.plain(null),
    'half a hello': () => this.plain(half_hello),
    'no TLS': () => this.plain(randomBytes(300)),
    'plain HTTP': () => this.plain(Buffer.from('GET /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n\r\n')),
    'no HTTP': () => this.secured((s) => s.write(randomBytes(500))),
    'a wild head': () => this.secured((s) => s.write(`GET /fhir/metadata HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(64 * 1024)}\r\n\r\n`)),
    'half a head': () => this.secured((s) => s.write('GET /fhir/Task?status=req')),
    'half a body, waiting': () => this.secured((s) => s.write(`POST /fhir/Task HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\nContent-Length: 5000\r\n\r\n{"resourceType":"Ta`)),
    'half a Binary, dropped': () => this.secured((s) => {
      s.write(`POST /fhir/Binary HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nX-Security-Context: Organization/${this.organization}\r\nContent-Length: 3000000\r\n\r\n`);
      s.write(randomBytes(700_000), () => s.destroy());
    }, 'site-a'),
    'garbage as JSON': () => this.secured((s) => {
      const body = randomBytes(2000);
      s.write(Buffer.concat([Buffer.from(`POST /fhir/Task HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`), body]));
    }),
    'an answer nobody reads': () => this.secured((s) => {
      s.pause();
      s.write('GET /fhir/metadata HTTP/1.1\r\nHost: localhost\r\nAccept: application/fhir+json\r\n\r\n'.repeat(60));
      setTimeout(() => s.destroy(), 15_000).unref();
    }),
    'dropped at once': () => this.secured((s) => s.destroy()),
    'a WebSocket that drops': () => this.socket((w) => w.destroy()),
    'a WebSocket of garbage': () => this.socket((w) => w.socket.write(randomBytes(200))),
    'a WebSocket that binds nonsense': () => this.socket((w) => w.send(`bind ${randomBytes(20).toString('hex')}`)),
    'a silent WebSocket': () => this.socket((w) => { w.socket.pause(); setTimeout(() => w.destroy(), 20_000).unref(); }),
  };

  watch(kind, socket) {
    const entry = { kind, socket, since: performance.now() };
    this.open.add(entry);
    socket.on('error', () => {});
    socket.on('close', () => { this.open.delete(entry); this.ended[kind] = (this.ended[kind] ?? 0) + 1; });
  }

  plain(bytes) {
    const socket = net.connect({ host: '127.0.0.1', port: Number(this.url.port) });
    socket.resume();
    this.watch(this.current, socket);
    if (bytes) socket.write(bytes);
  }

  secured(then, who = 'site-b') {
    const socket = tls.connect({ host: this.url.hostname, port: Number(this.url.port), ...this.site.identity(who) });
    socket.resume();
    this.watch(this.current, socket);
    socket.once('secureConnect', () => then(socket));
  }

  async socket(then) {
    const kind = this.current;
    try {
      const w = await FrameSocket.open(this.site, 'site-a');
      this.watch(kind, w.socket);
      then(w);
    } catch { /* the connection's limit; counted as opened, not as ended */ }
  }

  // One of each kind; what a server should have closed by now is noted.
  round() {
    for (const [kind, begin] of Object.entries(this.kinds)) {
      this.current = kind;
      this.opened[kind] = (this.opened[kind] ?? 0) + 1;
      begin();
    }
    for (const entry of this.open) {
      const seconds = (performance.now() - entry.since) / 1000, patience = Hostile.patience[entry.kind];
      if (patience && seconds > patience) {
        this.overdue.push(`${entry.kind}: still open after ${Math.round(seconds)} s`);
        entry.socket.destroy();
      }
    }
  }

  async stop() {
    const waiting = [...this.open].map((entry) => { const closed = once(entry.socket, 'close'); entry.socket.destroy(); return closed; });
    await Promise.all(waiting);
  }
}
