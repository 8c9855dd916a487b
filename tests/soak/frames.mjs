// A WebSocket client (RFC 6455) that can also be rude: it sees every frame and may send any bytes.
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import tls from 'node:tls';

const op_text = 1, op_close = 8, op_ping = 9, op_pong = 10;

export class FrameSocket extends EventEmitter {
  static async open(site, who) {
    const url = new URL(site.base);
    const socket = tls.connect({ host: url.hostname, port: Number(url.port), ...site.identity(who) });
    const self = new FrameSocket();
    self.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => self.emit('closed'));
    await once(socket, 'secureConnect');
    socket.write(`GET ${url.pathname}/ws HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`);
    let read = Buffer.alloc(0), end;
    while ((end = read.indexOf('\r\n\r\n')) < 0) {
      const [part] = await once(socket, 'data');
      read = Buffer.concat([read, part]);
    }
    const head = read.subarray(0, end).toString('latin1');
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no WebSocket: ${head.split('\r\n')[0]}`);
    self.rest = read.subarray(end + 4);
    socket.on('data', (part) => self.take(part));
    return self;
  }

  // Frames of a server are not masked, and those of a site are below 4 GiB.
  take(part) {
    this.rest = Buffer.concat([this.rest, part]);
    for (;;) {
      if (this.rest.length < 2) return;
      const op = this.rest[0] & 15, short = this.rest[1] & 127;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.rest.length < head) return;
      const size = short < 126 ? short : short === 126 ? this.rest.readUInt16BE(2) : Number(this.rest.readBigUInt64BE(2));
      if (this.rest.length < head + size) return;
      const payload = this.rest.subarray(head, head + size);
      this.rest = this.rest.subarray(head + size);
      if (op === op_text) this.emit('text', payload.toString());
      else if (op === op_ping) this.frame(op_pong, payload);
      else if (op === op_close) this.socket.end();
    }
  }

  frame(op, payload) {
    const mask = randomBytes(4), masked = Buffer.from(payload.map((byte, i) => byte ^ mask[i % 4]));
    if (payload.length > 125) throw new Error('only short frames are sent');
    this.socket.write(Buffer.concat([Buffer.from([0x80 | op, 0x80 | payload.length]), mask, masked]));
  }
  send(text) { this.frame(op_text, Buffer.from(text)); }
  destroy() { this.socket.destroy(); }
}
