import { artefactMaxBytes } from '../trust/artefact.ts'

/** Largest file of an archive, bytes: the largest artefact that is judged. */
export const fileBytesMax = artefactMaxBytes

/** What all files of an archive have together, bytes: the largest artefact, and as much again of what it brings with it. */
export const unpackedBytesMax = 2 * artefactMaxBytes

/** Largest archive, bytes: packing makes nothing larger that is worth packing. */
export const archiveBytesMax = unpackedBytesMax

/** Most files and directories. Each is flushed to the disk by itself, a few ms where there is nothing faster than flash. */
export const entriesMax = 1000

/** Longest path, bytes of UTF-8: what every file system takes for a single name, so no part of it is too long either. */
export const pathBytesMax = 255

/** Most directories in each other. Nobody has needed more than four. */
export const depthMax = 16

/** What tar writes before an entry when its name is long or has attributes, bytes. An author's Mac writes some hundred. */
export const headerBytesMax = 16 * 1024

/** What a tar may have, bytes: its files, and for each entry its headers and what fills them up. */
export const tarBytesMax = unpackedBytesMax + entriesMax * (headerBytesMax + 4 * 512)

/** How the bounds are told. */
export const inMiB = (bytes: number): string => `${bytes / (1 << 20)} MiB`
