// An OpenID provider with one person, who is at the keyboard unless `person` is null: for a browser's login (OpenID Connect Core 1.0, 3.1).
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import https from 'node:https';

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export class Provider {
  // `identity`: PEM certificate and key for localhost.
  static start({ cert, key }, person) {
    const provider = new Provider();
    provider.person = person;
    provider.codes = new Map();
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    provider.key = pair.privateKey;
    provider.published = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' };
    provider.server = https.createServer({ cert, key }, (request, answer) => provider.answer(request, answer));
    return new Promise((done) => provider.server.listen(0, '127.0.0.1', () => {
      provider.issuer = `https://localhost:${provider.server.address().port}/realm`;
      done(provider);
    }));
  }

  token(claims) {
    const now = Math.floor(Date.now() / 1000);
    const text = `${base64url({ alg: 'RS256', typ: 'JWT', kid: 'one' })}.${base64url({ iss: this.issuer, iat: now, exp: now + 300, ...this.person, ...claims })}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(this.key).toString('base64url')}`;
  }

  answer(request, answer) {
    const url = new URL(request.url, this.issuer), path = url.pathname.replace('/realm', '');
    const json = (body) => { answer.setHeader('Content-Type', 'application/json'); answer.end(JSON.stringify(body)); };
    const go = (to) => { answer.writeHead(302, { Location: to }); answer.end(); };
    if (path === '/.well-known/openid-configuration')
      return json({ issuer: this.issuer, authorization_endpoint: `${this.issuer}/auth`, token_endpoint: `${this.issuer}/token`, jwks_uri: `${this.issuer}/keys`, end_session_endpoint: `${this.issuer}/logout` });
    if (path === '/keys') return json({ keys: [this.published] });
    if (path === '/auth' && this.person) {
      const code = randomUUID(), back = new URL(url.searchParams.get('redirect_uri'));
      this.codes.set(code, url.searchParams.get('nonce'));
      back.searchParams.set('code', code);
      back.searchParams.set('state', url.searchParams.get('state'));
      return go(back.href);
    }
    if (path === '/token') {
      let body = '';
      request.on('data', (part) => { body += part; });
      return request.on('end', () => {
        const form = new URLSearchParams(body);
        json({ token_type: 'Bearer', access_token: this.token({ aud: 'account' }), id_token: this.token({ aud: form.get('client_id'), nonce: this.codes.get(form.get('code')) }) });
      });
    }
    answer.writeHead(path === '/logout' ? 200 : 404, { 'Content-Type': 'text/html' });
    answer.end('<title>logged out</title>');
  }

  stop() { this.server.closeAllConnections(); this.server.close(); }
}
