// What the pages show and fill in: a process with its profile and its drafts, a questionnaire, and texts that are meant to do harm.
export const hostile = '<script>window.broken=1</script><img src=x onerror="window.broken=1">"\'&';

const system = 'http://browser.example/fhir/CodeSystem/inputs', message = 'http://dsf.dev/fhir/CodeSystem/bpmn-message';
const read_all = { system: 'http://dsf.dev/fhir/CodeSystem/read-access-tag', code: 'ALL' };
const authorization = 'http://dsf.dev/fhir/CodeSystem/process-authorization';
const local = { type: 'Organization', identifier: { system: 'http://dsf.dev/sid/organization-identifier', value: 'site-a.example' } };
const profile_url = 'http://browser.example/fhir/StructureDefinition/task-collect';
const questionnaire_url = 'http://browser.example/fhir/Questionnaire/release';

const input = (code, value, from = system) => ({ type: { coding: [{ system: from, code }] }, ...value });
const slice = (code, type, more) => [
  { id: `Task.input:${code}`, path: 'Task.input', sliceName: code, ...more },
  { id: `Task.input:${code}.type`, path: 'Task.input.type' },
  { id: `Task.input:${code}.type.coding`, path: 'Task.input.type.coding', min: 1, max: '1' },
  { id: `Task.input:${code}.type.coding.system`, path: 'Task.input.type.coding.system', min: 1, fixedUri: system },
  { id: `Task.input:${code}.type.coding.code`, path: 'Task.input.type.coding.code', min: 1, fixedCode: code },
  { id: `Task.input:${code}.value[x]`, path: 'Task.input.value[x]', type: [{ code: type }] },
];

export const profile = {
  resourceType: 'StructureDefinition', meta: { tag: [read_all] }, url: profile_url, version: '1.0', name: 'TaskCollect', status: 'active', date: '2026-01-01',
  kind: 'resource', abstract: false, type: 'Task', baseDefinition: 'http://dsf.dev/fhir/StructureDefinition/task', derivation: 'constraint',
  differential: { element: [
    { id: 'Task.instantiatesCanonical', path: 'Task.instantiatesCanonical', fixedCanonical: 'http://browser.example/bpe/Process/collect|1.0' },
    { id: 'Task.input', path: 'Task.input', min: 2, max: '12' },
    { id: 'Task.input:message-name', path: 'Task.input', sliceName: 'message-name' },
    { id: 'Task.input:message-name.value[x]', path: 'Task.input.value[x]', fixedString: 'collect' },
    ...slice('project', 'string', { min: 1, max: '1' }),
    ...slice('site', 'string', { min: 0, max: '3' }),
    ...slice('patients', 'integer', { min: 0, max: '1' }),
    ...slice('dry-run', 'boolean', { min: 0, max: '1' }),
    ...slice('until', 'date', { min: 0, max: '1' }),
  ] },
};

const part = (url, value) => ({ url, ...value });
export const activity = {
  resourceType: 'ActivityDefinition', meta: { tag: [read_all] }, url: 'http://browser.example/bpe/Process/collect', version: '1.0', name: 'Collect', title: 'Collect data',
  status: 'active', kind: 'Task', date: '2026-01-01',
  extension: [{ url: 'http://dsf.dev/fhir/StructureDefinition/extension-process-authorization', extension: [
    part('message-name', { valueString: 'collect' }), part('task-profile', { valueCanonical: `${profile_url}|1.0` }),
    part('requester', { valueCoding: { system: authorization, code: 'LOCAL_ALL' } }),
    part('requester', { valueCoding: { system: authorization, code: 'LOCAL_ALL_PRACTITIONER', extension: [{
      url: 'http://dsf.dev/fhir/StructureDefinition/extension-process-authorization-practitioner', valueCoding: { system: 'http://dsf.dev/fhir/CodeSystem/practitioner-role', code: 'DSF_ADMIN' } }] } }),
    part('recipient', { valueCoding: { system: authorization, code: 'LOCAL_ALL' } }),
  ] }],
};

export const draft = {
  resourceType: 'Task', meta: { profile: [`${profile_url}|1.0`] }, instantiatesCanonical: 'http://browser.example/bpe/Process/collect|1.0', status: 'draft', intent: 'order',
  authoredOn: '2026-05-01T10:00:00+02:00', requester: local, restriction: { recipient: [local] },
  identifier: [{ system: 'http://dsf.dev/sid/task-identifier', value: 'http://browser.example/bpe/Process/collect/1.0/draft' }],
  input: [input('message-name', { valueString: 'collect' }, message), input('project', { valueString: 'example-project' }), input('site', { valueString: 'hospital-a.example' })],
};

export const questionnaire = {
  resourceType: 'Questionnaire', meta: { tag: [read_all] }, url: questionnaire_url, version: '1.0', name: 'Release', title: 'Release of the data', status: 'active', date: '2026-01-01',
  item: [
    { linkId: 'hint', type: 'display', text: 'Please look at the data before you release them.' },
    { linkId: 'release', type: 'boolean', text: 'Release the data?', required: true },
    { linkId: 'reason', type: 'string', text: 'Reason', required: false },
    { linkId: 'user-task-id', type: 'string', text: 'The user-task-id of the process execution', required: true },
    { linkId: 'business-key', type: 'string', text: 'The business-key of the process execution', required: true },
  ],
};

export const response = {
  resourceType: 'QuestionnaireResponse', questionnaire: `${questionnaire_url}|1.0`, status: 'in-progress',
  item: [
    { linkId: 'hint', text: 'Please look at the data before you release them.' },
    { linkId: 'release', text: 'Release the data?' },
    { linkId: 'reason', text: 'Reason' },
    { linkId: 'user-task-id', text: 'The user-task-id of the process execution', answer: [{ valueString: '1' }] },
    { linkId: 'business-key', text: 'The business-key of the process execution', answer: [{ valueString: '7d2a9f5e-2d9e-4b41-8f59-2ab3f5d0b001' }] },
  ],
};

export const group = (name) => ({ resourceType: 'Group', meta: { tag: [read_all] }, type: 'person', actual: true, name, identifier: [{ system: 'http://browser.example/groups', value: name }] });
