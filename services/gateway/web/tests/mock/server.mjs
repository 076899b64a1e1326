/** A small stand-in for the gateway: serves the built pages under its headers, and answers the API from `data.mjs`. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as big from './big.mjs';
import * as data from './data.mjs';

const root = fileURLToPath(new URL('../../build', import.meta.url));
const port = Number(process.env.PORT ?? 4173);
const types = /** @type {Record<string, string>} */ ({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain'
});

const page = readFileSync(join(root, 'index.html'), 'utf8');
const hashes = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
  ([, script]) => `'sha256-${createHash('sha256').update(script ?? '').digest('base64')}'`
);
const policy = [
  "default-src 'none'",
  `script-src 'self' ${hashes.join(' ')}`,
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types svelte-trusted-html dompurify notices-worker'
].join('; ');

/** The house as a test wants it, by the cookie `house`: several words joined by dots. */
const wish = (/** @type {import('node:http').IncomingMessage} */ request) =>
  new Set((/house=([\w.-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '').split('.'));

const problem = (/** @type {number} */ status, /** @type {string} */ code, /** @type {string} */ title, /** @type {string} */ detail, more = {}) => ({
  status,
  body: { type: `urn:openassistant:problem:${code}`, title, status, detail, code, ...more }
});

/** @typedef {{status: number, body?: unknown, bytes?: Buffer, headers?: Record<string, string>}} Answer */
/** @typedef {{house: Set<string>, body: any, query: URLSearchParams, match: RegExpExecArray}} Call */

const ok = (/** @type {unknown} */ body, status = 200) => ({ status, body });
const missing = problem(404, 'not_found', 'Not found', 'There is nothing of that name.');

const notUnderWay = problem(404, 'not_found', 'Not found', 'This sign-in is not under way here any more. Begin again.');

const oauthClient = (/** @type {Set<string>} */ house) => ({
  ...data.client,
  ...(house.has('unregistered') && { registered: false, client_id: '', has_secret: false }),
  ...(house.has('lan') && { redirect_uri: 'http://localhost:8080/oauth/callback', returns_here: false })
});

const startImport = (/** @type {Set<string>} */ house, /** @type {any} */ body) => {
  if (!house.has('sealed') || body.passphrase === 'right') return ok(data.checking, 202);
  const words = body.passphrase ? 'This does not open the file.' : 'It opens with a passphrase or a secret key.';
  return problem(422, 'invalid_request', 'That cannot be done as asked', 'This archive is encrypted.', { fields: { passphrase: words } });
};

const keepClient = (/** @type {Set<string>} */ house, /** @type {any} */ body) => {
  if (house.has('stale') && !body.password) {
    return problem(403, 'sign_in_again', 'Sign in again', 'Who registers this house with a provider decides where its secrets go, so it needs your password.');
  }
  return ok({ ...data.client, client_id: body.client_id });
};

const authorizing = (/** @type {Set<string>} */ house, /** @type {any} */ body) => ({
  id: data.id('7'),
  url: body.device ? 'https://id.example/go' : `http://127.0.0.1:${port}/oauth/callback?code=fake&state=${house.has('forged') ? 'wrong' : 'right'}`,
  user_code: body.device ? 'WDJB-MJHT' : null,
  interval: 60,
  expires_at: new Date(Date.now() + 600_000).toISOString(),
  redirect_uri: 'http://localhost:8080/oauth/callback',
  returns_here: !house.has('lan')
});

/** @type {[string, RegExp, (call: Call) => Answer][]} */
const routes = [
  ['GET', /^\/api\/setup$/, ({ house }) => ok({ state: house.has('new') ? 'open' : 'done' })],
  ['POST', /^\/api\/setup$/, () => ok(data.session, 201)],
  ['GET', /^\/api\/session$/, ({ house }) => (house.has('out') || house.has('new') ? signIn : ok(data.session))],
  ['POST', /^\/api\/session$/, enter],
  ['GET', /^\/api\/sessions$/, () => ok(data.devices)],
  ['DELETE', /^\/api\/sessions\/\w+$/, () => ({ status: 204 })],
  ['POST', /^\/api\/security\/passkeys\/begin$/, ({ house, body }) => (house.has('stale') && !body.password ? again : ok(data.makePasskey))],
  ['POST', /^\/api\/security\/passkeys$/, ({ body }) => ok({ ...data.passkeys[0], name: body.name }, 201)],
  ['POST', /^\/api\/security\/passkeys\/again$/, () => ok(data.showPasskey)],
  ['POST', /^\/api\/security\/passkeys\/proved$/, () => ok({ proof: 'proof-obviously-fake' })],
  ['PATCH', /^\/api\/security\/passkeys\/\w+$/, ({ house, body }) => (house.has('unknown') ? problem(404, 'not_found', 'Not found', 'There is no such passkey.') : ok({ ...data.passkeys[2], name: body.name }))],
  ['POST', /^\/api\/security\/passkeys\/\w+\/remove$/, () => ({ status: 204 })],
  ['POST', /^\/api\/passkeys\/enter$/, () => ok(data.showPasskey)],
  ['POST', /^\/api\/passkeys\/entered$/, ({ house }) => (house.has('unknown') ? problem(401, 'sign_in_refused', 'Sign-in refused', 'This passkey signs nobody in here. It was removed, or it is of another house.') : ok(data.session))],
  ['GET', /^\/api\/security$/, ({ house }) => (house.has('down') ? away : ok(security(house)))],
  ['POST', /^\/api\/security\/codes$/, ({ house, body }) => (house.has('stale') && !body.password ? again : ok(data.newSecret, 201))],
  ['POST', /^\/api\/security\/codes\/confirm$/, ({ body }) => (body.code === '287082' ? ok({ codes: data.recovery }) : wrongCode)],
  ['POST', /^\/api\/security\/codes\/recovery$/, ({ house, body }) => (house.has('stale') && !body.password ? again : ok({ codes: data.recovery }))],
  ['POST', /^\/api\/security\/codes\/off$/, ({ body }) => (body.password === 'right' ? { status: 204 } : wrongPassword)],
  ['DELETE', /^\/api\/session$/, () => ({ status: 204 })],
  ['GET', /^\/api\/data$/, () => ok(data.holdings)],
  ['GET', /^\/api\/data\/export$/, ({ house }) => ok(house.has('exporting') ? data.exporting : house.has('exported') ? data.exported : null)],
  ['POST', /^\/api\/data\/export$/, ({ body }) => (body.password === 'right' ? ok(data.exporting, 202) : wrongPassword)],
  ['DELETE', /^\/api\/data\/export\/\w+$/, () => ({ status: 204 })],
  ['GET', /^\/api\/data\/import$/, ({ house }) => ok(house.has('imported') ? data.imported : house.has('refused') ? data.refusedImport : null)],
  ['POST', /^\/api\/data\/import$/, () => ok(data.arriving, 201)],
  ['PUT', /^\/api\/data\/import\/\w+\/content$/, ({ query, body }) => ok({ ...data.arriving, received: Number(query.get('offset')) + body.bytes })],
  ['POST', /^\/api\/data\/import\/\w+\/start$/, ({ house, body }) => startImport(house, body)],
  ['DELETE', /^\/api\/data\/import\/\w+$/, () => ({ status: 204 })],
  ['POST', /^\/api\/data\/erase$/, ({ body }) => (body.password === 'right' ? { status: 202 } : wrongPassword)],
  ['GET', /^\/api\/house$/, ({ house }) => ok(house.has('managed') ? data.managed : data.house)],
  ['GET', /^\/api\/house\/owners$/, () => ok({ names: ['Ada'] })],
  ['GET', /^\/api\/people$/, ({ house }) => (house.has('down') ? away : ok(house.has('alone') ? [data.household[0]] : data.household))],
  ['GET', /^\/api\/people\/invitations$/, ({ house }) => ok(house.has('alone') ? [] : data.invitations)],
  ['POST', /^\/api\/people\/invitations$/, ({ house, body }) => (house.has('stale') && !body.password ? again : ok({ ...data.newInvitation, label: body.label }, 201))],
  ['DELETE', /^\/api\/people\/invitations\/\w+$/, () => ({ status: 204 })],
  ['PUT', /^\/api\/people\/\w+\/role$/, () => ok(data.household)],
  ['POST', /^\/api\/people\/\w+\/reset$/, () => ok({ ...data.newInvitation, path: `/join?reset#${data.newInvitation.path.slice(6)}` }, 201)],
  ['POST', /^\/api\/people\/\w+\/suspend$/, ({ house, body }) => (house.has('stale') && body.password !== 'right' ? (body.password ? wrongPassword : again) : ok(data.household.map((each) => (each.id === data.id('6') ? { ...each, suspended_at: new Date().toISOString() } : each))))],
  ['POST', /^\/api\/people\/\w+\/(hand-over|resume|removal|keep)$/, () => ok(data.household)],
  ['POST', /^\/api\/join\/look$/, ({ house, body }) => (body.token.startsWith('dead') ? missing : ok(house.has('reset') ? data.invitedReset : data.invited))],
  ['POST', /^\/api\/join$/, ({ body }) => (body.username === 'taken' ? problem(409, 'conflict', 'It changed meanwhile', 'That user name is taken.', { fields: { username: 'Somebody has it already.' } }) : ok(data.session, 201))],
  ['POST', /^\/api\/join\/reset$/, ({ house, body }) => (house.has('coded') && body.code !== '287082' ? codeRequired(body.code) : ok(data.session, 201))],
  ['PUT', /^\/api\/password$/, ({ body }) => (body.password === 'wrong' ? wrongPassword : { status: 204 })],
  ['GET', /^\/api\/told$/, ({ house }) => ok(house.has('worded') ? data.told : [])],
  ['POST', /^\/api\/told\/\w+\/agree$/, () => ok(data.told.map((each) => ({ ...each, can_agree: false })))],
  ['DELETE', /^\/api\/told\/\w+$/, ({ match }) => ok(data.told.filter((each) => !match[0].endsWith(each.id)))],
  ['GET', /^\/api\/openid$/, () => ok([])],
  ['GET', /^\/api\/openid\/mine$/, () => ok({ has_password: true, links: [] })],
  ['GET', /^\/api\/openid\/providers$/, () => ok([])],
  ['GET', /^\/api\/data\/keep$/, () => ok(data.keep)],
  ['POST', /^\/api\/data\/keep\/preview$/, ({ body }) => ok({ goes: body.rules.length ? data.goes : [], away: ['caldav'] })],
  ['PUT', /^\/api\/data\/keep$/, ({ body }) => ok({ ...data.keep, rules: body.rules })],
  ['GET', /^\/api\/data\/erasing$/, ({ house }) => ok(house.has('erasing') ? data.erasing : [])],
  ['POST', /^\/api\/data\/erasing\/preview$/, ({ body }) => ok({ goes: data.goes, away: [], conversations: body.part.what === 'source' ? 3 : 0 })],
  ['POST', /^\/api\/data\/erasing$/, ({ body }) => (body.password === 'right' ? ok(data.erasing, 202) : wrongPassword)],
  ['POST', /^\/api\/data\/house\/erase$/, ({ body }) => (body.password === 'right' ? { status: 202 } : wrongPassword)],
  ['POST', /^\/api\/data\/rooms\/\w+\/gone$/, ({ body }) => (body.password === 'right' ? { status: 204 } : wrongPassword)],
  ['GET', /^\/api\/keys$/, ({ house }) => ok(house.has('rekeying') ? data.keysUnderWay : data.keys)],
  ['POST', /^\/api\/keys\/rotate$/, ({ body }) => (body.password === 'right' ? ok(data.keysUnderWay, 202) : wrongPassword)],
  ['GET', /^\/api\/tokens$/, ({ house }) => ok(house.has('empty') ? [] : data.tokens)],
  ['POST', /^\/api\/tokens$/, token],
  ['DELETE', /^\/api\/tokens\/(\w+)$/, ({ match }) => (match[1] === data.id('5') ? { status: 204 } : away)],
  ['GET', /^\/api\/oauth\/clients$/, ({ house }) => ok([oauthClient(house)])],
  ['PUT', /^\/api\/oauth\/clients\/(\w+)$/, ({ house, body }) => keepClient(house, body)],
  ['POST', /^\/api\/oauth\/authorize$/, ({ house, body }) => ok(authorizing(house, body), 201)],
  ['POST', /^\/api\/oauth\/finish$/, ({ body }) => (/state=right/.test(body.address) ? ok(data.cloudAccount, 201) : notUnderWay)],
  ['POST', /^\/api\/oauth\/\w+\/poll$/, () => ok({ account: null })],
  ['GET', /^\/api\/connectors$/, ({ house }) => ok(house.has('empty') ? [] : [...(house.has('cloud') ? [data.cloud, data.cloudNotes] : []), ...data.connectors].map((each) => (house.has('changed') ? { ...each, approved: false } : each)))],
  ['POST', /^\/api\/connectors\/\w+\/approve$/, () => ok(data.connectors[0])],
  ['GET', /^\/api\/accounts$/, ({ house }) => ok(accountsOf(house))],
  ['GET', /^\/api\/accounts\/(\w+)\/parts$/, ({ match }) => ok(match[1] === data.id('b') ? data.accountParts : { offered: false, parts: [] })],
  ['GET', /^\/api\/loans$/, ({ house }) => ok(house.has('lending') ? data.loans : [])],
  ['POST', /^\/api\/loans$/, ({ house, body }) => lend(house, body)],
  ['POST', /^\/api\/loans\/\w+\/accept$/, ({ body }) => (body.name === 'taken' ? problem(422, 'invalid_request', 'That cannot be done as asked', 'Please choose another name.', { fields: { name: 'You have an account of that name already.' } }) : ok({ ...data.lentAccount, name: body.name }))],
  ['DELETE', /^\/api\/loans\/\w+$/, () => ({ status: 204 })],
  ['GET', /^\/api\/routes$/, ({ house }) => ok(house.has('outside') ? data.routes : [])],
  ['PUT', /^\/api\/routes\/([\w:@.]+)$/, ({ match, body }) => routed(match[1], body)],
  ['POST', /^\/api\/accounts$/, connect],
  ['GET', /^\/api\/accounts\/(\w+)$/, ({ match }) => one([data.cloudAccount, ...data.accounts], match[1])],
  ['POST', /^\/api\/accounts\/(\w+)\/check$/, ({ house, match }) => ok(match[1] === data.cloudAccount.id ? checked(house) : { ok: true, problem: null, steps: steps(true) })],
  ['POST', /^\/api\/accounts\/(\w+)\/hook$/, () => ok({ ...data.cloudAccount, hook_path: hookPath('n') })],
  [
    'DELETE',
    /^\/api\/accounts\/(\w+)$/,
    ({ house }) => ok(house.has('cloud') ? { at_provider: 'unsupported', manage_url: 'https://id.example/apps' } : { at_provider: 'none', manage_url: null })
  ],
  ['GET', /^\/api\/conversations$/, conversations],
  ['GET', /^\/api\/conversations\/labels$/, ({ house }) => ok(house.has('many') ? data.labels : [])],
  ['GET', /^\/api\/conversations\/search$/, search],
  ['PATCH', /^\/api\/conversations\/(\w+)$/, ({ house, match, body }) => (house.has('stubborn') ? away : ok({ ...all(house).find((each) => each.id === match[1]), ...body }))],
  ['POST', /^\/api\/files$/, give],
  ['DELETE', /^\/api\/files\/\w+$/, () => ({ status: 204 })],
  ['GET', /^\/api\/files\/\w+\/(content|image)$/, () => ({ status: 200, bytes: data.picture, headers: { 'Content-Type': 'image/png' } })],
  ['POST', /^\/api\/conversations$/, () => ok(data.conversations[1], 201)],
  ['GET', /^\/api\/conversations\/(\w+)$/, ({ house, match }) => history(house, match[1])],
  ['DELETE', /^\/api\/conversations\/(\w+)$/, () => ({ status: 204 })],
  ['GET', /^\/api\/conversations\/\w+\/receipts$/, ({ house }) => (house.has('witness-away') ? away : ok(receipts(house)))],
  ['POST', /^\/api\/conversations\/\w+\/messages$/, ({ house }) => (house.has('spent') ? spent : ok({ turn: data.id('f') }, 202))],
  ['POST', /^\/api\/conversations\/\w+\/messages\/\w+\/(edit|retry)$/, ({ house }) => (house.has('running') ? answering : ok({ turn: data.id('f') }, 202))],
  ['POST', /^\/api\/conversations\/\w+\/messages\/\w+\/show$/, ({ house }) => (house.has('running') ? answering : { status: 204 })],
  ['GET', /^\/api\/looks\/([a-z]+)$/, ({ house, match }) => ok(house.has('empty') || house.has('fresh') ? [] : (data.lookSources[match[1] ?? ''] ?? []))],
  ['POST', /^\/api\/looks\/([a-z]+)$/, look],
  ['POST', /^\/api\/looks\/([a-z]+)\/open$/, opened],
  ['GET', /^\/api\/health$/, ({ house }) => ok(house.has('ailing') ? data.ailingHouse : data.wellHouse)],
  ['GET', /^\/api\/rooms$/, () => ok(data.rooms)],
  ['GET', /^\/api\/copies$/, ({ house }) => ok(house.has('late-copies') ? data.copiesLate : house.has('empty') ? { ...data.copies, made: false, tried_at: null, good_at: null, file: '' } : data.copies)],
  ['GET', /^\/api\/commands$/, ({ house }) => ok(house.has('empty') || house.has('fresh') ? [] : data.commands)],
  ['POST', /^\/api\/conversations\/\w+\/commands$/, command],
  ['POST', /^\/api\/conversations\/\w+\/changes$/, ({ house }) => (house.has('late') ? problem(422, 'invalid_request', 'That cannot be done as asked', 'Please correct name.', { fields: { name: 'Somebody else has it.' } }) : ok({ turn: data.id('f') }, 202))],
  ['POST', /^\/api\/conversations\/\w+\/calls\/\w+\/undo$/, ({ house }) => (house.has('late') ? tooLate : ok({ turn: data.id('f') }, 202))],
  ['POST', /^\/api\/conversations\/\w+\/(cancel|retry)$/, () => ok({ turn: data.id('f') }, 202)],
  ['GET', /^\/api\/approvals$/, ({ house }) => ok(house.has('empty') ? [] : house.has('together') ? data.planApprovals : [house.has('versions') ? data.approvalElsewhere : data.approval])],
  ['GET', /^\/api\/approvals\/\w+$/, ({ house, match }) => ok(approvalOf(house, match[0].slice(-32)))],
  ['GET', /^\/api\/approvals\/\w+\/form$/, ({ house }) => (house.has('late') ? tooLate : ok(data.approvalForm))],
  ['PUT', /^\/api\/approvals\/\w+\/arguments$/, ({ house, body }) => edit(house, body)],
  ['POST', /^\/api\/approvals\/\w+$/, ({ house, match, body }) => ok(decided(house, match[0].slice(-32), body.decision === 'approve'))],
  ['GET', /^\/api\/outcomes$/, ({ house }) => ok({ calls: house.has('doubtful') ? data.doubts : [], away: house.has('doubtful') ? ['Calendar'] : [] })],
  ['POST', /^\/api\/outcomes\/\w+$/, ({ match, body }) => ok(settled(match[0].slice(-32), body.says))],
  ['POST', /^\/api\/outcomes\/\w+\/again$/, () => ok({ turn: data.id('f') }, 202)],
  ['GET', /^\/api\/notices$/, ({ house }) => ok(house.has('told') ? data.noticesTold : data.notices)],
  ['PUT', /^\/api\/notices$/, ({ body }) => ok({ ...data.notices, ...body })],
  ['POST', /^\/api\/notices\/browsers$/, ({ body }) => ok({ ...data.noticesTold.browsers[0], endpoint: body.endpoint }, 201)],
  ['DELETE', /^\/api\/notices\/browsers\/\w+$/, () => ({ status: 204 })],
  ['PUT', /^\/api\/notices\/mail$/, ({ house, body }) => (house.has('stale') && !body.password ? again : ok(data.noticesTold))],
  ['DELETE', /^\/api\/notices\/mail$/, () => ({ status: 204 })],
  ['POST', /^\/api\/notices\/here$/, () => ({ status: 204 })],
  ['POST', /^\/api\/notices\/open$/, ({ house, body }) => (house.has('out') ? signIn : body.token === 'old' ? foreign : ok({ approval: data.approval.id }))],
  ['GET', /^\/api\/undoable$/, ({ house }) => ok(house.has('undoable') ? data.undoable() : [])],
  ['POST', /^\/api\/undoable\/\w+$/, ({ match }) => ok({ taken_back: match[0].endsWith('8'), conversation: data.id('c'), turn: null })],
  ['PUT', /^\/api\/accounts\/\w+\/hold$/, ({ body }) => ok({ ...data.accounts[0], hold: { seconds: body.seconds ?? 10, chosen: body.seconds !== null } })],
  ['GET', /^\/api\/rules$/, ({ house }) => ok(house.has('empty') ? [] : data.rules)],
  ['POST', /^\/api\/rules$/, rule],
  ['DELETE', /^\/api\/rules\/\w+$/, () => ({ status: 204 })],
  ['GET', /^\/api\/schedules$/, ({ house }) => ok(house.has('empty') ? [] : data.schedules)],
  ['POST', /^\/api\/schedules$/, schedule],
  ['POST', /^\/api\/schedules\/times$/, ({ body }) => ok({ when: 'Every weekday at 07:00', next: body.rule === 'FREQ=MINUTELY' ? [] : ['2030-01-07T06:00:00Z', '2030-01-08T06:00:00Z'] })],
  ['PUT', /^\/api\/schedules\/\w+$/, schedule],
  ['GET', /^\/api\/schedules\/proposals$/, ({ house }) => ok(house.has('proposed') ? data.proposals : [])],
  ['DELETE', /^\/api\/schedules\/(proposals\/)?\w+$/, () => ({ status: 204 })],
  ['POST', /^\/api\/schedules\/\w+\/(pause|resume)$/, () => ok(data.schedules[1])],
  ['POST', /^\/api\/schedules\/\w+\/run$/, () => ok({ due_at: data.schedules[0]?.created_at, state: 'started', turn: data.id('f') }, 202)],
  ['GET', /^\/api\/memories$/, memories],
  ['POST', /^\/api\/memories$/, ({ body }) => ok({ ...data.memories[0], text: body.text }, 201)],
  ['PUT', /^\/api\/memories\/\w+$/, () => ok(data.memories[0])],
  ['DELETE', /^\/api\/memories\/\w+$/, () => ({ status: 204 })],
  ['GET', /^\/api\/audit$/, ledger],
  ['GET', /^\/api\/audit\/verify$/, ({ house }) => ok(verification(house))],
  ['GET', /^\/api\/audit\/(\d+)\/proof$/, ({ match }) => ok(proof(Number(match[1])))],
  ['GET', /^\/api\/left$/, ({ house }) => (house.has('witness-away') ? away : ok(house.has('empty') ? { ...data.left, days: [], sources: [], counted: [] } : data.left))],
  ['GET', /^\/api\/left\/entries$/, ({ query }) => ok(query.has('before') ? { entries: [], next: null } : { entries: data.leftEntries, next: null })],
  ['GET', /^\/api\/conversations\/\w+\/left$/, ({ house }) => (house.has('witness-away') ? away : ok(data.leftOf))],
  ['GET', /^\/api\/model$/, ({ house }) => ok(modelSettings(house))],
  ['POST', /^\/api\/model\/check$/, () => ok({ ok: true, detail: 'It answers.', models: ['llama3.1:8b', 'qwen3:14b'] })],
  ['POST', /^\/api\/model\/test$/, () => ok({ current: { ...data.model, tools: data.tools.testing }, found: data.found }, 202)],
  ['PUT', /^\/api\/model$/, () => ok({ current: data.model, found: data.found })],
  ['PUT', /^\/api\/model\/price$/, ({ house, body }) => ok({ current: { ...modelSettings(house).current, price: body && { ...body, source: 'owner' } }, found: data.found })],
  ['DELETE', /^\/api\/model$/, () => ({ status: 204 })],
  ['GET', /^\/api\/usage$/, ({ house }) => (house.has('down') ? away : ok(house.has('empty') ? data.noUsage : data.usage))],
  ['PUT', /^\/api\/usage\/limits$/, ({ body }) => (body.limits.day_tokens > 10 ** 12 ? tooMuch : ok({ ...data.usage, zone: body.zone ?? data.usage.zone, own: body.limits, limits: { ...data.usage.limits, ...body.limits } }))],
  ['PUT', /^\/api\/usage\/limits\/house$/, ({ body }) => ok({ ...data.usage, house: { ...data.usage.house, each: body.each ?? data.usage.house.each, limits: body.house ?? data.usage.house.limits } })],
  ['PUT', /^\/api\/model\/private$/, ({ house }) => ok({ ...modelSettings(house), private: data.privateModel })],
  ['POST', /^\/api\/model\/private\/test$/, ({ house }) => ok({ ...modelSettings(house), private: data.privateModel }, 202)],
  ['DELETE', /^\/api\/model\/private$/, () => ({ status: 204 })]
];

const hookPath = (/** @type {string} */ letter) => `/hooks/cloudmail/${letter.repeat(43)}`;

/** What its provider refuses, in the houses where it does. */
const refusal = (/** @type {Set<string>} */ house) => Object.entries(data.refusals).find(([name]) => house.has(name))?.[1] ?? null;

/** The account at a provider: `pushed` has an address, `ending` a day left, and what is `refused` stands there. */
const cloudAccount = (/** @type {Set<string>} */ house) => ({
  ...data.cloudAccount,
  ...(house.has('pushed') && { hook_path: hookPath('h') }),
  ...(house.has('ending') && { authorized_at: data.before(60 * 24 * 5.5), consent_ends_at: data.before(-60 * 24 * 1.5) }),
  ...(refusal(house) && { state: 'attention', problem: refusal(house), consent_ends_at: null })
});

/** A line for each thing that the account may do. */
function checked(/** @type {Set<string>} */ house) {
  const problem = refusal(house);
  const lines = [
    { name: 'Sign in', ok: true, detail: 'ada@cloud.example' },
    { name: 'Read and search mail', ok: true, detail: '' },
    { name: 'Make labels', ok: !problem, detail: problem?.detail ?? '' }
  ];
  return { ok: !problem, problem, steps: lines };
}

const lend = (/** @type {Set<string>} */ house, /** @type {any} */ body) => {
  const words = 'Nobody of that user name lives here.';
  if (body.person === 'nobody') return problem(422, 'invalid_request', 'That cannot be done as asked', words, { fields: { person: words } });
  if (house.has('stale') && body.password !== 'right') return body.password ? wrongPassword : again;
  return ok({ ...data.loans[1], person: body.person, access: body.access }, 201);
};

/** The accounts of a house, in the one with a model outside with what is held back of them. */
const accountsOf = (/** @type {Set<string>} */ house) =>
  house.has('empty') || house.has('fresh')
    ? []
    : [...(house.has('cloud') ? [cloudAccount(house)] : []), ...data.accounts, ...(house.has('lending') ? [data.lentAccount] : [])].map((each) => ({ ...each, route: (house.has('outside') && data.routes.find((rule) => rule.source === each.id)?.route) || 'cloud_ok' }));

const codeRequired = (/** @type {string | undefined} */ code) =>
  problem(401, 'code_required', 'One more step', 'Your password is right. Now the code that your app shows, or a recovery code.', code ? { fields: { code: 'This code is wrong, is over, or was used. Take the one that your app shows now.' } } : {});

/** A sign-in; in a house that is `coded` it asks for a code, too. */
function enter(/** @type {Call} */ { house, body }) {
  if (body.password === 'wrong') return refused;
  return house.has('coded') && body.code !== '287082' ? codeRequired(body.code) : ok(data.session);
}

const security = (/** @type {Set<string>} */ house) => ({
  codes_since: house.has('coded') ? new Date(Date.now() - 86_400_000 * 20).toISOString() : null,
  recovery_left: house.has('few') ? 1 : house.has('coded') ? 9 : 0,
  passkeys: house.has('keyed') ? data.passkeys : []
});

/** A choice of what models may see; a laxer one wants the password. */
function routed(/** @type {string | undefined} */ source, /** @type {any} */ body) {
  if (body.password === 'wrong') {
    return wrongPassword;
  }
  if (body.route === 'cloud_ok' && !body.password) {
    return problem(403, 'sign_in_again', 'Sign in again', 'This lets a model outside the house see more, so it needs your password once more.', { action: 'sign_in' });
  }
  return ok({ source, route: body.route });
}

/** An approval after a decision; held for a while in the house that holds. */
const decided = (/** @type {Set<string>} */ house, /** @type {string} */ id, /** @type {boolean} */ yes) => ({
  ...approvalOf(house, id),
  state: yes ? 'approved' : 'denied',
  held_until: yes && house.has('held') ? new Date(Date.now() + 8_000).toISOString() : null
});

/** What stands after its owner's word, or after a look that found nothing out. */
const settled = (/** @type {string} */ call, /** @type {'done' | 'not_done' | 'look'} */ says) => ({
  call_id: call,
  ...{
    done: { state: 'done', by_person: true, detail: 'You said that it was done.' },
    not_done: { state: 'failed', by_person: true, detail: 'You said that it was not done.' },
    look: { state: 'unknown', by_person: false, detail: 'The service still cannot tell. Please look there yourself.' }
  }[says]
});

/** An approval by its id, in the houses that have several. */
const approvalOf = (/** @type {Set<string>} */ house, /** @type {string} */ id) =>
  house.has('together') ? (data.planApprovals.find((each) => each.id === id) ?? data.approval) : house.has('lease') ? data.leaseApproval : data.approval;

/** The approval with other arguments, as the connector then says it. */
function edit(/** @type {Set<string>} */ house, /** @type {any} */ body) {
  if (house.has('stubborn')) return problem(400, 'invalid_request', 'Not possible', 'text: a mail needs a text.');
  const preview = { ...data.approval.preview, content: String(body.arguments.text) };
  return ok({ ...data.approval, arguments: body.arguments, preview, preview_digest: '2'.repeat(64), edited: true });
}

/** What the ledger tells of the conversation. */
const receipts = (/** @type {Set<string>} */ house) => (house.has('acted') ? data.receipts : []);

/** The model as the house has it: `model-none` and the like say what a test found. */
function modelSettings(/** @type {Set<string>} */ house) {
  const found = house.has('empty') ? [] : data.found;
  if (house.has('fresh') || house.has('bare')) return { current: null, private: null, found };
  const tools = Object.entries(data.tools).find(([mode]) => house.has(`model-${mode}`))?.[1] ?? data.model.tools;
  if (house.has('outside')) return { current: { ...data.billed, tools }, private: house.has('private') ? data.privateModel : null, found };
  return { current: { ...(house.has('billed') ? data.billed : data.model), tools }, private: null, found };
}

const wrongCode = problem(422, 'invalid_request', 'That cannot be done as asked', 'The code is wrong.', { fields: { code: 'This is not the code. Look at the app once more, and at the clock of the phone.' } });
const wrongPassword = problem(422, 'invalid_request', 'That cannot be done as asked', 'The password is wrong.', { fields: { password: 'This is not your password.' } });
const spent = problem(429, 'budget_spent', 'Nothing left to spend', 'The tokens for today are used up. Nothing was lost.');

const signIn = problem(401, 'sign_in_required', 'Sign in', 'Nobody is signed in, or the session is over.');
const refused = problem(401, 'sign_in_refused', 'Sign-in refused', 'The username or the password is wrong.');

const tooMuch = problem(422, 'invalid_request', 'That cannot be done as asked', 'Please correct limits.day_tokens.', { fields: { 'limits.day_tokens': 'That is too much.' } });
const again = problem(403, 'sign_in_again', 'Sign in again', 'Mails to yourself go out without asking, so it needs your password once more.', { action: 'sign_in' });
const foreign = problem(403, 'forbidden', 'Not allowed', 'The link has expired.');

const tooLate = problem(409, 'conflict', 'That does not fit', 'That was taken back already.');

const one = (/** @type {{id: string}[]} */ items, /** @type {string | undefined} */ id) => {
  const item = items.find((each) => each.id === id);
  return item ? ok(item) : missing;
};

const steps = (/** @type {boolean} */ passed) => [
  { name: 'Reach the incoming mail server', ok: true, detail: 'imap.home.example, port 993' },
  { name: 'Sign in to the incoming mail server', ok: passed, detail: passed ? 'ada@home.example' : 'The server refused the user name or password.' }
];

/** What an account answers; `silent` houses have one that does not. @param {Call} call @returns {Answer} */
function look({ house, match, body }) {
  if (house.has('silent') && body.connector === 'caldav') {
    return problem(504, 'deadline_exceeded', 'No answer in time', 'There was no answer in time.');
  }
  if (house.has('quiet')) return ok({ content: match[1] === 'agenda' ? { events: [], note: '' } : { messages: [], note: '' }, sources: [] });
  return ok({ content: data.looked[`${match[1]} ${body.connector}`] ?? { things: [] }, sources: [] });
}

/** @param {Call} call @returns {Answer} */
function connect({ body }) {
  if (body.secrets.password !== 'wrong') return ok({ ...data.accounts[0], name: body.name || 'ada@home.example' }, 201);
  const detail = 'The server refused the user name or password. Use an app password if the provider asks for one.';
  return problem(422, 'account_required', 'The account needs you', detail, {
    steps: steps(false),
    fields: { 'secrets.password': 'Refused by imap.home.example.' }
  });
}

/** @param {Call} call @returns {Answer} */
function token({ body }) {
  if (body.scopes.includes('approve') && !body.password) {
    return problem(403, 'sign_in_again', 'Sign in again', 'A token that may decide needs your password once more.', { action: 'sign_in' });
  }
  if (body.password === 'wrong') {
    return wrongPassword;
  }
  return ok({ ...data.newToken, name: body.name, scopes: body.scopes }, 201);
}

/** @param {Call} call @returns {Answer} */
function rule({ house, body }) {
  if (house.has('stale') && !body.password) {
    return problem(403, 'sign_in_again', 'Sign in again', 'A rule acts without asking, so it needs your password once more.', { action: 'sign_in' });
  }
  return ok(data.rules[0], 201);
}

/** @param {Call} call @returns {Answer} */
function schedule({ house, body }) {
  if (house.has('stale') && !body.password) {
    return problem(403, 'sign_in_again', 'Sign in again', 'A schedule acts while you are away, so it needs your password once more.', { action: 'sign_in' });
  }
  if (body.rule === 'FREQ=MINUTELY') {
    return problem(422, 'invalid_request', 'That cannot be done as asked', 'The repetition is not one.', { fields: { rule: 'It repeats hourly, daily, weekly or monthly.' } });
  }
  return ok({ ...data.schedules[0], name: body.name }, 201);
}

/** Changed ones stay as they were: what a page shows after a change is what the answer to it said. */
const all = (/** @type {Set<string>} */ house) => (house.has('empty') ? [] : house.has('many') ? data.manyConversations : data.conversations);

/** @param {Call} call @returns {Answer} */
function conversations({ house, query }) {
  const is = (/** @type {string} */ name, /** @type {boolean} */ value) => !query.has(name) || query.get(name) === String(value);
  const fits = all(house).filter(
    (each) => is('archived', each.archived) && is('pinned', each.pinned) && (!query.has('label') || each.labels.includes(query.get('label') ?? ''))
  );
  const [from, limit] = [Number(query.get('after') ?? 0), Number(query.get('limit') ?? fits.length)];
  const items = fits.slice(from, from + limit);
  const rest = new URLSearchParams(query);
  rest.set('after', String(from + limit));
  return { ...ok(items), ...(from + limit < fits.length && { headers: { Link: `</api/conversations?${rest}>; rel="next"` } }) };
}

/** @param {Call} call @returns {Answer} */
function search({ house, query }) {
  const words = (query.get('words') ?? '').toLowerCase();
  const titled = all(house).filter((each) => words && each.title.toLowerCase().includes(words)).slice(0, 20);
  if (house.has('speechless')) return away;
  return ok({ conversations: titled, hits: 'lease'.startsWith(words) ? data.hits() : [], next: null });
}

/** @param {Call} call @returns {Answer} */
function give({ house, query, body }) {
  const name = query.get('name') ?? '';
  if (name.endsWith('.zip')) return problem(400, 'invalid_request', 'That cannot be done as asked', 'There is no text to read in a file of this kind (archive).');
  const isImage = name.endsWith('.png');
  return ok({ id: data.id(isImage ? 'b' : 'd'), name, kind: isImage ? 'image' : 'text', what: isImage ? 'PNG image' : 'PDF', size: body.bytes, note: '' }, 201);
}

/** @param {Call} call @returns {Answer} */
function memories({ house, query }) {
  const asked = (query.get('words') ?? '').toLowerCase();
  return ok(house.has('empty') ? [] : data.memories.filter((each) => each.text.toLowerCase().includes(asked)));
}

/** @param {Call} call @returns {Answer} */
function opened({ house, match, body }) {
  if (house.has('gone')) return missing;
  const told = { sources: [{ source: 'a mail', authors: ['carol@example.org'] }], link: house.has('linked') ? 'https://mail.example.org/41' : null };
  if (house.has('changeable')) return ok({ ...told, ...data.openedContact });
  return ok({ ...told, content: match[1] === 'agenda' || body.connector === 'caldav' ? data.openedEvent : data.opened, change: null });
}

/** @param {Call} call @returns {Answer} */
function command({ body }) {
  if (body.fields.to?.includes('nobody@example.org')) {
    return problem(422, 'invalid_request', 'That cannot be done as asked', 'Please correct to.', { fields: { to: 'Nobody lives there.' } });
  }
  return ok({ turn: data.id('f') }, 202);
}

/** The answer that means ill in this house: `hostile-table` and the like. @param {Set<string>} house */
const hostileOf = (house) => Object.entries(big.hostile).find(([name]) => house.has(`hostile-${name}`))?.[1] ?? null;

/** @param {Set<string>} house @param {string | undefined} id @returns {Answer} */
function history(house, id) {
  const conversation = data.conversations.find((each) => each.id === id);
  if (!conversation) return missing;
  if (house.has('long')) return ok({ ...conversation, state: 'idle', messages: house.has('less') ? big.long.slice(-400) : big.long, last_event_id: 1 });
  const text = hostileOf(house);
  if (text !== null) return ok({ ...conversation, state: 'idle', messages: house.has('poured') ? [] : [data.messages[0], { ...data.messages[1], text, calls: [] }], last_event_id: 1 });
  if (conversation.state !== 'waiting') return ok({ ...conversation, messages: data.failed, last_event_id: house.has('snapshot') ? 2 : 1 });
  if (house.has('sourced') || house.has('unsourced')) return ok({ ...conversation, state: 'idle', messages: house.has('sourced') ? data.sourced : data.unsourced, last_event_id: 1 });
  if (house.has('searched')) return ok({ ...conversation, state: 'idle', messages: data.searched, last_event_id: 1 });
  if (house.has('planned')) return ok({ ...conversation, state: 'idle', messages: data.planned, last_event_id: 1 });
  if (house.has('drafted')) return ok({ ...conversation, state: 'idle', messages: data.drafted, last_event_id: 1 });
  if (house.has('acted') || house.has('claimed')) return ok({ ...conversation, state: 'idle', messages: data.claimed, last_event_id: 1 });
  if (house.has('given')) return ok({ ...conversation, state: 'idle', messages: data.given, last_event_id: 1 });
  if (house.has('answered')) return ok({ ...conversation, state: 'idle', messages: data.answered, last_event_id: 1 });
  if (house.has('outside')) return ok({ ...conversation, state: 'idle', messages: house.has('private') ? data.answeredHere : data.held, last_event_id: 1 });
  if (house.has('versions')) return ok({ ...conversation, state: 'idle', messages: data.versions, last_event_id: 1 });
  if (house.has('together')) return ok({ ...conversation, messages: data.together, last_event_id: 1 });
  return ok({ ...conversation, messages: house.has('lease') ? data.lease : data.messages, last_event_id: 1 });
}

/** @param {Call} call @returns {Answer} */
function ledger({ house, query }) {
  if (house.has('empty')) return ok({ entries: [], next: null, head: null });
  const after = query.has('after') ? Number(query.get('after')) : Number.POSITIVE_INFINITY;
  const limit = Number(query.get('limit') ?? 100);
  if (house.has('vast')) {
    const page = big.vastPage(after, limit);
    return ok({ entries: page, next: page.at(-1)?.index || null, head: { ...data.head, size: big.VAST } });
  }
  const [action, connector] = [query.get('action'), query.get('connector')];
  const words = (query.get('search') ?? '').toLowerCase().split(/\s+/);
  const holds = (/** @type {object} */ each) => words.every((word) => JSON.stringify(each).toLowerCase().includes(word));
  const fits = data.entries.filter(
    (each) => (!action || each.action === action) && (!connector || each.connector === connector) && holds(each)
  );
  const entries = fits.filter((each) => each.index < after).slice(0, limit);
  const last = entries.length === limit ? (entries.at(-1)?.index ?? 0) : 0;
  return ok({ entries, next: last > 0 ? last : null, head: data.head });
}

const verification = (/** @type {Set<string>} */ house) => ({
  ok: !house.has('tampered'),
  size: data.SIZE,
  root: data.head.root,
  problem: house.has('tampered') ? { index: 17, detail: 'Its content is not the one that was signed.' } : null,
  seconds: 0.042
});

const proof = (/** @type {number} */ index) => ({
  index,
  leaf: index.toString(16).padStart(64, '0'),
  path: ['aa'.repeat(32)],
  head: data.head
});

/** @param {import('node:http').IncomingMessage} request */
async function bodyOf(request) {
  let text = '';
  for await (const piece of request) text += piece;
  if (request.headers['content-type'] === 'application/octet-stream') return { bytes: text.length };
  return text ? JSON.parse(text) : {};
}

/** @param {import('node:http').ServerResponse} response @param {Answer} answer */
function reply(response, { status, body, bytes, headers }) {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers });
  response.end(bytes ?? (body === undefined ? undefined : JSON.stringify(body)));
}

/** @param {import('node:http').ServerResponse} response @param {string} path */
function file(response, path) {
  const type = types[extname(path)];
  const headers = { 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' };
  try {
    const found = type && path !== '/index.html' ? readFileSync(join(root, normalize(path))) : page;
    response.writeHead(200, { ...headers, 'Content-Type': type ?? 'text/html; charset=utf-8' }).end(found);
  } catch {
    response.writeHead(404, headers).end();
  }
}

/** What the conversation that was just begun answers, as events with ids. */
const story = [
  { type: 'RUN_STARTED', threadId: data.id('e'), runId: data.id('f') },
  { type: 'TOOL_CALL_START', toolCallId: data.id('0'), toolCallName: 'messages_search' },
  { type: 'TOOL_CALL_ARGS', toolCallId: data.id('0'), delta: '{"query":"lease"}' },
  { type: 'TOOL_CALL_END', toolCallId: data.id('0') },
  { type: 'CUSTOM', name: 'oa.call', value: { callId: data.id('0'), state: 'done', connector: 'mail', tool: 'messages_search', effect: 'read', title: 'messages search: lease' } },
  { type: 'TEXT_MESSAGE_START', messageId: 'streamed', role: 'assistant' },
  { type: 'TEXT_MESSAGE_CONTENT', messageId: 'streamed', delta: 'Carol wrote twice. ' },
  { type: 'TEXT_MESSAGE_CONTENT', messageId: 'streamed', delta: 'She waits for Friday.' },
  { type: 'TEXT_MESSAGE_END', messageId: 'streamed' },
  { type: 'RUN_FINISHED', threadId: data.id('e'), runId: data.id('f'), outcome: { type: 'success' } }
];

const found = data.id('0');
const searched = { callId: found, connector: 'mail', tool: 'messages_search', effect: 'read', title: 'messages search: lease', account: data.id('a') };

/** What a command answers. */
const commanded = [
  story[0],
  { type: 'CUSTOM', name: 'oa.message', value: { id: data.id('a'), role: 'user', turn: data.id('f'), text: '/find lease', command: { name: 'find', fields: { text: 'lease' } } } },
  { type: 'TEXT_MESSAGE_START', messageId: 'proposed', role: 'assistant' },
  { type: 'TEXT_MESSAGE_END', messageId: 'proposed' },
  { type: 'TOOL_CALL_START', toolCallId: found, toolCallName: 'messages_search', parentMessageId: 'proposed' },
  { type: 'TOOL_CALL_ARGS', toolCallId: found, delta: '{"query":"lease"}' },
  { type: 'TOOL_CALL_END', toolCallId: found },
  { type: 'CUSTOM', name: 'oa.call', value: { ...searched, state: 'done' } },
  { type: 'TOOL_CALL_RESULT', toolCallId: found, messageId: 'result', content: JSON.stringify({ content: data.mails }) },
  { type: 'TEXT_MESSAGE_START', messageId: 'closing', role: 'assistant' },
  { type: 'TEXT_MESSAGE_CONTENT', messageId: 'closing', delta: '2 results.' },
  { type: 'TEXT_MESSAGE_END', messageId: 'closing' },
  story[9]
];

/** An answer of 2000 tokens at 200 a second, or as many pieces of a text. @param {import('node:http').ServerResponse} response @param {string | null} text */
function pour(response, text) {
  const size = Math.ceil((text ?? '').length / 500);
  const words = text ? Array.from({ length: 500 }, (_, at) => text.slice(at * size, (at + 1) * size)) : ['Carol ', '**wrote** ', 'about ', 'the lease. ', '\n\n', '- one ', '\n- two ', '\n\n', '`code` '];
  const last = text ? 504 : 2000;
  let sent = 2;
  const send = (/** @type {object | undefined} */ event) => response.write(`id: ${sent++}\ndata: ${JSON.stringify(event)}\n\n`);
  send(story[0]);
  send(story[5]);
  const timer = setInterval(() => {
    for (let count = 0; count < 4; count += 1) send({ ...story[6], delta: words[text ? sent - 4 : sent % words.length] ?? '' });
    if (sent < last) return;
    clearInterval(timer);
    send(story[8]);
    send(story[9]);
  }, 20);
  response.on('close', () => clearInterval(timer));
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (!url.pathname.startsWith('/api/')) return file(response, url.pathname);
  const house = wish(request);
  if (house.has('dead')) return reply(response, starting);
  if (house.has('out') && !/^\/api\/(session|setup|house|join(\/\w+)?)$/.test(url.pathname)) return reply(response, signIn);
  if (url.pathname.endsWith('/events')) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': open\n\n');
    const last = Number(request.headers['last-event-id'] ?? 0);
    const told = house.has('commanded') ? commanded : house.has('stream') ? story : [];
    /** @type {[number, object][]} */
    const events = told.map((event, index) => [index + 2, event ?? {}]);
    if (house.has('fast') || house.has('poured')) return pour(response, hostileOf(house));
    if (house.has('snapshot') && last < 2) events.push([2, { type: 'MESSAGES_SNAPSHOT', messages: [] }]);
    const fresh = events.filter(([id]) => Number(id) > last);
    const sent = house.has('flaky') ? fresh.slice(0, 3) : fresh;
    for (const [id, event] of sent) response.write(`id: ${id}\ndata: ${JSON.stringify(event)}\n\n`);
    if (sent.length < fresh.length) response.end();
    return;
  }
  if (house.has('down') && url.pathname !== '/api/session') return reply(response, away);
  for (const [method, path, answer] of routes) {
    const match = path.exec(url.pathname);
    if (match && method === request.method) {
      return reply(response, answer({ house, body: await bodyOf(request), query: url.searchParams, match }));
    }
  }
  reply(response, missing);
});

const starting = problem(503, 'unavailable', 'Away at the moment', 'The server starts anew. Try again in a minute.', { action: 'retry' });
const answering = problem(409, 'conflict', 'It changed meanwhile', 'The previous message is still being answered. Stop it first, or wait.');
const away = problem(503, 'unavailable', 'Away at the moment', 'The vault does not answer. Nothing was lost. Try again in a minute.', { action: 'retry' });

server.listen(port, '127.0.0.1');
