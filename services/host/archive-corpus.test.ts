import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { tarBytesMax } from './archive-bounds.ts'
import { createInstaller } from './installer.ts'
import { openPluginShelf } from './plugin-shelf.ts'
import { scanPlugins } from './registry.ts'
import { openTar, paxHeader, paxRecord, type TarPart, tarGz, tarOf } from './testing/tar.ts'
import { describedFlag, descriptorOf, type ZipPart, zipOf } from './testing/zip.ts'
import type { ArchiveFormat } from './unpack.ts'

const mib = 1 << 20

/** Everything in a directory: names, kinds, modes, times and contents. */
function portrait(directory: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const { mode, mtimeMs, size } = lstatSync(join(directory, name))
    hash.update(JSON.stringify([name, mode, mtimeMs, size]))
    if ((mode & 0o170000) === 0o100000) hash.update(readFileSync(join(directory, name)))
  }
  return hash.digest('hex')
}

/** A rig's directories with one plugin in them, and an installer whose judge must not be asked. */
function rig() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-corpus-'))
  const [pluginDir, stateDir] = [join(root, 'plugins'), join(root, 'state')]
  mkdirSync(join(pluginDir, 'there'), { recursive: true })
  mkdirSync(stateDir)
  writeFileSync(join(pluginDir, 'there', 'there.wasm'), 'the bytes of a module')
  const installer = createInstaller({
    shelf: openPluginShelf({ pluginDir, stateDir }),
    installed: () => scanPlugins(pluginDir),
    judge: () => assert.fail('nothing of a hostile archive is judged'),
    audit: { append: () => assert.fail('nothing is decided') },
    changed: () => assert.fail('nothing has changed'),
  })
  async function install(archive: Buffer, format: ArchiveFormat): Promise<void> {
    async function* pieces() {
      for (let at = 0; at < archive.length; at += 65_536) yield archive.subarray(at, at + 65_536)
    }
    const request = { format, name: '', force: false, upgradeOnly: false, archiveBytes: archive.length }
    for await (const _ of installer.install(request, pieces(), new AbortController().signal));
  }
  return {
    install,
    portrait: () => [portrait(pluginDir), portrait(stateDir)],
    outside: () => readdirSync(root).sort(),
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  }
}

const file = (name: string | Uint8Array, content: string | Uint8Array = 'x'): TarPart => ({ name, content })
const manifest = file('plugin.yaml', 'name: x')
const deep = (levels: number): string => `${'d/'.repeat(levels)}f`
const notUtf8 = Buffer.from([0x66, 0xff, 0xfe])

type Case = readonly [vice: string, archive: () => Buffer, reason: RegExp]

/** What no format may hold, by the names of its entries. */
const names: readonly (readonly [vice: string, name: string | Uint8Array, reason: RegExp])[] = [
  ['leads out of the archive', '../evil', /"\.\.\/evil" leads out of the archive/],
  ['leads out of it from within', 'a/../../evil', /leads out of the archive/],
  ['ends in ..', 'a/..', /leads out of the archive/],
  ['is absolute', '/etc/passwd', /is absolute/],
  ['begins with a drive', 'C:evil', /begins with a drive/],
  ['has backslashes', 'a\\..\\evil', /has a backslash/],
  ['breaks the line', 'a\nb', /"a\\x0ab" has control characters/],
  ['turns the line', 'a\u202eb', /has control characters/],
  ['clears the screen', '\x1b[2Jx', /has control characters/],
  ['is not UTF-8', notUtf8, /is not UTF-8/],
  ['is longer than a name can be', 'n'.repeat(256), /has 256 bytes, and the most is 255/],
  ['is deep', deep(16), /is 17 names deep, and the most is 16/],
  ['has an empty part', 'a//b', /has an empty part/],
  ['has a part of one dot', 'a/./b', /has an empty part or a \./],
  ['is one dot', '.', /has an empty part or a \./],
]

/** Pairs of names of which a file system may make one. */
const pairs: readonly (readonly [vice: string, first: string, second: string, reason: RegExp])[] = [
  ['a name twice', 'a', 'a', /"a" is in the archive twice/],
  ['a name in capitals, too', 'a', 'A', /"A" is in the archive beside "a"/],
  ['a directory in capitals, too', 'd/a', 'D/b', /"D" is in the archive beside "d"/],
  [
    'a name with a composed accent, too',
    'e\u0301',
    '\u00e9',
    /beside "e\u0301", which some file systems take for the same/,
  ],
  ['a sharp s and two of them', 'stra\u00dfe', 'STRASSE', /which some file systems take for the same/],
  ['a file in a file', 'a', 'a/b', /"a" is in the archive twice/],
  ['a file in the place of a directory', 'a/b', 'a', /"a" is in the archive twice/],
]

const longName = (name: string | Uint8Array): readonly TarPart[] =>
  Buffer.byteLength(name as string) <= 100
    ? [file(name)]
    : [{ name: '././@LongLink', type: 'L', content: name, magic: 'ustar  \0' }, file('cut')]

const typed = (type: string, size = 0): Buffer => tarGz({ name: 'evil', type, size, content: '' })

const tars: readonly Case[] = [
  ...names.map(
    ([vice, name, reason]): Case => [`a name that ${vice}`, () => tarGz(manifest, ...longName(name)), reason],
  ),
  ...pairs.map(([vice, a, b, reason]): Case => [vice, () => tarGz(manifest, file(a), file(b)), reason]),
  ['a name in pax that leads out', () => tarGz(paxHeader(paxRecord('path', '../evil')), file('good')), /leads out/],
  ['a name in pax with a NUL', () => tarGz(paxHeader(paxRecord('path', 'a\0b')), file('good')), /control characters/],
  ['a prefix that leads out', () => tarGz({ ...file('evil'), prefix: '..' }), /leads out/],
  ['an empty name', () => tarGz(file('')), /is empty/],
  ['a file whose name ends with /', () => tarGz(file('a/')), /of a file ends with \//],
  [
    'a directory twice',
    () => tarGz({ name: 'd/', type: '5' }, { name: 'd', type: '5' }),
    /"d" is in the archive twice/,
  ],
  [
    'two names for an entry',
    () => tarGz(...longName('n'.repeat(101)).slice(0, 1), paxHeader(paxRecord('path', 'b')), file('c')),
    /more than one name/,
  ],
  ['a name without an entry', () => tarGz(manifest, paxHeader(paxRecord('path', 'b'))), /without the entry/],
  ['a name for all entries', () => tarGz({ ...paxHeader(paxRecord('path', 'b')), type: 'g' }, manifest), /"path"/],
  ['a size in pax', () => tarGz(paxHeader(paxRecord('size', '1')), file('a', 'xyz')), /"size", which nothing/],
  ['names of another alphabet', () => tarGz(paxHeader(paxRecord('hdrcharset', 'BINARY')), manifest), /"hdrcharset"/],
  [
    'a sparse file of pax',
    () => tarGz(paxHeader(paxRecord('GNU.sparse.major', '1')), manifest),
    /"GNU\.sparse\.major"/,
  ],
  [
    'a record of pax twice',
    () => tarGz(paxHeader(paxRecord('path', 'a'), paxRecord('path', 'b')), manifest),
    /"path" twice/,
  ],
  ['records that are none', () => tarGz({ ...paxHeader(), content: '99 path=a\n' }, manifest), /not made of records/],
  ['records of negative length', () => tarGz({ ...paxHeader(), content: '-5 a=b\n' }, manifest), /not made of records/],
  ['records of length 0', () => tarGz({ ...paxHeader(), content: '0 a=b\n' }, manifest), /not made of records/],
  [
    'a header of a megabyte',
    () => tarGz({ name: 'x', type: 'x', content: Buffer.alloc(mib) }, manifest),
    /a header of the archive has 1048576 bytes/,
  ],
  ['a symbolic link', () => tarGz(manifest, { name: 'evil', type: '2' }), /"evil" is a symbolic link/],
  ['a hard link', () => tarGz(manifest, { name: 'evil', type: '1' }), /"evil" is a hard link/],
  [
    'a link with a long target',
    () => tarGz({ name: 'x', type: 'K', content: 'y' }, manifest),
    /a link with a long target/,
  ],
  ['a character device', () => typed('3'), /is a character device/],
  ['a block device', () => typed('4'), /is a block device/],
  ['a fifo', () => typed('6'), /is a fifo/],
  ['a contiguous file', () => typed('7'), /is a contiguous file/],
  ['a sparse file', () => typed('S'), /is a sparse file/],
  ['a part of a file', () => typed('M'), /is a part of a file of another archive/],
  ['the label of a tape', () => typed('V'), /is the label of a tape/],
  ['an unknown type', () => typed('Q'), /of the unknown type "Q"/],
  ['a directory with content', () => tarGz({ name: 'd', type: '5', content: 'x' }), /the directory "d" has 1 bytes/],
  ['a wrong checksum', () => tarGz({ ...manifest, lie: 1 }), /a header says that its checksum is/],
  ['a header of nobody', () => tarGz({ ...manifest, magic: 'nobody' }), /neither of POSIX nor of GNU/],
  [
    'a size that is no number',
    () => {
      const tar = tarOf(manifest)
      tar.write('9', 130)
      tar.write(
        `${tar
          .subarray(0, 512)
          .reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0)
          .toString(8)
          .padStart(6, '0')}`,
        148,
      )
      return gzipSync(tar)
    },
    /the size of an entry is .*, which is no octal number/,
  ],
  ['a file that is larger than the archive', () => tarGz({ ...manifest, size: 100_000 }), /is cut off/],
  ['no end', () => gzipSync(openTar([manifest])), /has no end/],
  ['half an end', () => gzipSync(Buffer.concat([openTar([manifest]), Buffer.alloc(512)])), /cut off in its last block/],
  ['half a block', () => gzipSync(openTar([manifest]).subarray(0, 700)), /is cut off/],
  [
    'another archive after its end',
    () => gzipSync(Buffer.concat([tarOf(manifest), tarOf(file('../evil'))])),
    /goes on after its end/,
  ],
  [
    'entries after one zero block',
    () => gzipSync(Buffer.concat([Buffer.alloc(512), tarOf(manifest)])),
    /goes on after its end/,
  ],
  ['another gzip after its end', () => Buffer.concat([tarGz(manifest), tarGz(file('evil'))]), /Trailing junk/],
  ['zeroes after its end', () => Buffer.concat([tarGz(manifest), Buffer.alloc(9)]), /Trailing junk/],
  ['a gzip that is cut off', () => tarGz(manifest).subarray(0, -4), /is no \.tar\.gz, or it is damaged/],
  [
    'a flipped bit',
    () => {
      const archive = tarGz(file('plugin.yaml', 'name: '.repeat(1000)))
      archive[archive.length - 6] = (archive[archive.length - 6] as number) ^ 1 // of the checksum
      return archive
    },
    /is damaged/,
  ],
  ['a plain tar', () => tarOf(manifest), /is no \.tar\.gz/],
  ['a zip', () => zipOf([{ name: 'plugin.yaml' }]), /is no \.tar\.gz/],
  ['nothing', () => Buffer.alloc(0), /cut off|is no \.tar\.gz/],
  ['a file of 64 MiB and a byte', () => tarGz(file('bomb', Buffer.alloc(64 * mib + 1))), /"bomb" has more than 64 MiB/],
  [
    'three files of 44 MiB',
    () => tarGz(...['a', 'b', 'c'].map((name) => file(name, Buffer.alloc(44 * mib)))),
    /more than 128 MiB together/,
  ],
  [
    'zeroes without end after its end',
    () => gzipSync(Buffer.concat([tarOf(manifest), Buffer.alloc(tarBytesMax)]), { level: 1 }),
    /unpacks to more than 145\.578125 MiB/,
  ],
  ['1001 files', () => tarGz(...Array.from({ length: 1001 }, (_, index) => file(`f${index}`))), /more than 1000 files/],
  [
    '100 files with 15 directories each',
    () => tarGz(...Array.from({ length: 100 }, (_, index) => file(`${index}/${deep(14)}`))),
    /more than 1000 files/,
  ],
]

const zip = (...parts: readonly ZipPart[]): Buffer => zipOf(parts)
const yaml: ZipPart = { name: 'plugin.yaml', content: 'name: x' }
/** An entry whose sizes follow, and do not yet. */
const described: ZipPart = { ...yaml, flags: 0x800 | describedFlag, local: { crc: 0, packedSize: 0, size: 0 } }
const mode = (name: string, bits: number): Buffer => zip(yaml, { name, mode: bits, content: '/etc/passwd' })
const extra = (id: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from([id & 255, id >> 8, data.length, 0]), data])

const zips: readonly Case[] = [
  ...names.map(([vice, name, reason]): Case => [`a name that ${vice}`, () => zip(yaml, { name }), reason]),
  ...pairs.map(([vice, a, b, reason]): Case => [vice, () => zip(yaml, { name: a }, { name: b }), reason]),
  ['a name with a NUL', () => zip({ name: 'a\0b' }), /control characters/],
  ['an empty name', () => zip({ name: '' }), /is empty/],
  ['a symbolic link', () => mode('evil', 0o120777), /"evil" is a symbolic link/],
  ['a fifo', () => mode('evil', 0o010644), /is a fifo/],
  ['a character device', () => mode('evil', 0o020644), /is a character device/],
  ['a block device', () => mode('evil', 0o060644), /is a block device/],
  ['a socket', () => mode('evil', 0o140644), /is a socket/],
  [
    'a directory that is named as a file',
    () => mode('evil', 0o040755),
    /is of type 40000, which its name does not say/,
  ],
  ['a file that is named as a directory', () => mode('evil/', 0o100644), /is of type 100000/],
  ['a directory with content', () => mode('evil/', 0o040755), /the directory "evil\/" has 11 bytes/],
  ['an encrypted file', () => zip({ ...yaml, flags: 0x801 }), /is encrypted/],
  ['a strongly encrypted file', () => zip({ ...yaml, flags: 0x841 }), /strong encryption/],
  ['a masked directory', () => zip({ ...yaml, flags: 0x2800 }), /is encrypted/],
  ['another method', () => zip({ ...yaml, method: 14 }), /is packed with method 14/],
  ['a size in zip64', () => zip({ ...yaml, extra: extra(1, Buffer.alloc(16)) }), /zip64/],
  ['a size that is elsewhere', () => zip({ ...yaml, size: 0xffffffff, extra: extra(1, Buffer.alloc(8)) }), /zip64/],
  [
    'an end in zip64',
    () => zipOf([yaml], { afterDirectory: Buffer.concat([Buffer.from('PK\x06\x07'), Buffer.alloc(16)]) }),
    /zip64|signature/,
  ],
  ['entries that are counted elsewhere', () => zipOf([yaml], { entries: 0xffff }), /zip64/],
  [
    'another name beside the name',
    () => zip({ ...yaml, extra: extra(0x7075, Buffer.from('\x01....../../evil')) }),
    /has another name beside/,
  ],
  [
    'another name in front of the file',
    () => zip({ ...yaml, localName: 'plugin.yamL' }),
    /is another entry in the directory/,
  ],
  ...(['crc', 'packedSize', 'size'] as const).map(
    (key): Case => [
      `another ${key} in front of the file`,
      () => zip({ ...yaml, local: { [key]: 5 } }),
      /"plugin\.yaml" has another size or checksum in the directory/,
    ],
  ),
  [
    'sizes in front of the file that others follow',
    () => zip({ ...described, descriptor: descriptorOf('name: x'), local: { size: 5 } }),
    /has another size or checksum in the directory/,
  ],
  [
    'a name in another place in front of the file',
    () => zip({ ...yaml, local: { extra: extra(0x7075, Buffer.from('\x01....../../evil')) } }),
    /has another name beside/,
  ],
  [
    'a size in zip64 in front of the file',
    () => zip({ ...yaml, local: { extra: extra(1, Buffer.alloc(16)) } }),
    /zip64/,
  ],
  [
    'a field in front of the file that is cut off',
    () => zip({ ...yaml, local: { extra: Buffer.from([0x75, 0x70, 9, 0, 1]) } }),
    /an extra field of "plugin\.yaml" is cut off/,
  ],
  ['sizes that should follow', () => zip(described), /what follows after "plugin\.yaml" is not what the directory/],
  ['sizes that should not follow', () => zip({ ...yaml, descriptor: descriptorOf('name: x') }), /16 bytes that belong/],
  ['13 bytes of sizes', () => zip({ ...described, descriptor: Buffer.alloc(13) }), /13 bytes that belong to no entry/],
  ...[12, 16, 20, 24].map(
    (bytes): Case => [
      `${bytes} bytes in the place of sizes`,
      () => zip({ ...described, descriptor: Buffer.alloc(bytes, 'x') }, { name: 'b' }),
      /what follows after "plugin\.yaml" is not/,
    ],
  ),
  ...[{ crc: 1 }, { size: 5 }, { crc: 1, marked: false }, { size: 5, wide: true }].map(
    (lie): Case => [
      `sizes that follow and lie: ${JSON.stringify(lie)}`,
      () => zip({ ...described, descriptor: descriptorOf('name: x', lie) }),
      /what follows after "plugin\.yaml" is not/,
    ],
  ),
  ['one file for two entries', () => zipOf([{ name: 'aa' }, { name: 'aa', offset: 0 }]), /overlap/],
  [
    'bytes that belong to nobody',
    () => zipOf([yaml], { beforeDirectory: Buffer.alloc(7) }),
    /7 bytes that belong to no entry/,
  ],
  [
    'a program in front of it',
    () => Buffer.concat([Buffer.from('#!/bin/sh\n'), zip(yaml)]),
    /not where its end says|signature/,
  ],
  ['bytes after the directory', () => zipOf([yaml], { afterDirectory: Buffer.alloc(7) }), /not where its end says/],
  ['bytes after its end', () => Buffer.concat([zip(yaml), Buffer.alloc(7)]), /Invalid comment length/],
  ['fewer entries than it says', () => zipOf([yaml], { entries: 2 }), /damaged/],
  ['more entries than it says', () => zipOf([yaml, { name: 'b' }], { entries: 1 }), /more in it than entries/],
  ['a part of a larger one', () => zipOf([yaml], { disk: 1 }), /several parts|multi-disk/],
  ['a wrong checksum', () => zip({ ...yaml, crc: 1 }), /"plugin\.yaml" is damaged/],
  ['less content than it says', () => zip({ ...yaml, size: 1000 }), /not enough bytes/],
  ['more content than it says', () => zip({ ...yaml, size: 1 }), /too many bytes/],
  [
    'packed bytes that are none',
    () => zip({ ...yaml, method: 0, flags: 0x800 }).fill(8, 8, 9),
    /damaged|another entry/,
  ],
  ['an end that is cut off', () => zip(yaml).subarray(0, -5), /is no zip/],
  ['a .tar.gz', () => tarGz(manifest), /is no zip/],
  ['nothing', () => Buffer.alloc(0), /is no zip/],
  [
    'a file of 64 MiB and a byte',
    () => zip({ name: 'bomb', content: Buffer.alloc(64 * mib + 1) }),
    /"bomb" has more than 64 MiB/,
  ],
  [
    'a small file that is a bomb',
    () => zip({ name: 'bomb', content: Buffer.alloc(64 * mib + 1), size: 10 }),
    /too many bytes/,
  ],
  [
    'three files of 44 MiB',
    () => zip(...['a', 'b', 'c'].map((name) => ({ name, content: Buffer.alloc(44 * mib) }))),
    /more than 128 MiB together/,
  ],
  [
    '1001 files',
    () => zip(...Array.from({ length: 1001 }, (_, index) => ({ name: `f${index}` }))),
    /has 1001 entries, and the most/,
  ],
]

for (const [format, cases] of [
  ['tar.gz', tars],
  ['zip', zips],
] as const) {
  test(`what no .${format} may hold is refused for what it is, and nothing on the disk is another`, async (t) => {
    using it = rig()
    const before = it.portrait()
    for (const [vice, archive, reason] of cases) {
      await t.test(vice, async () => {
        await assert.rejects(it.install(archive(), format), (refusal: Error & { readonly code?: string }) => {
          assert.equal(refusal.code, 'ARCHIVE_INVALID', refusal.stack)
          assert.match(refusal.message, reason)
          assert.doesNotMatch(refusal.message, /staging|\p{Cc}/u)
          return true
        })
        // The directory itself was written into, and is as it was.
        assert.deepEqual([it.portrait(), it.outside()], [before, ['plugins', 'state']])
      })
    }
  })
}
