// Prints docs/api.md: the public API from the comments of its contracts. `buf build proto --as-file-descriptor-set -o -` on
// standard input.
import { readFileSync } from 'node:fs'
import { fromBinary } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt'
import { innerServices, methodRoles } from '../rpc/method-role.ts'

const files = fromBinary(FileDescriptorSetSchema, readFileSync(0)).file.filter(
  ({ package: name }) => name === 'openracing.v1',
)

// Numbers of fields in descriptor.proto, which paths of comments are made of.
const [messages, enums, services, members, oneofs] = [4, 5, 6, 2, 8]

/** The comment of what lies at a path of a file, on one line. */
function commentsOf({ sourceCodeInfo }: FileDescriptorProto): (...path: readonly number[]) => string {
  const comments = new Map(
    sourceCodeInfo?.location.map(({ path, leadingComments }) => [
      path.join(),
      leadingComments.trim().replaceAll(/\s*\n\s*/g, ' '),
    ]),
  )
  return (...path) => comments.get(path.join()) ?? ''
}

const short = (name: string): string => name.replace(/^\.(openracing\.v1\.)?/, '')
const anchor = (name: string): string => `[${name}](#${name.toLowerCase()})`

const scalars: Partial<Record<Type, string>> = {
  [Type.DOUBLE]: 'double',
  [Type.FLOAT]: 'float',
  [Type.INT64]: 'int64',
  [Type.UINT64]: 'uint64',
  [Type.INT32]: 'int32',
  [Type.UINT32]: 'uint32',
  [Type.BOOL]: 'bool',
  [Type.STRING]: 'string',
  [Type.BYTES]: 'bytes',
}

function typeOf({ type, typeName, label, proto3Optional }: FieldDescriptorProto): string {
  const one = scalars[type] ?? anchor(short(typeName))
  if (label === Label.REPEATED) return `repeated ${one}`
  return proto3Optional ? `optional ${one}` : one
}

const cell = (text: string): string => text.replaceAll('|', '\\|')
const rows = (cells: readonly (readonly string[])[]): readonly string[] =>
  cells.map((each) => `| ${each.map(cell).join(' | ')} |`)

function messageLines(message: DescriptorProto, comment: (...path: readonly number[]) => string): readonly string[] {
  const fields = message.field.map((field, index) => {
    const choice =
      field.oneofIndex !== undefined && !field.proto3Optional ? message.oneofDecl[field.oneofIndex] : undefined
    const about = choice === undefined ? '' : `One of \`${choice.name}\`. `
    return [`\`${field.name}\``, typeOf(field), `${about}${comment(members, index)}`]
  })
  const choices = message.oneofDecl
    .map((choice, index) => ({ choice, text: comment(oneofs, index) }))
    .filter(({ choice, text }) => text !== '' && !choice.name.startsWith('_'))
    .map(({ choice, text }) => `\`${choice.name}\`: ${text}`)
  const table = fields.length === 0 ? [] : ['', '| field | type | |', '| --- | --- | --- |', ...rows(fields)]
  return [`### ${message.name}`, '', comment(), ...choices.flatMap((each) => ['', each]), ...table, '']
}

function enumLines(
  { name, value }: EnumDescriptorProto,
  comment: (...path: readonly number[]) => string,
): readonly string[] {
  const values = value.map((each, index) => [`${each.number}`, `\`${each.name}\``, comment(members, index)])
  return [`### ${name}`, '', comment(), '', '| | value | |', '| --- | --- | --- |', ...rows(values), '']
}

/** Names of messages and enums that a public service sends or takes, however deep. */
function reachable(): ReadonlySet<string> {
  const all = new Map(files.flatMap(({ messageType }) => messageType).map((message) => [message.name, message]))
  const found = new Set<string>()
  function visit(name: string): void {
    if (found.has(name)) return
    found.add(name)
    for (const { typeName } of all.get(name)?.field ?? []) if (typeName !== '') visit(short(typeName))
  }
  for (const service of files.flatMap((file) => file.service)) {
    if (innerServices.includes(service.name)) continue
    for (const { inputType, outputType } of service.method) [inputType, outputType].map(short).forEach(visit)
  }
  return found
}

function fileLines(file: FileDescriptorProto, isPublic: ReadonlySet<string>): readonly string[] {
  const comment = commentsOf(file)
  const told = file.service.flatMap((service, at) => {
    if (innerServices.includes(service.name)) return []
    const methods = service.method.map((method, index) => {
      const [input, output] = [method.inputType, method.outputType].map((name) => anchor(short(name))) as [
        string,
        string,
      ]
      const request = method.clientStreaming ? `stream ${input}` : input
      const response = method.serverStreaming ? `stream ${output}` : output
      const role = methodRoles.get(`/openracing.v1.${service.name}/${method.name}`) ?? ''
      return [`\`${method.name}\``, role, `${request} → ${response}`, comment(services, at, members, index)]
    })
    return [
      ...[`## ${service.name}`, '', comment(services, at), ''],
      ...['| method | role | | |', '| --- | --- | --- | --- |', ...rows(methods), ''],
    ]
  })
  const types = [
    ...file.messageType.flatMap((message, at) =>
      isPublic.has(message.name) ? messageLines(message, (...path) => comment(messages, at, ...path)) : [],
    ),
    ...file.enumType.flatMap((each, at) =>
      isPublic.has(each.name) ? enumLines(each, (...path) => comment(enums, at, ...path)) : [],
    ),
  ]
  return [...told, ...types]
}

const isPublic = reachable()
const head = `# API

Generated from the comments in \`proto/openracing/v1\`; \`make generate\` writes it anew. gRPC over \`unix:run/host.sock\`, over \`listen\` (127.0.0.1:50051), and over \`remote.listen\` with a certificate (remote.md, which says what the roles are). Health checks (\`grpc.health.v1\`) and reflection (\`grpc.reflection.v1\`) are answered beside it. A call that fails says which failure it is in a google.rpc.ErrorInfo, whose \`reason\` is a code of failures.md, and which field of the request is wrong in a google.rpc.BadRequest.

A plugin is named by its id, its directory, or its name, where it is the only one of that name.
`
process.stdout.write(`${[head, ...files.flatMap((file) => fileLines(file, isPublic))].join('\n').trimEnd()}\n`)
