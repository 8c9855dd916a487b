// Random R4 resources and what can be reached in them: every path with its type, so that expressions can be made that fit.

const words = ['alpha', 'Beta', 'gamma', 'a-b', 'red blue', 'Straße', '42', '3.5', 'true', 'x,y,z', 'AlphaBeta', '2020-05-06', 'ab.c', 'alpha'];
const codes = ['final', 'active', 'draft', 'official', 'usual', 'home', 'work', 'phone'];
const uris = ['http://example.org/a', 'http://example.org/b', 'urn:oid:1.2.3', 'http://loinc.org'];
const units = ['kg', 'g', 'mg', 'cm', 'm', 'mm', 'h', 'min', 's'];
const two = (n) => String(n).padStart(2, '0');

const primitives = {
  string: (r) => r.pick(words),
  markdown: (r) => `*${r.pick(words)}* text`,
  code: (r) => r.pick(codes),
  uri: (r) => r.pick(uris),
  url: (r) => r.pick(uris),
  canonical: (r) => `${r.pick(uris)}|1.${r.below(3)}`,
  oid: (r) => `urn:oid:1.2.${r.between(1, 99)}`,
  id: (r) => `id-${r.between(1, 9)}`,
  boolean: (r) => r.chance(0.5),
  integer: (r) => r.between(-20, 20),
  positiveInt: (r) => r.between(1, 9),
  unsignedInt: (r) => r.between(0, 9),
  decimal: (r) => Number(`${r.between(-30, 30)}.${r.between(0, 9)}${r.between(1, 9)}`),
  date: (r) => day(r, r.pick([4, 7, 10, 10])),
  dateTime: (r) => (r.chance(0.4) ? day(r, r.pick([4, 7, 10])) : moment(r)),
  instant: (r) => moment(r),
  time: (r) => clock(r),
  base64Binary: (r) => Buffer.from(r.pick(words)).toString('base64'),
};
function day(r, length) { return `${r.between(2018, 2022)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`.slice(0, length); }
function clock(r) { return `${two(r.between(0, 23))}:${two(r.between(0, 59))}:${two(r.between(0, 59))}${r.chance(0.3) ? `.${r.between(100, 999)}` : ''}`; }
function moment(r) { return `${day(r, 10)}T${clock(r)}${r.pick(['Z', '+01:00', '-05:00', '+00:00'])}`; }

// [name, type, how often]: '1' always, '?' perhaps, '*' one to three. A choice is `value` with the type to take.
const complex = {
  Period: [['start', 'dateTime', '1'], ['end', 'dateTime', '?']],
  Coding: [['system', 'uri', '1'], ['code', 'code', '1'], ['display', 'string', '?'], ['userSelected', 'boolean', '?']],
  CodeableConcept: [['coding', 'Coding', '*'], ['text', 'string', '?']],
  Identifier: [['use', 'code', '?'], ['system', 'uri', '1'], ['value', 'string', '1'], ['period', 'Period', '?']],
  HumanName: [['use', 'code', '1'], ['family', 'string', '1'], ['given', 'string', '*'], ['period', 'Period', '?']],
  ContactPoint: [['system', 'code', '1'], ['value', 'string', '1'], ['rank', 'positiveInt', '?']],
  Address: [['use', 'code', '?'], ['line', 'string', '*'], ['city', 'string', '1'], ['period', 'Period', '?']],
  Reference: [['reference', 'string', '1'], ['display', 'string', '?'], ['identifier', 'Identifier', '?']],
  Range: [['low', 'Quantity', '1'], ['high', 'Quantity', '1']],
  Meta: [['versionId', 'id', '1'], ['lastUpdated', 'instant', '1'], ['profile', 'canonical', '*'], ['tag', 'Coding', '?']],
  Attachment: [['contentType', 'code', '1'], ['data', 'base64Binary', '1'], ['url', 'url', '?'], ['size', 'unsignedInt', '1'], ['title', 'string', '?']],
};

export const resourceTypes = {
  Patient: [
    ['extension', 'Extension', '*'], ['identifier', 'Identifier', '*'], ['active', 'boolean', '1'], ['name', 'HumanName', '*'], ['telecom', 'ContactPoint', '*'],
    ['gender', 'code', '1'], ['birthDate', 'date', '1'], ['deceased', 'choice:boolean,dateTime', '?'], ['address', 'Address', '*'],
    ['multipleBirth', 'choice:boolean,integer', '1'], ['managingOrganization', 'Reference', '?'],
    ['contact', [['relationship', 'CodeableConcept', '*'], ['name', 'HumanName', '1'], ['gender', 'code', '?']], '*'],
    ['photo', 'Attachment', '*'],
  ],
  Observation: [
    ['extension', 'Extension', '*'], ['status', 'code', '1'], ['category', 'CodeableConcept', '*'], ['code', 'CodeableConcept', '1'], ['subject', 'Reference', '1'],
    ['effective', 'choice:dateTime,instant,Period', '1'], ['issued', 'instant', '1'],
    ['value', 'choice:Quantity,string,integer,boolean,CodeableConcept,Range,time,dateTime,Period', '1'],
    ['referenceRange', [['low', 'Quantity', '1'], ['high', 'Quantity', '1'], ['text', 'string', '?']], '*'],
    ['component', [['code', 'CodeableConcept', '1'], ['value', 'choice:Quantity,string,integer,boolean,time,dateTime', '1']], '*'],
  ],
  Task: [
    ['instantiatesCanonical', 'canonical', '1'], ['status', 'code', '1'], ['intent', 'code', '1'], ['priority', 'code', '?'], ['description', 'string', '1'],
    ['executionPeriod', 'Period', '1'], ['authoredOn', 'dateTime', '1'], ['requester', 'Reference', '1'],
    ['restriction', [['repetitions', 'positiveInt', '1'], ['period', 'Period', '1'], ['recipient', 'Reference', '*']], '1'],
    ['input', [['type', 'CodeableConcept', '1'], ['value', 'choice:string,integer,decimal,boolean,date,dateTime,instant,time,id,oid,uri,url,canonical,code,base64Binary,markdown,positiveInt,unsignedInt,Quantity,Reference,Coding', '1']], '*'],
    ['output', [['type', 'CodeableConcept', '1'], ['value', 'choice:decimal,time,integer,oid,markdown,date,unsignedInt', '1']], '*'],
  ],
  Questionnaire: [
    ['url', 'uri', '1'], ['version', 'string', '1'], ['title', 'string', '1'], ['status', 'code', '1'], ['experimental', 'boolean', '1'], ['subjectType', 'code', '*'],
    ['date', 'dateTime', '1'], ['description', 'markdown', '1'], ['approvalDate', 'date', '1'], ['effectivePeriod', 'Period', '1'],
    ['item', [['linkId', 'string', '1'], ['text', 'string', '1'], ['type', 'code', '1'], ['required', 'boolean', '1'], ['maxLength', 'integer', '1'],
      ['initial', [['value', 'choice:boolean,decimal,integer,date,dateTime,time,string,uri,Quantity', '1']], '*']], '*'],
  ],
  QuestionnaireResponse: [
    ['identifier', 'Identifier', '1'], ['questionnaire', 'canonical', '1'], ['status', 'code', '1'], ['authored', 'dateTime', '1'],
    ['item', [['linkId', 'string', '1'], ['text', 'string', '1'],
      ['answer', [['value', 'choice:boolean,decimal,integer,date,dateTime,time,string,uri,Quantity,Coding', '1']], '*']], '*'],
  ],
  Group: [
    ['identifier', 'Identifier', '*'], ['active', 'boolean', '1'], ['type', 'code', '1'], ['actual', 'boolean', '1'], ['name', 'string', '1'], ['quantity', 'unsignedInt', '1'],
    ['characteristic', [['code', 'CodeableConcept', '1'], ['value', 'choice:CodeableConcept,boolean,Quantity,Range', '1'], ['exclude', 'boolean', '1'], ['period', 'Period', '1']], '*'],
  ],
};

export class Resource {
  constructor(random, type) {
    this.random = random;
    this.places = [];  // {path, indexed, type, name}: one for every value; `path` without indexes
    this.json = { resourceType: type, id: primitives.id(random) };
    this.note(type, `${type}.id`, `${type}.id`, 'id', this.json.id);
    this.fill(this.json, [['meta', 'Meta', '1'], ...resourceTypes[type]], type, type);
    if (random.chance(0.5)) this.contain(type);
  }

  contain(type) {
    const child = { resourceType: 'Organization', id: 'org', active: true, name: this.random.pick(words) };
    this.json.contained = [child];
    this.note('Organization', `${type}.contained`, `${type}.contained[0]`, 'Resource', child);
  }

  note(_, path, indexed, type, value) { this.places.push({ path, indexed, type, value }); }

  fill(target, fields, path, indexed) {
    const r = this.random;
    for (const [name, type, often] of fields) {
      if (often === '?' && r.chance(0.4)) continue;
      let one = type, key = name;
      if (typeof type === 'string' && type.startsWith('choice:')) {
        one = r.pick(type.slice(7).split(','));
        key = name + one[0].toUpperCase() + one.slice(1);
      }
      const place = `${path}.${name}`;
      if (often === '*') {
        const n = r.between(1, 3);
        target[key] = [];
        for (let i = 0; i < n; ++i) target[key].push(this.make(one, place, `${indexed}.${name}[${i}]`));
      } else {
        target[key] = this.make(one, place, `${indexed}.${name}`);
        if (primitives[one] && r.chance(0.05)) {
          target[`_${key}`] = { extension: [{ url: 'http://example.org/ext', valueString: 'e' }] };
        }
      }
    }
  }

  make(type, path, indexed) {
    const r = this.random;
    if (Array.isArray(type)) {
      const out = {};
      this.note('', path, indexed, 'BackboneElement', out);
      this.fill(out, type, path, indexed);
      return out;
    }
    if (primitives[type]) {
      const value = primitives[type](r);
      this.note('', path, indexed, type, value);
      return value;
    }
    if (type === 'Quantity') return this.quantity(path, indexed);
    if (type === 'Extension') return this.extension(path, indexed);
    const out = {};
    this.note('', path, indexed, type, out);
    this.fill(out, complex[type], path, indexed);
    return out;
  }

  quantity(path, indexed) {
    const unit = this.random.pick(units);
    const out = { value: primitives.decimal(this.random), unit, system: 'http://unitsofmeasure.org', code: unit };
    this.note('', path, indexed, 'Quantity', out);
    for (const [k, t] of [['value', 'decimal'], ['unit', 'string'], ['system', 'uri'], ['code', 'code']]) this.note('', `${path}.${k}`, `${indexed}.${k}`, t, out[k]);
    return out;
  }

  extension(path, indexed) {
    const out = { url: `http://example.org/${this.random.pick(['ext', 'other'])}` };
    this.note('', path, indexed, 'Extension', out);
    this.note('', `${path}.url`, `${indexed}.url`, 'uri', out.url);
    this.fill(out, [['value', 'choice:string,integer,decimal,boolean,code,Coding,Quantity,date', '1']], path, indexed);
    return out;
  }
}

// The children of a type that are no lists of backbone elements, for conditions on $this.
export function childrenOf(type) {
  if (type === 'Quantity') return [['value', 'decimal', '1'], ['unit', 'string', '1'], ['code', 'code', '1'], ['system', 'uri', '1']];
  if (type === 'Extension') return [['url', 'uri', '1']];
  return complex[type] ?? [];
}
export const vocabulary = { words, codes, uris, units };
