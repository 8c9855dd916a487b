// Random FHIRPath expressions that fit a resource. Each part notes which functions, operators and types it uses: the rows of the table.
import { childrenOf, vocabulary } from './resources.mjs';

const families = {
  string: ['string', 'code', 'uri', 'url', 'canonical', 'id', 'markdown', 'oid', 'base64Binary'],
  integer: ['integer', 'positiveInt', 'unsignedInt'],
  decimal: ['decimal'],
  boolean: ['boolean'],
  date: ['date'],
  dateTime: ['dateTime', 'instant'],
  time: ['time'],
  quantity: ['Quantity'],
};
const familyOf = {};
for (const [family, types] of Object.entries(families)) for (const t of types) familyOf[t] = family;
const two = (n) => String(n).padStart(2, '0');
const quoted = (text) => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;

export class Expressions {
  constructor(random, resource) {
    this.r = random;
    this.resource = resource;
    this.used = new Set();
    this.depth = 0;
    this.self = null;  // inside where() and its like: the type of $this
  }

  use(kind, name) { this.used.add(`${kind} ${name}`); }
  fn(name, input, ...args) {
    this.use('function', name);
    return `${input}.${name}(${args.join(', ')})`;
  }
  op(name, left, right) {
    this.use('operator', name);
    return `${left} ${name} ${right}`;
  }

  // ---- places of the resource
  places(types) { return this.resource.places.filter((p) => types.includes(p.type)); }
  single(types) {
    const all = this.places(types);
    if (all.length === 0) return null;
    const p = this.r.pick(all);
    this.use('type', p.type);
    if (p.indexed.includes('[')) this.use('operator', '[]');
    return this.self ? `%resource.${p.indexed.slice(p.indexed.indexOf('.') + 1)}` : p.indexed;
  }
  // A collection of several if there is one; {path, type}.
  several(types) {
    const all = types ? this.places(types) : this.resource.places;
    if (all.length === 0) return null;
    const many = all.filter((p) => all.some((q) => q !== p && q.path === p.path));
    const p = this.r.pick(many.length > 0 && this.r.chance(0.8) ? many : all);
    this.use('type', p.type);
    return { path: this.self ? `%resource.${p.path.slice(p.path.indexOf('.') + 1)}` : p.path, type: p.type };
  }
  anySeveral() {
    const roll = this.r.below(10);
    if (roll < 4) return this.several();
    if (roll < 6) {
      const family = this.r.pick(['string', 'integer', 'decimal', 'boolean', 'date']);
      return { path: `(${this.list(family)})`, type: family, system: true };
    }
    return this.several(this.r.pick([families.string, ['HumanName', 'Coding', 'Identifier', 'CodeableConcept', 'Extension', 'BackboneElement'], families.quantity, families.integer])) ?? this.several();
  }
  // Several System values: `1 | 2 | 3`.
  list(family) {
    const n = this.r.between(2, 4);
    this.use('operator', '|');
    return Array.from({ length: n }, () => this.literal(family)).join(' | ');
  }

  // ---- values
  literal(family) {
    const r = this.r;
    const name = { string: 'String', integer: 'Integer', decimal: 'Decimal', boolean: 'Boolean', date: 'Date', dateTime: 'DateTime', time: 'Time', quantity: 'Quantity' }[family];
    this.use('type', `System.${name}`);
    const known = this.resource.places.filter((p) => familyOf[p.type] === family);
    const value = known.length > 0 && r.chance(0.4) ? r.pick(known).value : null;
    switch (family) {
      case 'string': return quoted(value ?? r.pick([...vocabulary.words, ...vocabulary.codes]));
      case 'integer': return String(Math.abs(value ?? r.between(0, 12)));
      case 'decimal': return String(Math.abs(value ?? Number(`${r.between(0, 20)}.${r.between(0, 9)}${r.between(1, 9)}`)));
      case 'boolean': return String(value ?? r.chance(0.5));
      case 'date': return `@${value ?? this.day(r.pick([4, 7, 10, 10]))}`;
      case 'dateTime': return value ? (value.includes('T') ? `@${value}` : `@${value}T`) : r.chance(0.5) ? `@${this.day(10)}T${this.clock()}${r.pick(['Z', '+02:00', '-05:30'])}` : `@${this.day(r.pick([4, 7, 10]))}T`;
      case 'time': return `@T${value ?? this.clock()}`;
      default: {
        if (value) return `${Math.abs(value.value)} '${value.code}'`;
        return r.chance(0.3) ? `${r.between(1, 9)} ${r.pick(['days', 'weeks', 'hours', 'minutes', 'seconds'])}` : `${r.between(0, 50)}${r.chance(0.5) ? '.5' : ''} '${r.pick(vocabulary.units)}'`;
      }
    }
  }
  day(length) { return `${this.r.between(2018, 2022)}-${two(this.r.between(1, 12))}-${two(this.r.between(1, 28))}`.slice(0, length); }
  clock() { return `${two(this.r.between(0, 23))}:${two(this.r.between(0, 59))}${this.r.chance(0.7) ? `:${two(this.r.between(0, 59))}${this.r.chance(0.3) ? '.250' : ''}` : ''}`; }

  // A value from $this where that is in scope, else from the resource, else a literal.
  value(family) {
    if (this.self && this.r.chance(0.75)) {
      if (familyOf[this.self] === family) return '$this';
      const fitting = childrenOf(this.self).filter(([, t, often]) => familyOf[t] === family && often !== '*');
      if (fitting.length > 0) {
        const [name, type] = this.r.pick(fitting);
        this.use('type', type);
        return name;
      }
    }
    if (this.r.chance(0.75)) {
      const place = this.single(families[family]);
      if (place) return place;
    }
    return this.literal(family);
  }

  // An expression for one value of a family; deeper ones call functions.
  expr(family) {
    if (this.depth >= 2 || this.r.chance(0.45)) return this.value(family);
    ++this.depth;
    const makers = this.makers()[family];
    const out = this.r.pick(makers)();
    --this.depth;
    return out;
  }
  atom(family) {
    const e = this.expr(family);
    return /^[\w.%$'@[\]-]+$/.test(e) || /\)$/.test(e) && !/ /.test(e) ? e : `(${e})`;
  }
  makers() {
    const r = this.r;
    return {
      string: [
        () => this.fn('upper', this.atom('string')), () => this.fn('lower', this.atom('string')), () => this.fn('trim', this.atom('string')),
        () => this.fn('substring', this.atom('string'), r.below(3), r.between(1, 5)), () => this.fn('toString', this.atom(r.pick(['integer', 'boolean', 'date', 'string']))),
        () => this.fn('replace', this.atom('string'), quoted(r.pick(['a', 'l', '-', 'beta'])), quoted(r.pick(['', 'X', '$1']))),
        () => this.op('&', this.atom('string'), this.atom('string')), () => this.op('+', this.atom('string'), this.atom('string')),
        () => this.fn('iif', '', this.expr('boolean'), this.expr('string'), this.expr('string')).slice(1),
      ],
      integer: [
        () => this.fn('count', this.anySeveral().path), () => this.fn('length', this.atom('string')), () => this.fn('indexOf', this.atom('string'), quoted(r.pick(['a', 'e', '-']))),
        () => this.op(r.pick(['+', '-', '*']), this.atom('integer'), this.atom('integer')), () => this.op(r.pick(['div', 'mod']), this.atom('integer'), this.literal('integer')),
        () => this.fn('abs', this.atom('integer')), () => this.fn(r.pick(['floor', 'ceiling', 'truncate']), this.atom('decimal')),
      ],
      decimal: [
        () => this.op(r.pick(['+', '-', '*']), this.atom('decimal'), this.atom(r.pick(['decimal', 'integer']))), () => this.fn('abs', this.atom('decimal')),
        () => this.fn('round', this.atom('decimal'), r.between(0, 2)), () => this.fn('toDecimal', this.atom('integer')),
      ],
      boolean: [
        () => this.comparison(), () => this.comparison(), () => this.fn('exists', this.anySeveral().path), () => this.fn('empty', this.anySeveral().path),
        () => this.fn('not', this.atom('boolean')), () => this.op(r.pick(['and', 'or', 'xor', 'implies']), this.atom('boolean'), this.atom('boolean')),
        () => this.fn(r.pick(['startsWith', 'endsWith', 'contains']), this.atom('string'), quoted(r.pick(['a', 'A', 'h', 'beta', 'http']))),
      ],
      date: [() => this.op(r.pick(['+', '-']), this.value('date'), `${r.between(1, 14)} ${r.pick(['years', 'months', 'days', 'weeks'])}`), () => this.value('date')],
      dateTime: [() => this.op(r.pick(['+', '-']), this.value('dateTime'), `${r.between(1, 30)} ${r.pick(['years', 'months', 'days', 'hours', 'minutes', 'seconds'])}`), () => this.value('dateTime')],
      time: [() => this.op(r.pick(['+', '-']), this.value('time'), `${r.between(1, 30)} ${r.pick(['hours', 'minutes', 'seconds'])}`), () => this.value('time')],
      quantity: [() => this.op(r.pick(['+', '-', '*']), this.value('quantity'), this.value('quantity')), () => this.value('quantity')],
    };
  }
  comparison(operator) {
    const family = this.r.pick(['string', 'string', 'integer', 'decimal', 'date', 'dateTime', 'time', 'quantity', 'boolean']);
    let op = operator ?? this.r.pick(['=', '!=', '~', '!~', '<', '<=', '>', '>=']);
    const ordered = '<=>='.includes(op) && op !== '=' && op !== '!=';
    const f = ordered && family === 'boolean' ? 'string' : family;
    return this.op(op, this.atom(f), this.atom(this.r.chance(0.1) && f === 'decimal' ? 'integer' : f));
  }
  // A condition on $this of a type.
  condition(type) {
    const before = this.self;
    this.self = type;
    const family = familyOf[type];
    let out;
    const roll = this.r.below(4);
    if (family) out = roll === 0 ? this.fn(this.r.pick(['exists', 'hasValue']), '$this') : this.op(this.r.pick(family === 'boolean' ? ['=', '!='] : ['=', '!=', '>', '<=', '~']), '$this', this.literal(family));
    else {
      const [name, child] = this.r.pick(childrenOf(type).length > 0 ? childrenOf(type) : [['id', 'id'], ['extension', 'Extension']]);
      if (familyOf[child] && roll > 0 && name !== 'given' && name !== 'line' && name !== 'profile') out = this.op(this.r.pick(['=', '!=', '~']), name, this.literal(familyOf[child]));
      else out = this.fn(this.r.pick(['exists', 'empty']), name);
    }
    if (this.r.chance(0.15)) out = this.op(this.r.pick(['and', 'or']), `(${out})`, `(${this.comparison()})`);
    this.self = before;
    return out;
  }
  // What select() and repeat() may take of an item.
  projection(type) {
    const children = childrenOf(type);
    if (children.length > 0) {
      const [name, t] = this.r.pick(children.slice(0, 3));
      this.use('type', t);
      return name;
    }
    if (familyOf[type] === 'string') return this.r.pick(['$this', '$this.length()', "$this & 'x'", '$index']);
    if (familyOf[type] === 'integer' || familyOf[type] === 'decimal') return this.r.pick(['$this + 1', '$this * 2', '$this > 3', '$index']);
    return this.r.pick(['$this', '$this.exists()', '$index']);
  }
}
export { families, familyOf, quoted };
