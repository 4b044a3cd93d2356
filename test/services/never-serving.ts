// never-serving.ts: runs, and never listens.
process.stdin.once('end', () => process.exit(0)).resume()
