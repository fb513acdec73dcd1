'use strict';
// The page asks every region what it has, twice a second, and shows it side by
// side. It keeps no state of its own but the comparison with a plain store.

const regions = ['eu', 'us', 'ap'];
const links = [['eu', 'us'], ['us', 'ap'], ['ap', 'eu']];
const rows = ['profile/ann', 'cart/ann', 'stock/lamp', 'flags/site', 'order/ann:1'];
const tiers = ['', 'free', 'plus', 'pro'];
const seen = { up: {}, cut: new Set(), status: {}, rows: {}, refunds: [] };

// h makes an element.
function h(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (v === true) e.setAttribute(k, '');
    else if (v !== false && v != null) e.setAttribute(k, v);
  }
  e.append(...children.filter((c) => c != null));
  return e;
}
const $ = (id) => document.getElementById(id);
const say = (text, bad) => { $('say').textContent = text; $('say').className = bad ? 'bad' : ''; };

// call makes a request, and says what a region answers if it refuses.
async function call(path, method, body, match) {
  const headers = match ? { 'If-Match': match } : {};
  const a = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await a.text();
  if (!a.ok) throw new Error(`${a.status}: ${text.startsWith('{') ? JSON.parse(text).error : text || a.statusText}`);
  return { value: text ? JSON.parse(text) : null, by: a.headers.get('Answered-By') };
}
async function write(region, path, method, body, match) {
  try {
    const { by } = await call(`/api/${region}/${path}`, method, body, match);
    say(by ? `${region} passed it on to ${by}, the home of the user.` : `${region} has it.`);
  } catch (e) { say(`${region} answers ${e.message}`, true); }
  poll();
}
async function topology(...path) {
  try { await call(`/topology/${path.join('/')}`, 'POST'); } catch (e) { say(e.message, true); }
  poll();
}

// Each region has a card whose elements are made once; paint fills them.
const cards = {};
function makeCard(r) {
  const c = { why: {} };
  const field = (name, input) => {
    c[name] = input;
    c.why[name] = h('div', { class: 'why' });
    return [h('label', { for: `${r}-${name}` }, name), input, h('span'), c.why[name]];
  };
  const text = (name) => field(name, h('input', { id: `${r}-${name}`, onchange: (e) => write(r, 'profile/ann', 'PATCH', { [name]: e.target.value }) }));
  const row = (key, title, ...content) => {
    const digest = h('span', { class: 'digest' });
    c[key] = digest;
    return h('section', { class: 'row', 'aria-label': `${title} in ${r}` }, h('div', { class: 'bar' }, h('h3', {}, title), digest), ...content);
  };
  c.state = h('span', { class: 'small dim state' });
  c.kill = h('button', { type: 'button', onclick: () => topology(seen.up[r] ? 'kill' : 'start', r) });
  c.promote = h('button', { type: 'button', onclick: () => promote(r) }, 'Promote');
  c.skew = h('input', { type: 'range', id: `${r}-skew`, min: -10, max: 10, step: 0.5, value: 0, onchange: (e) => write(r, 'admin/skew', 'POST', { ms: e.target.value * 1000 }) });
  c.skewText = h('output', { for: `${r}-skew`, class: 'small' });
  const tier = h('select', { id: `${r}-tier`, onchange: (e) => write(r, 'profile/ann', 'PATCH', { tier: e.target.value }) }, ...tiers.map((t) => h('option', { value: t }, t || '–')));
  const tag = h('input', { id: `${r}-tags`, placeholder: 'add a tag', onchange: (e) => { const t = e.target.value.trim(); e.target.value = ''; if (t) write(r, 'profile/ann', 'PATCH', { addTags: [t] }); } });
  c.tags = h('div', { class: 'bar', style: 'grid-column: 1 / -1' });
  c.points = h('output');
  c.lines = h('div');
  const add = h('input', { placeholder: 'add an article', 'aria-label': `add an article in ${r}`, onchange: (e) => { const t = e.target.value.trim(); e.target.value = ''; if (t) write(r, `cart/ann/${encodeURIComponent(t)}`, 'POST', { n: 1 }); } });
  c.left = h('div');
  c.flags = h('div');
  c.order = h('div');
  c.el = h('article', { class: 'card region', 'aria-label': `Region ${r}` },
    h('div', { class: 'bar' }, h('h2', {}, r), c.promote, c.kill), c.state,
    h('label', { class: 'small dim', for: `${r}-skew` }, 'clock ', c.skewText), c.skew,
    row('profile/ann', 'Profile', h('div', { class: 'fields' },
      ...text('name'), ...text('city'), ...text('email'), ...text('phone'), ...field('tier', tier),
      h('label', {}, 'points'), c.points, h('button', { type: 'button', onclick: () => write(r, 'profile/ann', 'PATCH', { addPoints: 10 }) }, '+10'),
      h('label', { for: `${r}-tags` }, 'tags'), tag, h('span'), c.tags)),
    row('cart/ann', 'Cart', c.lines, add),
    row('stock/lamp', 'Stock of lamps', c.left),
    row('flags/site', 'Flags', c.flags),
    row('order/ann:1', 'Order', c.order));
  return c;
}

// set changes the value of an input that nobody is typing in.
const set = (input, value) => { if (document.activeElement !== input && input.value !== value) input.value = value; };
// fill replaces what is in an element if it has changed, and keeps the focus.
function fill(e, key, ...children) {
  key ??= 'nothing';
  if (e.dataset.key === key) return;
  e.dataset.key = key;
  const at = [...e.querySelectorAll('button')].indexOf(document.activeElement);
  e.replaceChildren(...children);
  if (at >= 0) e.querySelectorAll('button')[at]?.focus();
}
const clock = (stamp) => stamp && stamp.replace(/^.*T(.{12}).*@(.*)$/, '$1 at $2').replace(/#\d+$/, '');
// reason is why a field has its value: what the last merge did to it, if it has not
// changed since.
const whys = {}; // by region and row: by path, the event and what it says of the field
function reason(r, row, field, ...paths) {
  const now = seen.rows[r]?.[row]?.state;
  const w = [field, ...paths].map((p) => whys[`${r} ${row}`]?.[p]).find((w) => w);
  return w && JSON.stringify(w.event.state?.[field]) === JSON.stringify(now?.[field]) ? w.change : undefined;
}
// flagChanges says of a merge of flags what a record says by itself.
const flagsBefore = {};
function flagChanges(r, e) {
  if (e.row !== 'flags/site') return [];
  const had = flagsBefore[r] || {}, now = flagsBefore[r] = e.state || {};
  if (!e.from) return [];
  return Object.keys(now).filter((f) => now[f].stamp !== had[f]?.stamp).map((f) => ({ path: f, rule: 'last writer wins', outcome: 'taken', winner: 0,
    candidates: [{ side: 0, stamp: now[f].stamp }, ...(had[f] ? [{ side: 1, stamp: had[f].stamp, value: had[f].value, lost: true }] : [])] }));
}
// because says in words what a merge.Change says of a field.
function because(w) {
  if (!w) return '';
  const parts = [w.rule, w.outcome];
  const winner = w.candidates.find((c) => c.side === w.winner), loser = w.candidates.find((c) => c.lost);
  if (winner && !winner.lost) parts.push(`written ${clock(winner.stamp)}`);
  if (w.margin) parts.push(`by ${w.margin.replace(/(\.\d\d)\d+/, '$1')}`);
  return loser ? [parts.join(', '), '; ', h('b', {}, `“${loser.value}”`), ` of ${clock(loser.stamp)} gave way`] : [parts.join(', ')];
}

function paint(r) {
  const c = cards[r], up = seen.up[r], data = seen.rows[r] || {}, st = seen.status[r];
  c.el.classList.toggle('down', !up);
  c.kill.textContent = up ? 'Kill' : 'Start';
  c.promote.hidden = $('mode').value !== 'active-passive';
  c.promote.disabled = !up || st?.mode.primary === r;
  c.state.textContent = !up ? 'does not run' : st ? `incarnation ${st.incarnation}` + (st.mode.mode === 'active-passive' ? (st.mode.primary === r ? `, primary of epoch ${st.epoch}` : ', passive') : '') + (st.clocks.Outlier ? ', its clock is off' : '') : '';
  c.skewText.textContent = `${c.skew.value > 0 ? '+' : ''}${c.skew.value} s`;
  for (const k of rows) {
    const digests = regions.filter((o) => seen.up[o]).map((o) => seen.rows[o]?.[k]?.digest);
    const v = data[k];
    c[k].textContent = v ? `${v.digest} · ${v.bytes} B` : '–';
    c[k].className = 'digest ' + (digests.every((d) => d === digests[0]) ? 'same' : 'differs');
  }
  const p = data['profile/ann'];
  const v = p?.state || {};
  for (const name of ['name', 'city', 'email', 'phone', 'tier']) {
    set(c[name], v[name] || '');
    const w = reason(r, 'profile/ann', name, name[0].toUpperCase() + name.slice(1), name === 'email' ? 'contact' : '');
    fill(c.why[name], JSON.stringify(w), ...because(w));
  }
  c.points.textContent = v.points ?? 0;
  fill(c.tags, JSON.stringify(v.tags), ...(v.tags || []).map((t) => h('button', { type: 'button', title: 'remove', onclick: () => write(r, 'profile/ann', 'PATCH', { removeTags: [t] }) }, `${t} ×`)));
  const cart = data['cart/ann']?.state || [];
  fill(c.lines, JSON.stringify(cart), ...cart.map((l) => h('div', { class: 'bar' }, h('span', { style: 'margin-right:auto' }, `${l.count} × ${l.sku}`),
    h('button', { type: 'button', 'aria-label': `one more ${l.sku}`, onclick: () => write(r, `cart/ann/${encodeURIComponent(l.sku)}`, 'POST', { n: 1 }) }, '+'),
    h('button', { type: 'button', 'aria-label': `one less ${l.sku}`, onclick: () => write(r, `cart/ann/${encodeURIComponent(l.sku)}`, 'POST', { n: -1 }) }, '−'),
    h('button', { type: 'button', 'aria-label': `delete ${l.sku}`, onclick: () => write(r, `cart/ann/${encodeURIComponent(l.sku)}`, 'DELETE', undefined, l.etag) }, '×'))));
  const s = data['stock/lamp']?.state;
  fill(c.left, JSON.stringify(s), h('div', { class: 'bar' }, h('span', { style: 'margin-right:auto' }, `${s?.left ?? 0} left`),
    h('button', { type: 'button', onclick: () => write(r, 'stock/lamp/buy', 'POST', { n: 1 }) }, 'Buy 1'),
    h('button', { type: 'button', onclick: () => write(r, 'stock/lamp/buy', 'POST', { n: 5 }) }, 'Buy 5')),
  h('div', { class: 'why' }, 'may sell: ' + Object.entries(s?.holders || {}).map(([k, n]) => `${k} ${n}`).join(', ')));
  const flags = data['flags/site'], values = flags?.state || {};
  fill(c.flags, JSON.stringify([values, whys[`${r} flags/site`]]), ...['banner', 'checkout'].map((f) => {
    const on = values[f]?.value === 'on';
    return h('div', {}, h('div', { class: 'bar' }, h('span', { style: 'margin-right:auto' }, `${f}: ${values[f]?.value || 'off'}`),
      h('button', { type: 'button', onclick: () => write(r, `flags/site/${f}`, 'PUT', { value: on ? 'off' : 'on' }) }, on ? 'Switch off' : 'Switch on')),
    h('div', { class: 'why' }, ...because(reason(r, 'flags/site', f))));
  }));
  const o = data['order/ann:1'], order = o?.state?.order;
  const put = (status, payment) => write(r, 'order/ann:1', 'PUT', { item: 'lamp', total: 4900, status, payment: payment || order?.payment }, o?.etag);
  fill(c.order, JSON.stringify(o), h('div', { class: 'bar' }, h('span', { style: 'margin-right:auto' }, order ? `${order.item}, ${order.status}` : 'none'),
    order ? null : h('button', { type: 'button', onclick: () => put('new') }, 'Order'),
    order ? h('button', { type: 'button', onclick: () => put('paid', `${r}-${Date.now() % 100000}`) }, 'Pay') : null,
    order ? h('button', { type: 'button', onclick: () => put('shipped') }, 'Ship') : null,
    order ? h('button', { type: 'button', onclick: () => put('cancelled') }, 'Cancel') : null),
  h('div', { class: 'why' }, ...(o?.state?.choices ? [h('b', {}, `${o.state.choices.length} versions`), `: ${o.state.rule || ''} ${o.state.reason || ''}`] : [])));
}

function paintMap() {
  const at = { eu: [60, 50], us: [260, 50], ap: [160, 165] };
  const svg = (name, a, text) => { const e = document.createElementNS('http://www.w3.org/2000/svg', name); for (const k in a) e.setAttribute(k, a[k]); if (text) e.textContent = text; return e; };
  const isCut = (a, b) => seen.cut.has(`${a} ${b}`) || seen.cut.has(`${b} ${a}`);
  $('svg').replaceChildren(
    ...links.map(([a, b]) => svg('line', { x1: at[a][0], y1: at[a][1], x2: at[b][0], y2: at[b][1], class: isCut(a, b) ? 'cut' : '' })),
    ...regions.flatMap((r) => [svg('circle', { cx: at[r][0], cy: at[r][1], r: 28, class: seen.up[r] ? '' : 'down' }), svg('text', { x: at[r][0], y: at[r][1] }, r)]));
  fill($('links'), JSON.stringify([...seen.cut]), ...links.map(([a, b]) => h('button', { type: 'button', onclick: () => topology(isCut(a, b) ? 'heal' : 'cut', a, b) }, `${isCut(a, b) ? 'Heal' : 'Cut'} ${a} – ${b}`)));
}

function paintTickets() {
  const open = {};
  for (const r of regions) for (const [k, v] of Object.entries((seen.up[r] && seen.rows[r]) || {})) if (v.state?.ticket) open[v.state.ticket] = { r, k, v: v.state };
  fill($('tickets'), JSON.stringify(open), ...Object.values(open).map(({ r, k, v }) => h('li', {}, `${k}: ${v.reason} `, h('div', { class: 'bar' },
    ...v.choices.map((c, i) => h('button', { type: 'button', onclick: () => write(r, `${k}/settle`, 'POST', { ticket: v.ticket, keep: i }) }, `Keep “${c.status}”${c.payment ? ' ' + c.payment : ''}`))))));
  if (!Object.keys(open).length) fill($('tickets'), 'none', h('li', { class: 'dim' }, 'Nothing. Cut a link, pay for the order on one side, cancel it on the other, and heal.'));
  fill($('audit'), JSON.stringify([seen.audit, seen.refunds]), ...(seen.refunds || []).map((t) => h('li', { class: 'good' }, t)), ...(seen.audit || []).map((l) => h('li', {}, l)));
}

// The comparison: a store of whole rows in which the newest wall-clock time wins.
const plain = {}, events = [], lost = new Set(), last = {};
for (const r of regions) { plain[r] = {}; last[r] = 0; }
function remember(r, list) {
  for (const e of list || []) {
    last[r] = Math.max(last[r], e.number);
    e.region = r;
    e.id = `${r} ${e.number}`;
    events.push(e);
    for (const change of e.why || flagChanges(r, e)) (whys[`${r} ${e.row}`] ??= {})[change.path] = { event: e, change };
    if (e.from) continue;
    const had = plain[r][e.row];
    plain[r][e.row] = { clock: e.clock, region: r, has: new Set([...(had?.has || []), e.id]) };
  }
  if (events.length > 300) events.splice(0, events.length - 300);
}
function exchange() {
  for (const [a, b] of [...links, ...links]) {
    if (!seen.up[a] || !seen.up[b] || seen.cut.has(`${a} ${b}`) || seen.cut.has(`${b} ${a}`)) continue;
    for (const k of new Set([...Object.keys(plain[a]), ...Object.keys(plain[b])])) {
      const x = plain[a][k], y = plain[b][k];
      if (x === y) continue;
      const wins = !y || (x && [x.clock, x.region] > [y.clock, y.region]) ? x : y, loses = wins === x ? y : x;
      for (const id of loses?.has || []) if (!wins.has.has(id)) lost.add(id);
      plain[a][k] = plain[b][k] = wins;
    }
  }
}
function paintLine() {
  events.sort((a, b) => (a.at < b.at ? 1 : -1));
  const mine = events.filter((e) => !e.from);
  $('score').textContent = `${mine.filter((e) => lost.has(e.id)).length} of ${mine.length} writes shown here.`;
  fill($('line'), events.slice(0, 60).map((e) => e.id + lost.has(e.id)).join(), ...events.slice(0, 60).map((e) => h('li', { class: lost.has(e.id) ? 'bad' : '' },
    `${e.at.slice(11, 23)} ${e.region} ${e.from ? `merged ${e.row} from ${e.from}` : `wrote ${e.row}`}: `, h('span', { class: 'dim' }, short(e.state)))));
}
function short(state) {
  const text = JSON.stringify(state, (k, v) => (k === 'etag' || k === 'stamp' || k === 'choices' || v === '' || v === null ? undefined : v)) || '';
  return text.length > 150 ? text.slice(0, 150) + '…' : text;
}

async function promote(r) {
  await write(r, 'admin/promote', 'POST');
  for (const o of regions) if (o !== r && seen.up[o]) call(`/api/${o}/admin/mode`, 'POST', { mode: 'active-passive', primary: r, epoch: 0 }).catch(() => {});
}
async function changeMode(name) {
  for (const r of regions.filter((o) => seen.up[o])) await write(r, 'admin/mode', 'POST', name === 'active-passive' ? { mode: name, primary: 'eu', epoch: seen.status.eu?.epoch || 0 } : { mode: name });
}

// furnish puts something into an empty shop.
let furnished = false;
function furnish() {
  furnished = true;
  if (regions.some((r) => Object.keys(seen.rows[r]).length)) return;
  write('eu', 'stock/lamp/deliver', 'POST', { n: 12 });
  write('eu', 'profile/ann', 'PATCH', { name: 'Ann', city: 'Lisbon', tier: 'free', addPoints: 100 });
  write('us', 'cart/ann/tea', 'POST', { n: 2 });
  write('ap', 'flags/site/banner', 'PUT', { value: 'on' });
}

let busy = false;
async function poll() {
  if (busy) return;
  busy = true;
  try {
    const t = (await call('/topology', 'GET')).value;
    seen.up = t.regions; seen.cut = new Set(t.cut); seen.refunds = t.refunds;
    await Promise.all(regions.filter((r) => seen.up[r]).map(async (r) => {
      try {
        const [data, status, news] = await Promise.all([call(`/api/${r}/rows`, 'GET'), call(`/api/${r}/status`, 'GET'), call(`/api/${r}/events?after=${last[r]}`, 'GET')]);
        if (status.value.started !== seen.status[r]?.started) last[r] = 0;
        seen.rows[r] = data.value; seen.status[r] = status.value;
        remember(r, news.value);
        const audit = (await call(`/api/${r}/audit`, 'GET')).value;
        if (audit) seen.audit = audit;
      } catch { seen.up[r] = false; }
    }));
    if (!furnished && regions.every((r) => seen.up[r] && seen.rows[r])) furnish();
    exchange();
    if (seen.status.eu && document.activeElement !== $('mode')) $('mode').value = seen.status.eu.mode.mode;
    regions.forEach(paint);
    paintMap(); paintTickets(); paintLine();
  } catch (e) { say('The supervisor does not answer.', true); } finally { busy = false; }
}

$('mode').append(...['active-active', 'home-region', 'active-passive'].map((m) => h('option', {}, m)));
$('mode').addEventListener('change', (e) => changeMode(e.target.value));
$('theme').addEventListener('click', () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === 'dark' || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
});
for (const r of regions) { cards[r] = makeCard(r); $('regions').append(cards[r].el); }
poll();
setInterval(poll, 600);
