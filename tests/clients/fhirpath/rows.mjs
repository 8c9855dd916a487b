// The rows of the table and how a pair for each is made. Functions and operators of FHIRPath N1 and R4's additions that both sides offer.
import { families, familyOf, quoted } from './expressions.mjs';

const conversions = { Boolean: ['boolean', 'integer', 'string', 'decimal'], Integer: ['integer', 'string', 'boolean'], Decimal: ['decimal', 'integer', 'string', 'boolean'],
  Date: ['date', 'string', 'dateTime'], DateTime: ['dateTime', 'date'], Time: ['time', 'string'], Quantity: ['quantity', 'integer', 'decimal', 'string'],
  String: ['string', 'integer', 'decimal', 'boolean', 'date', 'dateTime', 'time'] };
const texts = { Boolean: ['true', 'F', 'yes', '1', '0.0', 'maybe'], Integer: ['12', '-3', '+4', '1.5', 'x'], Decimal: ['1.5', '-2', '+0.25', '.5', 'x'],
  Date: ['2020-01-02', '2020-01', '2020', '2020-13', 'x'], Time: ['10:11', '10:11:12', '25:00', '10:11:12.5'], Quantity: ["1.5 'kg'", '4 days', '10', "3 'cm'", 'kg'], String: ['abc'], DateTime: ['2020-01-02'] };
const patterns = ['[a-z]+', '^A', 'a.*', '\\\\d+', '(alpha|Beta)', '[A-Z][a-z]*', 'b', '^[a-z-]+$'];
const types = { string: 'String', integer: 'Integer', decimal: 'Decimal', boolean: 'Boolean', date: 'Date', dateTime: 'DateTime', time: 'Time' };

function convert(x, name) {
  const type = name.replace(/^(to|convertsTo)/, '');
  if (x.r.chance(0.35)) {
    x.use('type', 'System.String');
    return x.fn(name, quoted(x.r.pick(texts[type])));
  }
  return x.fn(name, x.atom(x.r.pick(conversions[type])));
}
const several = (name, ...args) => (x) => x.fn(name, x.anySeveral().path, ...args.map((a) => a(x)));
const number = (low, high) => (x) => x.r.between(low, high);
const two = (name) => (x) => {
  const a = x.anySeveral();
  const b = x.r.chance(0.5) ? { path: x.fn('skip', a.path, x.r.below(2)) } : x.several(a.system ? undefined : [a.type]);
  return x.fn(name, a.path, b.path);
};
const truths = (name) => (x) => {
  if (x.r.chance(0.5)) {
    const c = x.several(['HumanName', 'Coding', 'Identifier', 'CodeableConcept', ...families.string]);
    return x.fn(name, x.fn('select', c.path, x.condition(c.type)));
  }
  return x.fn(name, `(${x.op('|', x.atom('boolean'), x.atom('boolean'))})`);
};
const filter = (name) => (x) => {
  const c = x.several();
  return x.fn(name, c.path, x.condition(c.type));
};
const text = (name, ...args) => (x) => x.fn(name, x.atom('string'), ...args.map((a) => a(x)));
const maths = (name, ...args) => (x) => x.fn(name, x.atom(x.r.pick(['integer', 'decimal', 'decimal'])), ...args.map((a) => a(x)));
const positive = (name, ...args) => (x) => x.fn(name, x.fn('abs', x.atom(x.r.pick(['integer', 'decimal']))), ...args.map((a) => a(x)));
const part = (x) => quoted(x.r.pick(['a', 'A', 'al', 'ta', '-', '', 'h', ' ', 'http', 'b']));
const pattern = (x) => `'${x.r.pick(patterns)}'`;

function typed(x, name) {
  const c = x.several(x.r.chance(0.6) ? Object.keys(familyOf) : undefined);
  if (x.r.chance(0.25)) {
    const family = x.r.pick(Object.keys(types));
    return { input: x.literal(family), type: x.r.chance(0.6) ? `System.${types[family]}` : x.r.pick(['String', 'Integer', 'FHIR.string', 'Boolean']) };
  }
  const one = name === 'ofType' ? c.path : x.single([c.type]);
  const is = x.r.chance(0.75) ? c.type : x.r.pick(['string', 'Quantity', 'uri', 'integer', 'Element', 'HumanName']);
  return { input: one, type: is === 'BackboneElement' || is === 'Resource' || x.r.chance(0.6) ? is : `FHIR.${is}` };
}

export const functions = {
  empty: several('empty'), exists: (x) => (x.r.chance(0.5) ? several('exists')(x) : filter('exists')(x)), all: filter('all'),
  allTrue: truths('allTrue'), anyTrue: truths('anyTrue'), allFalse: truths('allFalse'), anyFalse: truths('anyFalse'),
  subsetOf: two('subsetOf'), supersetOf: two('supersetOf'), count: several('count'), distinct: several('distinct'), isDistinct: several('isDistinct'),
  where: filter('where'),
  select: (x) => { const c = x.several(); return x.fn('select', c.path, x.projection(c.type)); },
  repeat: (x) => {
    if (x.r.chance(0.4)) return x.fn('repeat', x.resource.json.resourceType, x.r.pick(['item', 'extension', 'contained', 'name', 'code', 'component | code']));
    const c = x.several(['HumanName', 'CodeableConcept', 'Identifier', 'Period', 'Reference', 'Coding', 'Meta']);
    return x.fn('repeat', c.path, x.projection(c.type));
  },
  ofType: (x) => { const t = typed(x, 'ofType'); return x.fn('ofType', t.input, t.type); },
  as: (x) => { const t = typed(x, 'as'); return x.fn('as', t.input, t.type); },
  is: (x) => { const t = typed(x, 'is'); return x.fn('is', t.input, t.type); },
  single: (x) => x.fn('single', x.single(Object.keys(familyOf)) ?? '(1)'),
  first: several('first'), last: several('last'), tail: several('tail'), skip: several('skip', number(0, 2)), take: several('take', number(1, 3)),
  intersect: two('intersect'), exclude: two('exclude'), union: two('union'), combine: two('combine'),
  children: (x) => x.fn('children', x.single(['HumanName', 'Coding', 'CodeableConcept', 'Identifier', 'Period', 'Quantity', 'BackboneElement', 'Meta', 'Extension'])),
  descendants: (x) => { const d = x.fn('descendants', x.single(['HumanName', 'CodeableConcept', 'Identifier', 'BackboneElement', 'Meta'])); return x.r.chance(0.5) ? d : x.fn('count', d); },
  aggregate: (x) => {
    const f = x.r.pick(['integer', 'decimal']);
    return x.fn('aggregate', `(${x.list(f)})`, x.r.pick(['$this + $total', 'iif($total.empty(), $this, iif($this < $total, $this, $total))', '$total + $this * 2']), x.r.pick(['0', '1', '10']));
  },
  iif: (x) => { const f = x.r.pick(['string', 'integer', 'date', 'quantity']); return x.fn('iif', '', x.expr('boolean'), x.expr(f), ...(x.r.chance(0.7) ? [x.expr(f)] : [])).slice(1); },
  indexOf: text('indexOf', part), lastIndexOf: text('lastIndexOf', part), substring: (x) => text('substring', number(0, 4), ...(x.r.chance(0.6) ? [number(0, 6)] : []))(x),
  startsWith: text('startsWith', part), endsWith: text('endsWith', part), contains: text('contains', part), upper: text('upper'), lower: text('lower'),
  replace: text('replace', part, part), matches: text('matches', pattern), matchesFull: text('matchesFull', pattern),
  replaceMatches: (x) => { const p = x.r.pick(patterns); return x.fn('replaceMatches', x.atom('string'), `'${p}'`, quoted(x.r.pick(['', 'X', p.startsWith('(') ? '$1-' : '-']))); },
  length: text('length'), toChars: text('toChars'), trim: (x) => (x.r.chance(0.5) ? x.fn('trim', quoted(`  ${x.r.pick(['a', 'b c'])} `)) : text('trim')(x)),
  split: text('split', (x) => quoted(x.r.pick([',', '-', ' ', 'a', '/']))),
  join: (x) => x.fn('join', x.several(families.string).path, ...(x.r.chance(0.7) ? [quoted(x.r.pick([',', '', ' - ']))] : [])),
  abs: (x) => x.fn('abs', x.atom(x.r.pick(['integer', 'decimal', 'quantity']))), ceiling: maths('ceiling'), floor: maths('floor'), truncate: maths('truncate'),
  exp: (x) => x.fn('exp', x.r.chance(0.6) ? x.literal('decimal') : `(${x.literal('integer')})`), ln: positive('ln'), sqrt: positive('sqrt'), log: positive('log', (x) => x.r.pick(['2', '10', '2.5'])),
  power: (x) => positive('power', (y) => y.r.pick(['2', '3', '0.5', '0', '-1']))(x), round: (x) => maths('round', ...(x.r.chance(0.7) ? [number(0, 3)] : []))(x),
  trace: (x) => x.fn('trace', x.anySeveral().path, "'t'"),
  now: (x) => x.op(x.r.pick(['>', '>=', '!=', '<']), 'now()', x.r.pick(['@2020-01-01T00:00:00Z', '@2019T', 'now() - 1 day', 'today()'])).replace(/^/, (x.use('function', 'now'), '')),
  today: (x) => { x.use('function', 'today'); return x.op(x.r.pick(['>', '>=', '=', '<']), 'today()', x.r.pick(['@2020-01-01', '@2020', 'today()', 'today() - 1 month'])); },
  timeOfDay: (x) => { x.use('function', 'timeOfDay'); return x.r.pick(['timeOfDay() >= @T00:00:00.000', 'timeOfDay() is Time', 'timeOfDay().toString().length() > 7', 'timeOfDay() <= @T23:59:59.999']); },
  not: (x) => x.fn('not', x.atom('boolean')),
  type: (x) => { const e = x.r.chance(0.3) ? x.atom(x.r.pick(['string', 'integer', 'decimal', 'boolean'])) : x.single(Object.keys(familyOf)); return `${x.fn('type', e)}.${x.r.pick(['name', 'namespace'])}`; },
  extension: (x) => x.fn('extension', x.places(['Extension']).length > 0 ? x.resource.json.resourceType : x.single(families.string), "'http://example.org/ext'") + x.r.pick(['.exists()', '.value', '.url', '.count()']),
  hasValue: (x) => x.fn('hasValue', x.r.chance(0.7) ? x.single(Object.keys(familyOf)) : x.several().path),
  getValue: (x) => x.fn('getValue', x.single(Object.keys(familyOf).filter((t) => t !== 'Quantity'))),
};
for (const type of Object.keys(conversions)) for (const name of [`to${type}`, `convertsTo${type}`]) functions[name] = (x) => convert(x, name);

const numbers = (op) => (x) => {
  const f = x.r.pick(['integer', 'decimal', 'quantity', 'string', 'date', 'dateTime', 'time']);
  if (op === '+' && f === 'string') return x.op(op, x.atom('string'), x.atom('string'));
  if ((op === '+' || op === '-') && ['date', 'dateTime', 'time'].includes(f)) {
    return x.op(op, x.value(f), `${x.r.between(1, 40)} ${x.r.pick(f === 'time' ? ['hours', 'minutes', 'seconds'] : f === 'date' ? ['years', 'months', 'weeks', 'days'] : ['years', 'months', 'days', 'hours', 'minutes', 'seconds', 'milliseconds'])}`);
  }
  if (f === 'quantity' && op !== 'div' && op !== 'mod') return x.op(op, x.value(f), x.r.chance(0.5) && '*/'.includes(op) ? x.literal('integer') : x.value(f));
  return x.op(op, x.atom(x.r.pick(['integer', 'decimal'])), x.atom(x.r.pick(['integer', 'decimal'])));
};
const membership = (x) => { const c = x.several(Object.keys(familyOf).filter((t) => t !== 'Quantity')); return [x.r.chance(0.5) ? x.literal(familyOf[c.type]) : x.single([c.type]), c.path]; };

export const operators = {
  '|': (x) => { const a = x.several(families.string); return x.op('|', a.path, x.r.chance(0.5) ? x.several([a.type]).path : x.atom('string')); },
  in: (x) => x.op('in', ...membership(x)), contains: (x) => x.op('contains', ...membership(x).reverse()),
  is: (x) => { const t = typed(x, 'is'); return x.op('is', t.input, t.type); }, as: (x) => { const t = typed(x, 'as'); return x.op('as', t.input, t.type); },
  '&': (x) => x.op('&', x.atom('string'), x.r.chance(0.2) ? '{}' : x.atom('string')),
  '[]': (x) => { x.use('operator', '[]'); return `${x.anySeveral().path}[${x.r.below(2)}]`; },
  'unary -': (x) => { x.use('operator', 'unary -'); const e = x.atom(x.r.pick(['integer', 'decimal', 'quantity'])); return `-${/^-/.test(e) || / /.test(e) ? `(${e})` : e}`; },
};
for (const op of ['=', '!=', '~', '!~']) operators[op] = (x) => {
  if (x.r.chance(0.6)) return x.comparison(op);
  const a = x.several();
  return x.op(op, a.path, x.r.chance(0.5) ? a.path : x.several([a.type]).path);
};
for (const op of ['<', '<=', '>', '>=']) operators[op] = (x) => x.comparison(op);
for (const op of ['+', '-', '*', '/', 'div', 'mod']) operators[op] = numbers(op);
for (const op of ['and', 'or', 'xor', 'implies']) operators[op] = (x) => x.op(op, x.atom('boolean'), x.r.chance(0.1) ? '{}' : x.atom('boolean'));

const ofType = (type) => (x) => {
  const family = familyOf[type];
  if (family && x.r.chance(0.6)) {
    x.self = null;
    const place = x.single([type]);
    if (!place) return null;
    const ops = family === 'boolean' ? ['=', '!=', 'and', 'or'] : ['=', '!=', '~', '<', '>='];
    return x.op(x.r.pick(ops), place, x.atom(family));
  }
  const c = x.several([type]);
  if (!c) return null;
  return x.r.pick([(y) => c.path, (y) => y.fn('count', c.path), (y) => y.fn('where', c.path, y.condition(type)), (y) => y.fn('first', c.path), (y) => y.fn('select', c.path, y.projection(type)), (y) => `${y.fn('type', y.single([type]))}.name`])(x);
};
export const typesWanted = [...Object.keys(familyOf), 'Period', 'Coding', 'CodeableConcept', 'Identifier', 'HumanName', 'Address', 'ContactPoint', 'Reference', 'Range', 'Meta',
  'Attachment', 'Extension', 'BackboneElement', 'Resource'];
export const types_ = Object.fromEntries(typesWanted.map((t) => [t, ofType(t)]));
for (const [family, name] of [...Object.entries(types), ['quantity', 'Quantity']]) {
  types_[`System.${name}`] = (x) => { x.use('type', `System.${name}`); return x.r.chance(0.5) ? x.fn('count', `(${x.list(family)})`) : x.op(x.r.pick(['=', '!=', '~']), x.literal(family), x.atom(family)); };
}

export const rows = [
  ...Object.entries(functions).map(([name, make]) => ({ kind: 'function', name, make })),
  ...Object.entries(operators).map(([name, make]) => ({ kind: 'operator', name, make })),
  ...Object.entries(types_).map(([name, make]) => ({ kind: 'type', name, make })),
];
