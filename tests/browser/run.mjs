#!/usr/bin/env node
// The pages in a real browser, with a client certificate and with a session of an OpenID provider: run.mjs BUILD_FOLDER. Finds: a page that does not work
// by keyboard or without script, that a screen reader can't use (axe-core), whose own policy it breaks, or that runs what stands in a resource.
// DSF_BROWSER_PICTURES=FOLDER keeps a picture of each page.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Site } from '../clients/site.mjs';
import { Provider } from './provider.mjs';
import { activity, draft, group, hostile, profile, questionnaire, response } from './resources.mjs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const executable = process.env.DSF_CHROMIUM || '/usr/bin/chromium';
if (!existsSync(executable)) {
  console.log('SKIP: browser: Chromium is not installed');
  console.log('0 passed, 0 failed, 0 skipped');
  process.exit(0);
}
const pictures = process.env.DSF_BROWSER_PICTURES;
if (pictures) mkdirSync(pictures, { recursive: true });

const person = { sub: '4711', sid: 'session-1', email: 'person@site-a.example', given_name: 'Ada', family_name: 'Person', realm_access: { roles: ['dsf-user'] } };
let provider;
const site = await Site.start(process.argv[2], async (s) => {
  const read = (name) => readFileSync(join(s.folder, 'pki', name), 'utf8');
  provider = await Provider.start({ cert: read('site-a/server.pem'), key: read('site-a/server.key') }, person);
  const role = "'http://dsf.dev/fhir/CodeSystem/practitioner-role|DSF_ADMIN'";
  return { fhir: `, role_config: [{people: {token-role: dsf-user, dsf-role: [CREATE, READ, UPDATE, SEARCH, HISTORY], practitioner-role: [${role}]}}]`, lines: `ui: {theme: test}
oidc: {issuer: '${provider.issuer}', client_id: dsf-site-a, client_secret: s3cret, trust: pki/ca.pem, authorization_code_flow: true}
` };
});

// As a program, with the local organisation's certificate.
function call(method, path, body) {
  return new Promise((done, fail) => {
    const request = https.request(`${site.base}/${path}`, { method, ...site.identity('site-a'), headers: { Accept: 'application/fhir+json', ...(body && { 'Content-Type': 'application/fhir+json' }) } }, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => done({ status: answer.statusCode, body: text ? JSON.parse(text) : null }));
    });
    request.on('error', fail);
    request.end(body && JSON.stringify(body));
  });
}
async function create(resource) {
  const { status, body } = await call('POST', resource.resourceType, resource);
  assert.equal(status, 201, `${resource.resourceType}: ${JSON.stringify(body)}`);
  return body.id;
}

const profile_folder = mkdtempSync(join(tmpdir(), 'dsfd-browser-'));
const browser = await chromium.launchPersistentContext(profile_folder, {
  executablePath: executable, headless: true, chromiumSandbox: false, ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1200, height: 850 },
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const engine = browser.browser();
const faults = [];
const contexts = [browser];
async function contextOf(options) {
  const made = await engine.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1200, height: 850 }, ...options });
  contexts.push(made);
  return made;
}
const certificate = () => {
  const { cert, key } = site.identity('site-a');
  return [{ origin: new URL(site.base).origin, cert: Buffer.from(cert), key: Buffer.from(key) }];
};
async function pageOf(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on('console', (m) => { if (m.type() === 'error' && !/status of [45]\d\d/.test(m.text())) faults.push(`${page.url()}: ${m.text()}`); });
  page.on('pageerror', (e) => faults.push(`${page.url()}: ${e.message}`));
  return page;
}

let seen = 0;
// No rule of axe-core is broken, in light and in dark, and nothing that stood in a resource has run.
async function sound(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const broken = await page.evaluate(`(() => { ${axe}; return axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }); })()`)
      .then((r) => r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3).join(' ')}`));
    assert.deepEqual(broken, [], `${name}, ${colorScheme}`);
    if (pictures) await page.screenshot({ path: join(pictures, `${String(seen).padStart(2, '0')}-${name}-${colorScheme}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  ++seen;
  assert.equal(await page.evaluate('window.broken'), undefined, `${name}: a text of a resource was run`);
}

const ids = {};
async function setUp() {
  for (const [name, resource] of Object.entries({ profile, activity, questionnaire })) ids[name] = await create(resource);
  for (let n = 0; n < 25; ++n) ids.group = await create(group(n === 24 ? hostile : `group ${n}`));
  ids.draft = await create(draft);
  ids.response = await create(response);
  ids.other = await create({ ...response, item: response.item.map((i) => (i.linkId === 'user-task-id' ? { ...i, answer: [{ valueString: '2' }] } : i)) });
}

let page;
const at = (path) => `${site.base}/${path}`;
const cases = {
  async 'the endpoint takes what the pages are to show'() {
    await setUp();
    page = await pageOf(await contextOf({ clientCertificates: certificate() }));
  },
  async 'the start page leads to what people do, in the colour of its environment'() {
    const answer = await page.goto(at(''));
    assert.match(answer.headers()['content-security-policy'], /default-src 'none'.*script-src 'self'/);
    assert.equal(answer.headers()['x-content-type-options'], 'nosniff');
    assert.match(await page.textContent('.environment.test'), /Test environment/);
    await sound(page, 'start');
    await page.click('.card >> text=Start a process');
    assert.match(await page.textContent('h1'), /Search Task/);
    assert.equal(await page.locator('tbody tr').count(), 1);
  },
  async 'a search is made of native inputs and leads from page to page'() {
    await page.goto(at('Group?_count=10'));
    await sound(page, 'search');
    assert.match(await page.textContent('[role=status]'), /Found: 25/);
    assert.equal(await page.locator('tbody tr').count(), 10);
    await page.click('text=Next page');
    await page.click('text=Next page');
    assert.equal(await page.locator('tbody tr').count(), 5);
    await page.fill('input[name=identifier]', 'http://browser.example/groups|group 3');
    await page.keyboard.press('Enter');
    await page.waitForURL(/identifier=/);
    assert.match(await page.textContent('[role=status]'), /Found: 1/);
    await page.goto(at('Task?status=draft'));
    assert.equal(await page.inputValue('select[name=status]'), 'draft');
  },
  async 'a resource shows its fields, JSON and XML, and runs nothing of them'() {
    await page.goto(at(`Group/${ids.group}`));
    assert.equal(await page.textContent('h1'), hostile);
    await page.click('text=Show as JSON');
    assert.match(await page.textContent('details[open] pre'), /"resourceType": ?"Group"/);
    await sound(page, 'resource');
    await page.click('text=History');
    assert.equal(await page.locator('tbody tr').count(), 1);
    await sound(page, 'history');
    await page.click('tbody a >> nth=1');
    assert.match(await page.textContent('.note'), /version 1/);
  },
  async 'every type has a search page and every page is sound for a screen reader'() {
    for (const type of ['Organization', 'Endpoint', 'OrganizationAffiliation', 'StructureDefinition', 'Subscription', 'Binary']) {
      await page.goto(at(type));
      assert.match(await page.textContent('h1'), new RegExp(type));
    }
    await page.goto(at('Organization'));
    await sound(page, 'organizations');
    await page.click('tbody a');
    await sound(page, 'organization');
  },
  async 'a draft becomes a process, after what was forgotten was said'() {
    await page.goto(at(`Task/${ids.draft}`));
    await sound(page, 'draft');
    await page.getByRole('button', { name: 'Add another: site' }).click();
    await page.getByLabel('site 2').fill('hospital-b.example');
    await page.getByLabel('project').fill('');
    await page.evaluate(() => { document.querySelector('form[method=post]').noValidate = true; });
    await page.click('text="Start process"');
    assert.match(await page.textContent('[role=alert]'), /project is required/);
    assert.equal(await page.inputValue('[name="input2.1"]'), 'hospital-b.example');
    await sound(page, 'draft-problem');
    await page.getByLabel('project').fill(hostile);
    await page.getByLabel('patients').fill('12');
    await page.getByLabel('dry-run').selectOption('true');
    await page.getByLabel('until').fill('2027-01-31');
    await page.click('text="Start process"');
    await page.waitForURL((u) => /\/Task\/[0-9a-f-]{36}$/.test(u.pathname) && !u.pathname.endsWith(ids.draft));
    assert.match(await page.textContent('h1'), /requested/);
    await sound(page, 'started');
    const { body } = await call('GET', page.url().slice(site.base.length + 1));
    const values = body.input.map((i) => [i.type.coding[0].code, i.valueString ?? i.valueInteger ?? i.valueBoolean ?? i.valueDate]);
    assert.deepEqual(values, [['message-name', 'collect'], ['project', hostile], ['site', 'hospital-a.example'], ['site', 'hospital-b.example'], ['patients', 12], ['dry-run', true], ['until', '2027-01-31']]);
    assert.equal(body.requester.identifier.value, 'site-a.example');
    assert.equal(body.identifier, undefined);
  },
  async 'questions are answered once; who comes second sees it'() {
    await page.goto(at(`QuestionnaireResponse/${ids.response}`));
    await sound(page, 'questions');
    const second = await pageOf(page.context());
    await second.goto(page.url());
    await page.getByLabel('Release the data?').selectOption('false');
    await page.getByLabel('Reason').fill('not yet');
    await page.click('text="Complete"');
    await page.waitForSelector('h1 >> text=completed');
    const { body } = await call('GET', `QuestionnaireResponse/${ids.response}`);
    assert.equal(body.item.find((i) => i.linkId === 'release').answer[0].valueBoolean, false);
    assert.equal(body.item.find((i) => i.linkId === 'user-task-id').answer[0].valueString, '1');
    assert.equal(body.author.identifier.value, 'site-a.example');
    await second.getByLabel('Release the data?').selectOption('true');
    await second.click('text="Complete"');
    await second.waitForSelector('h1 >> text=completed');
    assert.equal((await call('GET', `QuestionnaireResponse/${ids.response}`)).body.meta.versionId, '2');
    await second.close();
  },
  async 'German and English, remembered by the browser'() {
    await page.goto(at('Task'));
    await page.click('text=Deutsch');
    assert.equal(await page.getAttribute('html', 'lang'), 'de');
    await page.goto(at(''));
    assert.match(await page.textContent('h1'), /Der FHIR-Endpunkt/);
    await sound(page, 'start-de');
    await page.click('text=English');
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
  },
  async 'bookmarks stay in this browser'() {
    await page.goto(at('Task?status=draft'));
    await page.click('summary >> text=Bookmarks');
    await page.click('text=Bookmark this page');
    assert.deepEqual(await page.evaluate(() => JSON.parse(localStorage.getItem('bookmarks'))), { Task: ['Task?status=draft'] });
    await sound(page, 'bookmarks');
    await page.goto(at(''));
    await page.click('summary >> text=Bookmarks');
    await page.click('.bookmarks a');
    assert.match(page.url(), /Task\?status=draft$/);
  },
  async 'errors say what to do'() {
    assert.equal((await page.goto(at('Task/11111111-1111-4111-8111-111111111111'))).status(), 404);
    await sound(page, 'not-found');
    const gone = await create(group('gone'));
    await call('DELETE', `Group/${gone}`);
    assert.equal((await page.goto(at(`Group/${gone}`))).status(), 410);
    await page.click('text=To the history');
    assert.match(await page.textContent('tbody'), /deleted/);
    assert.equal((await page.goto(at('Nonsense'))).status(), 404);
    await page.click('text=To the start page');
  },
  async 'all of it works by keyboard and in a narrow window'() {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(at(`Task/${ids.draft}`));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is wider than the window');
    await sound(page, 'draft-narrow');
    await page.goto(at(''));
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.match(await page.evaluate(() => document.activeElement.textContent), /Start a process/);
    await page.setViewportSize({ width: 1200, height: 850 });
  },
  async 'without script the forms still work'() {
    const plain = await pageOf(await contextOf({ clientCertificates: certificate(), javaScriptEnabled: false }));
    await plain.goto(at(`QuestionnaireResponse/${ids.other}`));
    await plain.getByLabel('Release the data?').selectOption('true');
    await plain.click('text="Complete"');
    await plain.waitForSelector('h1 >> text=completed');
  },
  async 'a page elsewhere can send no form'() {
    const elsewhere = await pageOf(await contextOf({ clientCertificates: certificate() }));
    await elsewhere.goto(`${provider.issuer}/logout`);
    const answer = elsewhere.waitForResponse((r) => r.url() === at(`Task/${ids.draft}`));
    await elsewhere.evaluate((to) => {
      const form = document.createElement('form');
      form.method = 'post';
      form.action = to;
      form.innerHTML = '<input name="input1.0" value="evil">';
      document.body.append(form);
      form.submit();
    }, at(`Task/${ids.draft}`));
    assert.equal((await answer).status(), 403);
    await elsewhere.waitForSelector('text=The form was sent from another place');
  },
  async 'a person logs in at the OpenID provider, starts a process, and logs out'() {
    page = await pageOf(browser);
    await page.goto(at('Task?status=draft'));
    assert.match(await page.textContent('.who'), /Signed in as .*person@site-a\.example/);
    await page.click('tbody a');
    await page.getByLabel('project').fill('by a person');
    await page.click('text="Start process"');
    await page.waitForSelector('h1 >> text=requested');
    const { body } = await call('GET', page.url().slice(site.base.length + 1));
    assert.deepEqual(body.requester.identifier, { system: 'http://dsf.dev/sid/practitioner-identifier', value: 'person@site-a.example' });
    // The session ends between filling in and sending.
    await page.goto(at(`Task/${ids.draft}`));
    await page.getByLabel('project').fill('written before the login');
    await page.context().clearCookies({ name: '__Host-dsfd-session' });
    await page.click('text="Start process"');
    await page.waitForSelector('text=Please sign in again');
    await sound(page, 'signed-out');
    await page.goto(at(`Task/${ids.draft}`));
    assert.equal(await page.getByLabel('project').inputValue(), 'written before the login');
    await page.click('text=Log out');
    await page.waitForURL(/logout/);
  },
  async 'nobody without a certificate or a session sees more than what to do'() {
    const stranger = await pageOf(await contextOf({}));
    provider.person = null;
    await stranger.goto(at('Task'));
    assert.match(stranger.url(), /realm\/auth/);
    assert.doesNotMatch(await stranger.content(), /Search Task/);
    await stranger.close();
  },
  async 'no page broke its own policy or failed in its script'() {
    assert.deepEqual(faults, []);
  },
};

let passed = 0, failed = 0;
for (const [name, test] of Object.entries(cases)) {
  try {
    await test();
    ++passed;
    console.log(`ok: ${name}`);
  } catch (e) {
    ++failed;
    console.log(`failed: ${name}\n  ${page?.url()}\n  ${e.stack}`);
    if (pictures) await page?.screenshot({ path: join(pictures, `failed-${failed}.png`), fullPage: true }).catch(() => {});
  }
}
for (const c of contexts) await c.close().catch(() => {});
provider.stop();
await site.stop();
rmSync(profile_folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed ? 1 : 0);
