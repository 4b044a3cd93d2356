import { chmodSync, renameSync, writeFileSync } from 'node:fs'

// Swaps the content of files for one of two texts, again and again, by every means: swaps-files GOOD EVIL FILE...
const [good, evil, ...files] = process.argv.slice(2) as [string, string, ...string[]]

function replaceWhole(file: string, text: string): void {
  writeFileSync(`${file}.swap`, text)
  renameSync(`${file}.swap`, file)
}

function writeInPlace(file: string, text: string): void {
  try {
    chmodSync(file, 0o600)
    writeFileSync(file, text)
  } catch {
    // It was not there at that moment.
  }
}

process.stdout.write('swapping\n')
for (;;) {
  for (const file of files) {
    for (const swap of [replaceWhole, writeInPlace]) {
      swap(file, evil)
      for (let pause = Math.random() * 20_000; pause > 0; pause--);
      swap(file, good)
      for (let pause = Math.random() * 200_000; pause > 0; pause--);
    }
  }
}
